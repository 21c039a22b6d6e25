//! The AWS CLI and ecsws find the same profiles in the same config files.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, succeed, tool};

/// Valid and invalid spellings of sections, without duplicate sections or keys, which make the CLI fail.
const CONFIG: &str = r#"
# a comment
[default]
region = us-east-1
[profile plain]
region=eu-west-1
[profile   spaces   around  ]
region = a
[profile  two-spaces]
region: eu-west-2
[profile 'single quotes']
    region = eu-west-3
    output = json
    s3 =
        max_queue_size = 1

        max_bandwidth = 2
    cli_pager =
[profile "double quotes"]
region = eu-north-1
[profile back\\ slash]
region = eu-north-1
[profile one\ space]
[profile "it's"]
[profile 'say "hi"']
[profile "a\"b\$c\\d"]
[profile a'b c'd]
[profile #number]
[profile für-uns]
[profile ünï cödé]
[profile a%20b]
[profile a/b:c@d.e+f]
[profile UPPER]
[profile [brackets]]
[profile trailing] # a comment
[profile 'unfinished]
[profile unfinished\]
[profile]
[profile ""]
[profiles]
[no-prefix]
[sso-session my-session]
sso_region = us-east-1
[services local]
ec2 =
  endpoint_url = http://localhost:1
[preview]
cloudfront = true
"#;

const CREDENTIALS: &str = r"
[default]
aws_access_key_id = a
[in credentials]
aws_access_key_id = a
['quoted in credentials']
aws_access_key_id = a
[profile prefixed]
aws_access_key_id = a
";

/// Prints the profiles that botocore finds, with their regions, as JSON.
const READER: &str = "import botocore.session, json
profiles = botocore.session.Session().full_config['profiles']
print(json.dumps({name: profile.get('region') for name, profile in profiles.items()}))";

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_aws_cli_finds_the_same_profiles() {
    let place = Place::new("[services.api]\ncpu = 256\nmemory = 512\n[services.api.container]\nimage = \"nginx\"\n");
    std::fs::create_dir(place.dir.path().join(".aws")).expect("a folder");
    place.write(".aws/config", CONFIG);
    place.write(".aws/credentials", CREDENTIALS);
    let profiles = succeed(place.command(tool("python"), "").args(["-c", READER]));
    let profiles: BTreeMap<String, Option<String>> = serde_json::from_str(&profiles).expect("valid JSON");
    assert!(profiles.len() > 15, "{profiles:?}");
    // ecsws finds these profiles and no others.
    let names = [CONFIG, CREDENTIALS].concat();
    let mut candidates: BTreeSet<&str> = profiles.keys().map(String::as_str).collect();
    candidates.extend(names.lines().filter_map(|line| line.strip_prefix("[profile ")?.strip_suffix(']')));
    for name in candidates {
        let mut command = place.command(env!("CARGO_BIN_EXE_ecsws"), "status --endpoint-url http://127.0.0.1:1");
        command.args(["--profile", name]).envs([("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_MAX_ATTEMPTS", "1")]);
        let stderr = String::from_utf8_lossy(&command.output().expect("the binary runs").stderr).into_owned();
        let region = profiles.get(name);
        assert_eq!(!stderr.contains("no such profile"), region.is_some(), "{name}: {stderr}");
        if let Some(region) = region {
            assert_eq!(!stderr.contains("no region is configured"), region.is_some(), "{name}: {stderr}");
        }
    }
}
