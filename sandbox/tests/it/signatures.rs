//! Signatures of requests with query parameters of any number, in any order, with any characters.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::local_aws::LocalAws;
use crate::raw_requests::send_as;

/// A name, often a prefix of others, like those of lists.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..30_u8).prop_map(|number| format!("StackStatusFilter.member.{number}")),
        "[A-Za-z]{1,3}",
        "X\\.[0-9]{1,2}(\\.[0-9A-Z]{1,2})?",
        "[A-Za-z0-9._~-]{1,8}",
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn query_parameters_are_signed_sorted_by_name() {
    let aws = LocalAws::start().await;
    let parameters = prop::collection::vec((name(), "[ -~éß]{0,6}"), 1..30);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() });
    let checked = tokio::task::block_in_place(|| {
        runner.run(&parameters, |parameters| {
            let mut seen = std::collections::HashSet::new();
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("Action", "ListStacks").append_pair("Version", "2010-05-15");
            for (name, value) in parameters {
                // The signer sorts repeated names by their unencoded values.
                let value = if seen.insert(name.clone()) {
                    value
                } else {
                    value.replace(|character: char| !character.is_ascii_alphanumeric(), "")
                };
                query.append_pair(&name, &value);
            }
            let path = format!("/?{}", query.finish().replace('+', "%20"));
            let response = send_as(&aws, "GET", "cloudformation", &path, &[], b"");
            prop_assert_ne!(response.status, 403, "{}: {}", path, response.text());
            Ok(())
        })
    });
    checked.expect("every signature is right");
}
