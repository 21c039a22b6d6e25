//! Which credentials, region and endpoint a command uses: the AWS config files and the environment, against a server that records requests.
#![cfg(unix)]

mod mfa;
mod server;

use std::process::Command;

use crate::common::ecsws_in;
use server::Server;

const PROJECT: &str = r#"
[services.api]
cpu = 256
memory = 512

[services.api.container]
image = "nginx"
"#;

/// A folder with a project and, in its `home`, the AWS config files.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new(config: &str, credentials: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a folder") };
        home.write("ecsws.toml", PROJECT);
        home.write("home/.aws/config", config);
        home.write("home/.aws/credentials", credentials);
        home
    }

    #[expect(clippy::disallowed_methods, reason = "tests write files")]
    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = ecsws_in(self.folder.path());
        command.args(arguments).envs(variables.iter().copied());
        command
    }

    /// Exit code and stderr.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
        let output = self.command(arguments, variables).output().expect("the binary can be run");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The access key and region with which the last request was signed.
fn signed_with(server: &Server) -> (String, String) {
    let request = server.requests().pop().expect("a request");
    let scope = request.head.split("credential=").nth(1).expect("a signature").to_owned();
    let mut parts = scope.split('/').map(str::to_owned);
    let (key, _, region) = (parts.next(), parts.next(), parts.next());
    (key.expect("a key"), region.expect("a region"))
}

fn keys(id: &str) -> String {
    format!("aws_access_key_id = {id}\naws_secret_access_key = secret\n")
}

#[test]
fn profile_names_may_be_quoted() {
    let server = Server::start();
    for (header, name) in [
        ("profile plain", "plain"),
        ("profile 'my dev'", "my dev"),
        ("profile \"my dev\"", "my dev"),
        ("profile my\\ dev", "my dev"),
        ("profile \"it's\"", "it's"),
        ("profile für-uns", "für-uns"),
        ("profile a%20b", "a%20b"),
        ("default", "default"),
    ] {
        let config = format!("[{header}]\n  region = eu-west-3\n  {}", keys("AKIDPROFILE").replace('\n', "\n  "));
        let home = Home::new(&config, "");
        for variable in [false, true] {
            let (flag, environment): (&[&str], &[(&str, &str)]) =
                if variable { (&[], &[("AWS_PROFILE", name)]) } else { (&["--profile", name], &[]) };
            let arguments = [flag, &["status", "--endpoint-url", &server.url]].concat();
            let (code, stderr) = home.run(&arguments, environment);
            assert_eq!(code, Some(1), "{header}: {stderr}");
            assert_eq!(signed_with(&server), ("akidprofile".to_owned(), "eu-west-3".to_owned()), "{header}");
        }
    }
}

#[test]
fn the_credentials_file_takes_precedence_and_has_unquoted_names() {
    let server = Server::start();
    let config = format!("[profile 'my dev']\nregion = eu-west-3\n{}", keys("AKIDCONFIG"));
    let home = Home::new(&config, &format!("[my dev]\n{}", keys("AKIDCREDENTIALS")));
    home.run(&["--profile", "my dev", "status", "--endpoint-url", &server.url], &[]);
    assert_eq!(signed_with(&server), ("akidcredentials".to_owned(), "eu-west-3".to_owned()));
}

#[test]
fn an_unknown_profile_lists_the_existing_ones() {
    let home = Home::new("[profile prod]\nregion = eu-west-1\n[profile 'my dev']\nregion = a\n", "[ci]\n");
    for (arguments, variables) in [
        (&["--profile", "prdo", "status"] as &[&str], &[] as &[(&str, &str)]),
        (&["status"], &[("AWS_PROFILE", "prdo")]),
        (
            &["--profile", "prdo", "--region", "eu-west-1", "status"],
            &[("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")],
        ),
    ] {
        let (code, stderr) = home.run(arguments, variables);
        assert_eq!(code, Some(3), "{stderr}");
        assert_eq!(
            stderr,
            "error: cannot use profile `prdo`: the AWS config files have no such profile\n\
             hint: did you mean `prod`? the profiles are ci, my dev, prod\n"
        );
    }
}

