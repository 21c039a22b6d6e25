//! AWS's partitions, which ARNs name.

#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The name in ARNs.
    pub name: &'static str,
    /// The end of its host names.
    pub url_suffix: &'static str,
    /// The prefix of its regions.
    regions: &'static str,
}

const COMMERCIAL: Partition = Partition { name: "aws", url_suffix: "amazonaws.com", regions: "" };
const NON_COMMERCIAL: &[Partition] = &[
    Partition { name: "aws-cn", url_suffix: "amazonaws.com.cn", regions: "cn-" },
    Partition { name: "aws-us-gov", url_suffix: "amazonaws.com", regions: "us-gov-" },
    Partition { name: "aws-eusc", url_suffix: "amazonaws.eu", regions: "eusc-" },
    Partition { name: "aws-iso", url_suffix: "c2s.ic.gov", regions: "us-iso-" },
    Partition { name: "aws-iso-b", url_suffix: "sc2s.sgov.gov", regions: "us-isob-" },
    Partition { name: "aws-iso-e", url_suffix: "cloud.adc-e.uk", regions: "eu-isoe-" },
    Partition { name: "aws-iso-f", url_suffix: "csp.hci.ic.gov", regions: "us-isof-" },
];

impl Partition {
    /// Whether a partition of this name exists.
    pub fn exists(name: &str) -> bool {
        NON_COMMERCIAL.iter().chain([&COMMERCIAL]).any(|partition| partition.name == name)
    }

    /// The partition of a region.
    pub fn of(region: &str) -> &'static Self {
        NON_COMMERCIAL.iter().find(|partition| region.starts_with(partition.regions)).unwrap_or(&COMMERCIAL)
    }
}
