//! Following a group with Live Tail.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::group::{Behaviour, Group, LiveBehaviour, START, StoredEvent, reader};
use crate::model::LogQuery;
use crate::ops::logs::page_reader::LogPages as _;
use crate::ops::logs::{Follow, LiveNotice, RetryTime};

const SECONDS: i64 = 300;
const RATE: i64 = 20;

/// Twenty events a second. Some are late, and of some there are two with the same content.
fn group(live: LiveBehaviour) -> Arc<Group> {
    let event = |number: i64| {
        let timestamp = START + number / 2 * 2 * 1000 / RATE;
        let lateness = match number / 2 % 50 {
            7 => 200_000,
            _ => 300,
        };
        StoredEvent { timestamp, ingestion_time: timestamp + lateness, id: format!("{}/{}", number / 2, number % 2) }
    };
    let behaviour = Behaviour { page_length: 2_000, throttled: 50, failed: 20, live, ..Behaviour::default() };
    Arc::new(Group::new((0..SECONDS * RATE).map(event).collect(), behaviour))
}

/// Follows a group. Returns how long after they became visible events were returned, in milliseconds, and what was noticed.
async fn follow(group: &Arc<Group>) -> (Vec<i64>, Vec<&'static str>) {
    let query = LogQuery { group: "g".to_owned(), start: START - 600_000, ..LogQuery::default() };
    let mut follow = Follow::new(reader(group, 3.0, RetryTime::Endless), vec![query], START);
    follow.expect_live_tail();
    follow.start_live_tail();
    let (mut counts, mut delays, mut notices) = (HashMap::<String, usize>::new(), Vec::new(), Vec::new());
    let deadline = Instant::now() + Duration::from_secs(700);
    while let Ok(followed) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        let followed = followed.expect("it does not end");
        notices.extend(followed.live.map(|notice| match notice {
            LiveNotice::Sampled => "sampled",
            LiveNotice::Complete => "complete",
            LiveNotice::Interrupted(_) => "interrupted",
            LiveNotice::Ended(_) => "ended",
        }));
        for new in followed.events {
            let event = new.event.event.get();
            delays.push(group.now() - event.ingestion_time);
            *counts.entry(event.message.to_owned()).or_default() += 1;
        }
    }
    let (events, contents) = (SECONDS * RATE, SECONDS * RATE / 2);
    assert_eq!((i64::try_from(delays.len()), i64::try_from(counts.len())), (Ok(events), Ok(contents)));
    assert!(counts.values().all(|count| *count == 2), "{counts:?}");
    delays.sort_unstable();
    (delays, notices)
}

fn p99(delays: &[i64]) -> i64 {
    delays[delays.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn live_events_are_printed_once_and_at_once_with_few_requests() {
    let group = group(LiveBehaviour::default());
    let (delays, notices) = follow(&group).await;
    assert_eq!(notices, <[&str; 0]>::default());
    assert!(p99(&delays) <= 1_000, "{}", p99(&delays));
    // One every eight seconds, one every fifty with its pages, and what is repeated.
    assert!(group.requests() < 300, "{} requests", group.requests());
}

#[tokio::test(start_paused = true)]
async fn what_a_sample_lacks_is_polled() {
    let group = group(LiveBehaviour { max_events: 5, ..LiveBehaviour::default() });
    let (delays, notices) = follow(&group).await;
    assert_eq!(notices.first(), Some(&"sampled"));
    // Late events are polled every fifty seconds.
    assert!(delays[delays.len() * 9 / 10] < 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_is_started_again_until_aws_ends_it() {
    let group = group(LiveBehaviour { lost_after: 30, max_sessions: 3, ..LiveBehaviour::default() });
    let (_, notices) = follow(&group).await;
    assert_eq!(notices, ["interrupted", "interrupted", "ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_leaves_polling() {
    let group = group(LiveBehaviour { is_refused: true, ..LiveBehaviour::default() });
    let (_, notices) = follow(&group).await;
    assert_eq!(notices, ["ended"]);
}
