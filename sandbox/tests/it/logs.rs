//! CloudWatch Logs in the sandbox, as the AWS SDK sees it.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata as _;
use aws_sdk_cloudwatchlogs::types::{InputLogEvent, RejectedLogEventsInfo};
use aws_smithy_types::retry::RetryConfig;
use futures_util::future::join_all;

use ecsws_sandbox::testing::Clock;

use crate::local_aws::LocalAws;

const GROUP: &str = "/ecs/web";

fn now_millis() -> i64 {
    Clock::new(1.0).now().as_millisecond()
}

async fn group(aws: &LocalAws, streams: &[&str]) -> Client {
    let logs = aws.logs();
    logs.create_log_group().log_group_name(GROUP).send().await.expect("a group");
    for stream in streams {
        logs.create_log_stream().log_group_name(GROUP).log_stream_name(*stream).send().await.expect("a stream");
    }
    logs
}

async fn put(logs: &Client, stream: &str, events: impl IntoIterator<Item = (i64, String)>) {
    let events =
        events.into_iter().map(|(time, message)| InputLogEvent::builder().timestamp(time).message(message).build());
    let events: Vec<_> = events.collect::<Result<_, _>>().expect("events");
    logs.put_log_events()
        .log_group_name(GROUP)
        .log_stream_name(stream)
        .set_log_events(Some(events))
        .send()
        .await
        .expect("they are put");
}

#[tokio::test]
async fn events_of_several_streams_are_interleaved_and_paged() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["web/a", "web/b", "other"]).await;
    let start = now_millis() - 10_000;
    put(&logs, "web/a", (0..10).map(|index| (start + index * 2, format!("a{index}")))).await;
    put(&logs, "web/b", (0..10).map(|index| (start + index * 2 + 1, format!("b{index}")))).await;
    put(&logs, "other", [(start, "other".to_owned())]).await;
    let mut pages = logs
        .filter_log_events()
        .log_group_name(GROUP)
        .log_stream_name_prefix("web/")
        .start_time(start)
        .end_time(start + 19)
        .limit(7)
        .into_paginator()
        .send();
    let (mut messages, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert_eq!(page.searched_log_streams(), []);
        messages.extend(page.events().iter().filter_map(|event| event.message.clone()));
        count += 1;
    }
    let expected: Vec<String> = (0..10).flat_map(|index| [format!("a{index}"), format!("b{index}")]).collect();
    assert_eq!((messages, count), (expected, 3));
}

