//! Roles with MFA, and sessions of IAM Identity Center.

use super::{Home, Server, keys, signed_with};
use crate::terminal::run_on_terminal;

/// A role that needs a code, over a chain of profiles.
fn mfa_home(server: &Server) -> Home {
    let config = format!(
        "[profile ops]\nregion = eu-west-3\nendpoint_url = {}\nrole_arn = arn:aws:iam::1:role/ops\nsource_profile = my base\n\
         mfa_serial = arn:aws:iam::1:mfa/me\nexternal_id = outside\nduration_seconds = 900\nrole_session_name = me\n\
         [profile 'my base']\n{}",
        server.url,
        keys("AKIDBASE")
    );
    Home::new(&config, "")
}

#[test]
fn a_role_with_mfa_asks_for_the_code_and_uses_it() {
    let server = Server::start();
    let home = mfa_home(&server);
    let command = home.command(&["--profile", "ops", "status"], &[]);
    let (code, printed) = run_on_terminal(command, &[("MFA code of arn:aws:iam::1:mfa/me:", "123456")]);
    assert_eq!(code, Some(1), "{printed}");
    let requests = server.requests();
    let assume = &requests[0];
    assert!(assume.head.contains("credential=akidbase/"), "{assume:?}");
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fops",
        "SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fme",
        "TokenCode=123456",
        "ExternalId=outside",
        "DurationSeconds=900",
        "RoleSessionName=me",
    ] {
        assert!(assume.body.contains(part), "{part} is missing in {assume:?}");
    }
    assert!(requests.len() > 1 && requests[1..].iter().all(|request| request.head.contains("credential=asiatemp/")));
    assert!(requests[1].head.contains("x-amz-security-token: temporary"), "{:?}", requests[1]);
}

#[test]
fn a_wrong_mfa_code_and_no_terminal_are_clear_errors() {
    let server = Server::start();
    let home = mfa_home(&server);
    let command = home.command(&["--profile", "ops", "status"], &[]);
    let (code, printed) = run_on_terminal(command, &[("MFA code of ", "000000")]);
    assert_eq!(code, Some(3), "{printed}");
    assert!(printed.contains("cannot assume role arn:aws:iam::1:role/ops"), "{printed}");
    assert!(printed.contains("wait for the next code"), "{printed}");
    let before = server.requests().len();
    for (typed, message) in [("", "no code of the MFA device"), ("12", "has six digits"), ("abcdef", "has six digits")]
    {
        let command = home.command(&["--profile", "ops", "status"], &[]);
        let (code, printed) = run_on_terminal(command, &[("MFA code of ", typed)]);
        assert_eq!((code, server.requests().len()), (Some(3), before), "{typed}: {printed}");
        assert!(printed.contains(message), "{typed}: {printed}");
    }
    let (code, stderr) = home.run(&["--profile", "ops", "status"], &[]);
    assert_eq!((code, server.requests().len()), (Some(3), before), "{stderr}");
    assert!(
        stderr.contains("cannot use profile `ops`: it needs a code of the MFA device arn:aws:iam::1:mfa/me"),
        "{stderr}"
    );
}

#[test]
fn a_session_of_identity_center_with_spaces_in_its_name_uses_its_own_token() {
    let server = Server::start();
    let config = "[profile dev]\nregion = eu-west-3\nsso_session = My Session\nsso_account_id = 123456789012\nsso_role_name = admin\n\
                  [sso-session 'My Session']\nsso_region = eu-central-1\nsso_start_url = https://example.awsapps.com/start\n\
                  sso_registration_scopes = sso:account:access\n";
    let home = Home::new(config, "");
    // The AWS CLI names the file by the SHA-1 of the session's name.
    let token = r#"{"accessToken": "TOKEN", "expiresAt": "2100-01-01T00:00:00Z", "region": "eu-central-1", "startUrl": "https://example.awsapps.com/start"}"#;
    home.write(&format!("home/.aws/sso/cache/{SESSION_SHA1}.json"), token);
    let variables = [("AWS_ENDPOINT_URL", server.url.as_str())];
    for arguments in [&["--profile", "dev", "status"] as &[&str], &["status", "--profile=dev"]] {
        let (code, stderr) = home.run(arguments, &variables);
        assert_eq!(code, Some(1), "{stderr}");
        assert_eq!(signed_with(&server).0, "akidsso", "{stderr}");
    }
    assert!(server.requests()[0].head.contains("x-amz-sso_bearer_token: token"), "{:?}", server.requests()[0]);
}

/// `printf 'My Session' | sha1sum`
const SESSION_SHA1: &str = "7a100d3db1a24e9a8e7ea09724ccc4a41f515a92";
