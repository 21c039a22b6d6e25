//! AWS's public parameters for machine images. Names are real; image ids are derived from the name, so that they do not
//! change.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::Parameter;

/// Paths, each with the names below it.
const FOLDERS: &[(&str, &[&str])] = &[
    (
        "/aws/service/ami-amazon-linux-latest/",
        &[
            "amzn2-ami-hvm-x86_64-gp2",
            "amzn2-ami-hvm-x86_64-ebs",
            "amzn2-ami-hvm-arm64-gp2",
            "amzn2-ami-kernel-5.10-hvm-x86_64-gp2",
            "amzn2-ami-kernel-5.10-hvm-arm64-gp2",
            "amzn-ami-hvm-x86_64-gp2",
            "al2023-ami-kernel-default-x86_64",
            "al2023-ami-kernel-default-arm64",
            "al2023-ami-kernel-6.1-x86_64",
            "al2023-ami-kernel-6.1-arm64",
            "al2023-ami-minimal-kernel-default-x86_64",
            "al2023-ami-minimal-kernel-default-arm64",
            "al2023-ami-minimal-kernel-6.1-x86_64",
            "al2023-ami-minimal-kernel-6.1-arm64",
        ],
    ),
    (
        "/aws/service/ecs/optimized-ami/",
        &[
            "amazon-linux-2/recommended/image_id",
            "amazon-linux-2/arm64/recommended/image_id",
            "amazon-linux-2/gpu/recommended/image_id",
            "amazon-linux-2023/recommended/image_id",
            "amazon-linux-2023/arm64/recommended/image_id",
        ],
    ),
];

/// The root of all public parameters, where accounts cannot have their own.
const ROOT: &str = "/aws";
/// The root of the public parameters that can be listed.
const LISTED: &str = "/aws/service/";

/// Whether a name or path belongs to AWS, whether it is served or not.
pub(crate) fn is_public(name: &str) -> bool {
    name.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn find(name: &str) -> Option<Parameter> {
    let known =
        FOLDERS.iter().any(|(folder, names)| name.strip_prefix(folder).is_some_and(|rest| names.contains(&rest)));
    known.then(|| Parameter {
        name: name.to_owned(),
        kind: "String".to_owned(),
        value: format!("ami-0{}", &hex::encode(Sha256::digest(name))[..16]),
        version: 1,
        modified: Timestamp::UNIX_EPOCH,
        description: None,
        key_id: None,
        tier: "Standard".to_owned(),
        data_type: "text".to_owned(),
        allowed_pattern: None,
    })
}

/// All public parameters below a path. Listing a path above their root returns the account's parameters only.
pub(crate) fn with_path_prefix(path: &str) -> Vec<Parameter> {
    let path = format!("{}/", path.trim_end_matches('/'));
    if !path.starts_with(LISTED) {
        return Vec::new();
    }
    let names = FOLDERS.iter().flat_map(|(folder, names)| names.iter().map(move |name| format!("{folder}{name}")));
    names.filter(|name| name.starts_with(&path)).filter_map(|name| find(&name)).collect()
}
