//! Reading a time range.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::group::{Behaviour, Group, START, StoredEvent, reader};
use crate::model::LogQuery;
use crate::ops::logs::merge::{GroupEvent, MergedHistory};
use crate::ops::logs::{History, RetryTime, last_events};

const HOUR: i64 = 3_600_000;
const RETRY_TIME: RetryTime = RetryTime::For(Duration::from_mins(2));

/// Pseudo-random numbers below a bound.
fn random(seed: u64) -> impl FnMut(u64) -> i64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |bound| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state % bound).expect("a small bound")
    }
}

/// Events of the last hour, of which many are in bursts or at the same millisecond.
fn events(count: i64, seed: u64) -> Vec<StoredEvent> {
    let mut random = random(seed);
    let event = |number: i64| {
        let timestamp = START - HOUR
            + match number % 3 {
                0 => random(3_600_000),
                1 => 1_000_000 + random(2_000),
                _ => 2_000_000 + random(3),
            };
        let ingestion_time = timestamp + random(4);
        StoredEvent { timestamp, ingestion_time, id: format!("{number:08}") }
    };
    (0..count).map(event).collect()
}

fn last_hour() -> LogQuery {
    LogQuery { group: "g".to_owned(), start: START - HOUR, end: Some(START), ..LogQuery::default() }
}

/// The ids of all events of the last hour.
async fn read(group: &Arc<Group>, requests_per_second: f64) -> Vec<String> {
    let mut history = History::new(&reader(group, requests_per_second, RETRY_TIME), &last_hour());
    let mut ids = Vec::new();
    while let Some(events) = history.next().await.expect("it is read") {
        ids.extend(events.iter().map(|event| event.get().id.to_owned()));
    }
    ids
}

/// The ids of a group's events in the order of the output. The order of equal times is that of the pages.
fn expected(group: &Group) -> Vec<String> {
    let mut events = group.events().to_vec();
    events.sort_by_key(|event| (event.timestamp, event.ingestion_time));
    events.into_iter().map(|event| event.id).collect()
}