#[test]
fn a_syntax_error_in_a_config_file_has_its_line() {
    for (file, other) in [("config", "credentials"), ("credentials", "config")] {
        let home = Home::new("", "");
        home.write(&format!("home/.aws/{file}"), "[default]\nregion = eu-west-1\nnonsense\n");
        home.write(&format!("home/.aws/{other}"), "[default]\n");
        let (code, stderr) = home.run(&["status"], &[]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(&format!("home/.aws/{file}:3: expected KEY = VALUE")), "{stderr}");
    }
    let home = Home::new("", "");
    home.write("elsewhere/config", "[default\n");
    let (_, stderr) = home.run(&["status"], &[("AWS_CONFIG_FILE", "~/../elsewhere/config")]);
    assert!(stderr.contains("elsewhere/config:1: expected `]`"), "{stderr}");
}

#[test]
fn settings_that_the_sdk_ignores_or_panics_on_are_errors() {
    let home = Home::new("[default]\nregion = eu-west-1\n[profile old]\nregion = eu-west-1\nretry_mode = legacy\n", "");
    for (name, value, expected) in [
        ("AWS_MAX_ATTEMPTS", "0", "AWS_MAX_ATTEMPTS must be a whole number, 1 or more, not `0`"),
        ("AWS_RETRY_MODE", "never", "AWS_RETRY_MODE must be standard, adaptive or legacy, not `never`"),
        ("AWS_USE_FIPS_ENDPOINT", "1", "AWS_USE_FIPS_ENDPOINT must be true or false, not `1`"),
        ("AWS_ENDPOINT_URL", "banana", "AWS_ENDPOINT_URL must be http://HOST:PORT or https://HOST"),
        ("AWS_REGION", "mars", "`mars` is not a region"),
        ("ECSWS_SANDBOX", "maybe", "ECSWS_SANDBOX must be true or false, not `maybe`"),
    ] {
        let (code, stderr) = home.run(&["status"], &[(name, value)]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    let server = Server::start();
    let environment = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_PROFILE", "old")];
    let (_, stderr) = home.run(&["status", "--endpoint-url", &server.url], &environment);
    assert_eq!(signed_with(&server).0, "akid", "{stderr}");
}

#[test]
fn empty_variables_count_as_unset_for_the_sdk_too() {
    let server = Server::start();
    let config =
        format!("[default]\nregion = eu-west-3\nendpoint_url = {}\nmax_attempts = 1\n{}", server.url, keys("AKIDFILE"));
    let home = Home::new(&config, "");
    let names = [
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_CLOUDFORMATION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_MAX_ATTEMPTS",
        "AWS_RETRY_MODE",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "ECSWS_SANDBOX",
        "ECSWS_YES",
        "ECSWS_OUTPUT",
        "ECSWS_COLOR",
        "ECSWS_PROJECT",
        "ECSWS_SANDBOX_DIR",
    ];
    let (code, stderr) = home.run(&["status"], &names.map(|name| (name, "")));
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(signed_with(&server), ("akidfile".to_owned(), "eu-west-3".to_owned()), "{stderr}");
    assert_eq!(server.requests().len(), 1, "one attempt, as the profile says");
}

#[test]
fn an_endpoint_of_one_service_is_named_where_nothing_answers() {
    let profile =
        format!("[profile dev]\nregion = eu-west-3\nservices = local\nmax_attempts = 1\n{}", keys("AKIDFILE"));
    let services = "[services local]\ncloudformation =\n  endpoint_url = http://me:secret@127.0.0.1:1\n";
    let home = Home::new(&format!("{profile}{services}"), "");
    let (code, stderr) = home.run(&["--profile", "dev", "status"], &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("no response from http://127.0.0.1:1") && !stderr.contains("secret"), "{stderr}");
}

#[test]
fn ec2_look_ups_use_ec2_endpoint_settings() {
    let server = Server::start();
    let services = ["sts", "ec2"].map(|name| format!("{name} =\n  endpoint_url = {}/{name}\n", server.url)).concat();
    let profile = format!("[profile dev]\nservices = 'local one'\nmax_attempts = 1\n{}", keys("AKIDFILE"));
    let home = Home::new(&format!("{profile}[services \"'local one'\"]\n{services}"), "");
    home.write("ecsws.toml", &format!("[target]\naccount = \"123456789012\"\nregion = \"us-east-1\"\n{PROJECT}"));
    let paths = |arguments: &[&str], variables: &[(&str, &str)]| {
        let before = server.requests().len();
        let (code, stderr) = home.run(arguments, variables);
        assert_eq!(code, Some(1), "{stderr}");
        let requests = server.requests().split_off(before);
        assert!(requests[1].body.contains("Action=DescribeVpcs"), "{stderr}");
        assert!(requests[1].head.contains("credential=akidfile/") && requests[1].head.contains("/us-east-1/ec2/"));
        requests.iter().map(|request| request.head.split(' ').nth(1).expect("a path").to_owned()).collect::<Vec<_>>()
    };
    let profile = &["--profile", "dev", "synth"];
    assert_eq!(paths(profile, &[]), ["/sts/", "/ec2/"]);
    let variable = format!("{}/variable", server.url);
    assert_eq!(paths(profile, &[("AWS_ENDPOINT_URL_EC2", &variable)]), ["/sts/", "/variable/"]);
    let flag = format!("{}/flag", server.url);
    assert_eq!(paths(&["--profile", "dev", "--endpoint-url", &flag, "synth"], &[]), ["/flag/", "/flag/"]);
}

#[test]
fn a_reference_to_a_missing_section_is_an_error() {
    let server = Server::start();
    let config = format!(
        "[profile dev]\nregion = eu-west-3\nmax_attempts = 1\nservices = my local\n{}[services empty]\n\
         [profile 'my sso']\nregion = eu-west-3\nsso_session = my sess\nsso_account_id = 1\nsso_role_name = r\n",
        keys("AKIDFILE")
    );
    let home = Home::new(&config, "");
    let refused = |arguments: &[&str], variables: &[(&str, &str)], expected: &str| {
        let (code, stderr) = home.run(arguments, variables);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        assert!(stderr.contains("home/.aws/config"), "{stderr}");
    };
    let missing = "profile `dev` has `services = my local`, but ";
    refused(&["--profile", "dev", "status"], &[], missing);
    refused(&["--profile", "dev", "status"], &[], "config has no [services 'my local']\n");
    let service_alone = ("AWS_ENDPOINT_URL_STS", server.url.as_str());
    let environment =
        [("AWS_PROFILE", "dev"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), service_alone];
    refused(&["status"], &environment, missing);
    refused(
        &["--profile", "my sso", "--endpoint-url", &server.url, "status"],
        &[],
        "profile `my sso` has `sso_session = my sess`, but ",
    );
    // What goes before the section makes it unused, as for the AWS CLI.
    for (arguments, variables) in [
        (&["--profile", "dev", "--endpoint-url", &server.url, "status"] as &[&str], &[] as &[(&str, &str)]),
        (&["--profile", "dev", "status"], &[("AWS_ENDPOINT_URL", &server.url)]),
    ] {
        assert_eq!(home.run(arguments, variables).0, Some(1));
        assert_eq!(signed_with(&server).0, "akidfile");
    }
    home.write("home/.aws/config", &config.replace("my local", "empty"));
    refused(&["--profile", "dev", "status"], &[], "config has nothing in [services empty]\n");
}

#[test]
fn errors_of_the_sdk_have_decoded_profile_names() {
    let role = "role_arn = arn:aws:iam::1:role/r";
    let config = format!(
        "[profile 'my role']\nregion = eu-west-3\n{role}\nsource_profile = my base\n[profile 'my base']\n{role}\n"
    );
    let home = Home::new(&config, "");
    let (code, stderr) = home.run(&["--profile", "my role", "status"], &[]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("invalid credential source in `my base`"), "{stderr}");
}
