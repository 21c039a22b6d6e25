//! Regions, credentials and endpoints.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use insta::assert_snapshot;

use super::{SERVICE, ecsws, ecsws_with, project};

#[test]
fn no_region_and_no_credentials_are_two_clear_errors() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "deploy"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: cannot call AWS: no region is configured
    hint: pass --region, set AWS_REGION, or write region under [target] in ecsws.toml; without an account: --sandbox
    ");
    assert_snapshot!(ecsws(dir.path(), "deploy --region us-east-1"), @"
    code Some(3)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: there are no AWS credentials
    hint: sign in (`aws sso login`), choose a profile with --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or try it without an account: --sandbox
    ");
}

#[test]
fn a_profile_flag_takes_precedence_over_keys_in_the_environment() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let dir = project(SERVICE);
    let without_region = ecsws_with(dir.path(), "deploy --profile nope", &keys);
    assert_snapshot!(without_region, @"
    code Some(3)
    -- stdout
    -- stderr
    error: cannot use profile `nope`: the AWS config files have no such profile
    hint: no profile is configured
    ");
    assert_eq!(ecsws_with(dir.path(), "deploy --profile nope --region us-east-1", &keys), without_region);
}

#[test]
fn an_invalid_region_is_wrong_usage() {
    assert_snapshot!(ecsws(project(SERVICE).path(), "deploy --region mars"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `mars` is not a region
    hint: a region looks like us-east-1
    ");
}

/// A server that answers every request like this, once it has read it.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {}
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            drop(stream.read_exact(&mut vec![0; length.unwrap_or(0)]));
            drop(stream.get_mut().write_all(answer.as_bytes()));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_that_is_not_aws_is_a_distinct_error() {
    let url = server("HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>");
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")];
    let dir = project(SERVICE);
    let shown = ecsws_with(dir.path(), &format!("deploy --region us-east-1 --endpoint-url {url}"), &keys);
    assert_snapshot!(shown.replace(&url, "URL"), @"
    code Some(1)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: URL: unexpected response, HTTP 200
    hint: check --endpoint-url (or AWS_ENDPOINT_URL) and proxies
    ");
}

#[test]
fn an_endpoint_without_a_server_is_unreachable() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")];
    let shown =
        ecsws_with(project(SERVICE).path(), "deploy --region us-east-1 --endpoint-url http://127.0.0.1:1", &keys);
    assert_snapshot!(shown, @"
    code Some(1)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: no response from http://127.0.0.1:1: Connection refused (os error 111)
    hint: check the network, --region and --endpoint-url (or AWS_ENDPOINT_URL)
    ");
}

#[test]
fn another_region_than_the_target_is_rejected() {
    let text = "[target]\naccount = \"123456789012\"\nregion = \"us-east-1\"\n".to_owned() + SERVICE;
    assert_snapshot!(ecsws(project(&text).path(), "deploy --region eu-west-1"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: this project is for region us-east-1, but the region here is eu-west-1; nothing was changed
    hint: choose --profile and --region to match [target] in ecsws.toml, or change [target]
    ");
}