#[tokio::test]
async fn a_pattern_selects_events() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let time = now_millis();
    let json = r#"{"level":"FATAL","n":250,"users":[{"id":"a"}]}"#;
    let lines = ["GET /health 200", "GET / 500 ERROR", "POST / 500 ERROR retried", json];
    put(&logs, "a", lines.map(|line| (time, line.to_owned()))).await;
    let matching = async |pattern: &str| {
        let response =
            logs.filter_log_events().log_group_name(GROUP).filter_pattern(pattern).send().await.expect("events");
        response.events().iter().filter_map(|event| event.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(matching("ERROR -retried").await, [lines[1]]);
    assert_eq!(matching("\"GET /health\"").await, [lines[0]]);
    assert_eq!(matching("?POST ?health").await, [lines[0], lines[2]]);
    assert_eq!(matching(r#"{ $.n > 200 && $.level = "FATAL" && $.users[0].id = a }"#).await, [lines[3]]);
    assert_eq!(matching("[method, path = /h*, status < 300]").await, [lines[0]]);
    assert_eq!(matching("%^GET|^POST%").await, [lines[0], lines[1], lines[2]]);
    for (pattern, code) in [
        ("{ $.a = }", "InvalidParameterException"),
        ("{ $.users[*].id = a }", "NotImplemented"),
        ("%(a)%", "InvalidParameterException"),
    ] {
        let odd = logs.filter_log_events().log_group_name(GROUP).filter_pattern(pattern).send().await;
        assert_eq!(odd.expect_err("refused").code(), Some(code), "{pattern}");
    }
}

#[tokio::test]
async fn a_stream_is_read_from_either_end() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let time = now_millis();
    put(&logs, "a", (0..5).map(|index| (time + index, index.to_string()))).await;
    let read = || logs.get_log_events().log_group_name(GROUP).log_stream_name("a").limit(2);
    let texts = |events: &[aws_sdk_cloudwatchlogs::types::OutputLogEvent]| {
        events.iter().filter_map(|event| event.message.clone()).collect::<Vec<_>>()
    };
    let last = read().send().await.expect("events");
    assert_eq!(texts(last.events()), ["3", "4"]);
    let earlier = read().set_next_token(last.next_backward_token).send().await.expect("events");
    assert_eq!(texts(earlier.events()), ["1", "2"]);
    let later = read().set_next_token(earlier.next_forward_token.clone()).send().await.expect("events");
    assert_eq!(texts(later.events()), ["3", "4"]);
    let end = read().set_next_token(later.next_forward_token.clone()).send().await.expect("events");
    assert_eq!((texts(end.events()), end.next_forward_token), (Vec::new(), later.next_forward_token));
    let head = read().start_from_head(true).send().await.expect("events");
    assert_eq!(texts(head.events()), ["0", "1"]);
}

#[tokio::test]
async fn refusals_have_awss_messages() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let error = logs.create_log_group().log_group_name(GROUP).send().await.expect_err("it is there");
    assert_eq!(error.message(), Some("The specified log group already exists"));
    let error =
        logs.create_log_stream().log_group_name(GROUP).log_stream_name("a").send().await.expect_err("it is there");
    assert_eq!(error.message(), Some("The specified log stream already exists"));
    let error = logs.delete_log_group().log_group_name("none").send().await.expect_err("no group");
    assert_eq!(
        (error.code(), error.message()),
        (Some("ResourceNotFoundException"), Some("The specified log group does not exist."))
    );
    let error = logs.create_log_group().log_group_name("x".repeat(513)).send().await.expect_err("too long");
    assert_eq!(
        error.message(),
        Some("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
    );
    let error = logs.filter_log_events().log_group_name(GROUP).limit(10_001).send().await.expect_err("too many");
    assert_eq!(
        error.message(),
        Some(
            "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000"
        )
    );
    let error =
        logs.filter_log_events().log_group_name(GROUP).next_token("made up").send().await.expect_err("no token");
    assert_eq!(error.message(), Some("The specified nextToken is invalid."));
    let error = logs
        .describe_log_groups()
        .log_group_name_prefix("a")
        .log_group_name_pattern("a")
        .send()
        .await
        .expect_err("both");
    assert_eq!(
        error.message(),
        Some("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    );
    let old = InputLogEvent::builder()
        .timestamp(now_millis() - 15 * 24 * 3_600_000)
        .message("old")
        .build()
        .expect("an event");
    let put = logs
        .put_log_events()
        .log_group_name(GROUP)
        .log_stream_name("a")
        .log_events(old)
        .send()
        .await
        .expect("a response");
    assert_eq!(put.rejected_log_events_info().and_then(RejectedLogEventsInfo::too_old_log_event_end_index), Some(1));
}

#[tokio::test]
async fn requests_above_awss_rate_are_throttled_and_retried_by_the_sdk() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let config = aws.config().into_builder().retry_config(RetryConfig::disabled()).build();
    let once = Client::new(&config);
    let requests = join_all((0..40).map(|_| once.filter_log_events().log_group_name(GROUP).send())).await;
    let throttled: Vec<_> = requests.into_iter().filter_map(Result::err).collect();
    // 25 are allowed at once, and a few more while these are served.
    assert!((1..=15).contains(&throttled.len()), "{}", throttled.len());
    for error in throttled {
        assert_eq!((error.code(), error.message()), (Some("ThrottlingException"), Some("Rate exceeded")));
    }
    logs.filter_log_events().log_group_name(GROUP).send().await.expect("it is retried");
}

#[tokio::test]
async fn inputs_of_filter_log_events_are_checked_as_by_aws() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    put(&logs, "a", [(now_millis(), "m".to_owned())]).await;
    let filter = || logs.filter_log_events().log_group_name(GROUP);
    for (request, expected) in [
        (
            filter().start_time(-1),
            "Value '-1' at 'startTime' failed to satisfy constraint: Member must have value greater than or equal to 0",
        ),
        (
            filter().end_time(-1),
            "Value '-1' at 'endTime' failed to satisfy constraint: Member must have value greater than or equal to 0",
        ),
        (
            filter().set_log_stream_names(Some(vec!["a".to_owned(); 101])),
            "Member must have length less than or equal to 100",
        ),
        (
            filter().log_stream_names("a").log_stream_name_prefix("a"),
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.",
        ),
    ] {
        let error = request.send().await.expect_err("it is refused");
        assert_eq!(error.code(), Some("InvalidParameterException"));
        assert!(error.message().expect("a message").ends_with(expected), "{error:?}");
    }
    let names = filter().set_log_stream_names(Some(vec!["a".to_owned(); 100])).send().await.expect("100 are allowed");
    assert_eq!(names.events().len(), 1);
    let reversed = filter().start_time(now_millis()).end_time(1).send().await.expect("an empty range");
    assert_eq!((reversed.events(), reversed.next_token()), (&[][..], None));
}

#[tokio::test]
async fn a_page_has_at_most_a_mebibyte() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let now = now_millis();
    put(&logs, "a", [(now, "x".repeat(700_000))]).await;
    put(&logs, "a", [(now, "y".repeat(400_000))]).await;
    let filter = || logs.filter_log_events().log_group_name(GROUP);
    let first = filter().send().await.expect("a page");
    assert_eq!(first.events().len(), 1);
    let second = filter().set_next_token(first.next_token).send().await.expect("a page");
    assert_eq!((second.events().len(), second.next_token()), (1, None));
}

#[tokio::test]
async fn groups_and_streams_are_listed_in_pages() {
    let aws = LocalAws::start().await;
    let names: Vec<String> = (0..60).map(|index| format!("s{index:02}")).collect();
    let logs = group(&aws, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut pages = logs.describe_log_streams().log_group_name(GROUP).into_paginator().items().send();
    let mut listed = Vec::new();
    while let Some(stream) = pages.next().await {
        listed.extend(stream.expect("a stream").log_stream_name);
    }
    assert_eq!(listed, names);
    logs.put_retention_policy().log_group_name(GROUP).retention_in_days(7).send().await.expect("a policy");
    let groups = logs.describe_log_groups().log_group_name_prefix("/ecs").send().await.expect("a list");
    let group = &groups.log_groups()[0];
    assert_eq!(group.retention_in_days(), Some(7));
    assert_eq!(group.arn(), Some("arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:*"));
    logs.delete_log_group().log_group_name(GROUP).send().await.expect("it is deleted");
    assert!(logs.describe_log_groups().send().await.expect("a list").log_groups().is_empty());
}

#[tokio::test]
async fn many_events_are_paged_without_holding_them_in_memory() {
    let aws = LocalAws::start().await;
    let logs = group(&aws, &["a"]).await;
    let time = now_millis() - 1000;
    for batch in 0..5 {
        put(&logs, "a", (0..10_000).map(|index| (time, format!("{}", batch * 10_000 + index)))).await;
    }
    let mut pages = logs.filter_log_events().log_group_name(GROUP).into_paginator().send();
    let mut next = 0;
    while let Some(page) = tokio::time::timeout(Duration::from_secs(30), pages.next()).await.expect("in time") {
        for event in page.expect("a page").events() {
            assert_eq!(event.message(), Some(next.to_string().as_str()));
            next += 1;
        }
    }
    assert_eq!(next, 50_000);
}