#[tokio::test(start_paused = true)]
async fn every_event_is_read_once_and_in_order_whatever_the_server_does() {
    let behaviours = [
        Behaviour::default(),
        Behaviour { page_length: 1, ..Behaviour::default() },
        Behaviour { page_length: 10_000, ..Behaviour::default() },
        Behaviour { empty: 3, failed: 10, throttled: 7, ..Behaviour::default() },
        Behaviour { expired: 23, page_length: 40, ..Behaviour::default() },
        Behaviour { empty: 2, page_length: 7, latency: Duration::from_millis(500), ..Behaviour::default() },
    ];
    for (number, behaviour) in behaviours.into_iter().enumerate() {
        for (count, seed) in [(0, 1), (1, 2), (99, 3), (100, 4), (101, 5), (3_000, 6)] {
            let group = Arc::new(Group::new(events(count, seed), behaviour));
            assert!(read(&group, 0.0).await == expected(&group), "behaviour {number}, {count} events");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_range_takes_one_request() {
    let group = Arc::new(Group::new(events(100, 1), Behaviour::default()));
    assert_eq!(read(&group, 5.0).await.len(), 100);
    assert_eq!(group.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn windows_are_read_in_parallel_with_few_requests_more() {
    let latency = Duration::from_millis(500);
    let mut random = random(1);
    let event = |number: i64| {
        let timestamp = START - HOUR + random(3_600_000);
        StoredEvent { timestamp, ingestion_time: timestamp, id: number.to_string() }
    };
    let events = (0..30_000).map(event).collect();
    let group = Arc::new(Group::new(events, Behaviour { latency, ..Behaviour::default() }));
    let start = Instant::now();
    assert_eq!(read(&group, 0.0).await.len(), 30_000);
    assert!(start.elapsed() * 5 < latency * 300, "{:?} instead of {:?}", start.elapsed(), latency * 300);
    assert!(group.requests() < 450, "{} requests", group.requests());
}

#[tokio::test(start_paused = true)]
async fn twenty_pages_take_the_time_of_three_requests() {
    let latency = Duration::from_millis(500);
    let event = |number: i64| {
        let timestamp = START - HOUR + 30_000 + number * 3_500_000 / 200_000;
        StoredEvent { timestamp, ingestion_time: timestamp, id: number.to_string() }
    };
    let behaviour = Behaviour { page_length: 10_000, latency, ..Behaviour::default() };
    let group = Arc::new(Group::new((0..200_000).map(event).collect(), behaviour));
    let start = Instant::now();
    assert_eq!(read(&group, 0.0).await.len(), 200_000);
    assert!(start.elapsed() <= latency * 3, "{:?}, {} requests", start.elapsed(), group.requests());
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_kept() {
    let group = Arc::new(Group::new(events(3_000, 1), Behaviour { failed: 10, ..Behaviour::default() }));
    assert_eq!(read(&group, 10.0).await.len(), 3_000);
    let sent = group.sent.lock().expect("it is not poisoned");
    assert!(sent.windows(11).all(|times| times[10] - times[0] >= Duration::from_millis(999)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_limits_what_is_requested() {
    let group = Arc::new(Group::new(events(30_000, 1), Behaviour::default()));
    let mut history = History::new(&reader(&group, 0.0, RETRY_TIME), &last_hour());
    let mut events = 0;
    while events < 3_000 {
        events += history.next().await.expect("it is read").expect("there are more").len();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(group.requests() <= events / 100 + 20, "{} requests for {events} events", group.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_ends_the_read() {
    let group = Arc::new(Group::new(events(100, 1), Behaviour { failed: 1, ..Behaviour::default() }));
    let start = Instant::now();
    let error = History::new(&reader(&group, 5.0, RETRY_TIME), &last_hour()).next().await.expect_err("it fails");
    assert_eq!(error.reason(), "HTTP 503");
    assert!((120..140).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn several_groups_are_merged_by_time() {
    let groups = [(1_000, 1), (10, 2), (0, 3), (2_500, 4)];
    let groups = groups.map(|(count, seed)| Arc::new(Group::new(events(count, seed), Behaviour::default())));
    let histories = groups.iter().map(|group| History::new(&reader(group, 0.0, RETRY_TIME), &last_hour()));
    let mut merged = MergedHistory::new(histories, false);
    let mut order = Vec::new();
    while let Some(events) = merged.next().await.expect("it is read") {
        order.extend(events.iter().map(|GroupEvent { group, event }| (event.order(), *group)));
    }
    assert_eq!(order.len(), 3_510);
    assert!(order.is_sorted_by_key(|(order, _)| *order));
    assert_eq!(order.iter().filter(|(_, group)| *group == 1).count(), 10);
}

#[tokio::test(start_paused = true)]
async fn the_last_events_are_read_from_the_end() {
    let group = Arc::new(Group::new(events(5_000, 1), Behaviour::default()));
    let reader = reader(&group, 0.0, RETRY_TIME);
    let last = last_events(&reader, &last_hour(), 150, |_| true).await.expect("it is read");
    let last: Vec<String> = last.iter().map(|event| event.get().id.to_owned()).collect();
    let all = expected(&group);
    assert_eq!(last, all[all.len() - 150..]);
    assert!(group.requests() <= 4, "{} requests", group.requests());
    let before = group.requests();
    let accepted = last_events(&reader, &last_hour(), 3, |event| event.id.ends_with("77")).await.expect("it is read");
    let accepted: Vec<&str> = accepted.iter().map(|event| event.get().id).collect();
    let mut expected: Vec<&String> = all.iter().rev().filter(|id| id.ends_with("77")).take(3).collect();
    expected.reverse();
    assert_eq!(accepted, expected);
    assert!(group.requests() - before <= 6, "{} requests", group.requests() - before);
}

#[tokio::test(start_paused = true)]
async fn the_last_events_of_a_difficult_server_are_complete() {
    for behaviour in [
        Behaviour { page_length: 10, empty: 3, failed: 10, ..Behaviour::default() },
        Behaviour { page_length: 10, expired: 23, ..Behaviour::default() },
        Behaviour { page_length: 10, ignores_order: true, ..Behaviour::default() },
        Behaviour { page_length: 10, rejects_order: true, ..Behaviour::default() },
    ] {
        let group = Arc::new(Group::new(events(900, 9), behaviour));
        let all = expected(&group);
        for count in [0, 1, 700, 2_000] {
            let last = last_events(&reader(&group, 0.0, RETRY_TIME), &last_hour(), count, |_| true).await;
            let last: Vec<String> = last.expect("it is read").iter().map(|event| event.get().id.to_owned()).collect();
            assert!(last == all[all.len().saturating_sub(count)..], "{behaviour:?}, {count}");
        }
    }
}
