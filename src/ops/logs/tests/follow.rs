//! Following a group.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::group::{Behaviour, Group, START, StoredEvent, reader};
use crate::model::{LogEvent, LogQuery};
use crate::ops::logs::page_reader::LogPages as _;
use crate::ops::logs::{Follow, RetryTime};

fn query() -> LogQuery {
    LogQuery { group: "g".to_owned(), start: START - 600_000, ..LogQuery::default() }
}

/// Events of `seconds`, `rate` a second: a tenth of them is 30 seconds late, and some are four minutes late.
fn events(seconds: i64, rate: i64) -> Vec<StoredEvent> {
    let event = |number: i64| {
        let timestamp = START + number * 1000 / rate;
        let lateness = match number % 100 {
            7 => 240_000,
            number if number % 10 == 0 => 30_000,
            _ => 300,
        };
        StoredEvent { timestamp, ingestion_time: timestamp + lateness, id: number.to_string() }
    };
    (0..seconds * rate).map(event).collect()
}

/// Follows a group for some seconds. Returns for each event how long after it became visible it was returned, in milliseconds.
async fn follow(group: &Arc<Group>, seconds: u64) -> HashMap<String, i64> {
    let mut follow = Follow::new(reader(group, 3.0, RetryTime::Endless), vec![query()], START);
    let mut delays = HashMap::new();
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        for new in new.expect("it does not end").events {
            let event = new.event.event.get();
            let delay = group.now() - event.ingestion_time;
            assert_eq!(delays.insert(event.id.to_owned(), delay), None, "event {} twice", event.id);
        }
    }
    delays
}

/// The 99th percentile of the delays of events of this lateness.
fn p99(group: &Group, delays: &HashMap<String, i64>, lateness: i64) -> i64 {
    let of_lateness = group.events().iter().filter(|event| event.ingestion_time - event.timestamp == lateness);
    let mut delays: Vec<i64> = of_lateness.map(|event| delays[&event.id]).collect();
    delays.sort_unstable();
    delays[delays.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn every_event_is_printed_once_and_soon() {
    let latency = Duration::from_millis(250);
    let behaviour = Behaviour { page_length: 10_000, latency, throttled: 40, failed: 25, ..Behaviour::default() };
    let group = Arc::new(Group::new(events(300, 500), Behaviour { empty: 19, ..behaviour }));
    let delays = follow(&group, 300 + 350).await;
    assert_eq!(delays.len(), 300 * 500);
    for (lateness, limit) in [(300, 2_000), (30_000, 12_000), (240_000, 75_000)] {
        let delay = p99(&group, &delays, lateness);
        assert!(delay < limit, "{lateness} ms late: printed after {delay} ms");
    }
    let sent = group.sent.lock().expect("it is not poisoned");
    assert!(sent.windows(4).all(|times| times[3] - times[0] >= Duration::from_millis(990)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_the_machine_sleeps_for_hours() {
    let group = Arc::new(Group::new(events(7_200, 1), Behaviour { page_length: 1_000, ..Behaviour::default() }));
    let mut follow = Follow::new(reader(&group, 3.0, RetryTime::Endless), vec![query()], START);
    // A process that was suspended does not poll.
    tokio::time::sleep(Duration::from_mins(125)).await;
    let mut ids = std::collections::BTreeSet::new();
    let deadline = Instant::now() + Duration::from_mins(1);
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        for new in new.expect("it does not end").events {
            assert!(ids.insert(new.event.event.get().id.to_owned()));
        }
    }
    assert_eq!(ids.len(), 7_200);
}

#[tokio::test(start_paused = true)]
async fn events_that_were_printed_before_are_not_printed_again() {
    let group = Arc::new(Group::new(events(60, 10), Behaviour::default()));
    let reader = reader(&group, 3.0, RetryTime::Endless);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let began = group.now();
    let history_query = LogQuery { end: Some(began), ..query() };
    let mut history =
        crate::ops::logs::MergedHistory::new([crate::ops::logs::History::new(&reader, &history_query)], false);
    let mut follow = Follow::new(reader, vec![query()], began);
    let mut printed = std::collections::BTreeSet::new();
    while let Some(events) = history.next().await.expect("it is read") {
        follow.record(&events);
        printed.extend(events.iter().map(|event| event.event.get().id.to_owned()));
    }
    let deadline = Instant::now() + Duration::from_secs(400);
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        for new in new.expect("it does not end").events {
            assert!(printed.insert(new.event.event.get().id.to_owned()));
        }
    }
    assert_eq!(printed.len(), 600);
}

#[tokio::test(start_paused = true)]
async fn old_events_are_forgotten() {
    let group = Arc::new(Group::new(events(60, 100), Behaviour { page_length: 2_000, ..Behaviour::default() }));
    let mut follow = Follow::new(reader(&group, 3.0, RetryTime::Endless), vec![query()], START);
    let deadline = Instant::now() + Duration::from_mins(20);
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        drop(new.expect("it does not end"));
    }
    assert_eq!(follow.remembered(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_groups_share_the_budget_and_lose_nothing() {
    let groups: i64 = 12;
    let event = |number: i64| StoredEvent {
        timestamp: START + number * 1000,
        ingestion_time: START + number * 1000 + if number % 5 == 0 { 200_000 } else { 300 },
        id: number.to_string(),
    };
    let group = Arc::new(Group::new((0..300).map(event).collect(), Behaviour::default()));
    let queries = (0..groups).map(|_| query()).collect();
    let mut follow = Follow::new(reader(&group, 3.0, RetryTime::Endless), queries, START);
    let mut printed = std::collections::BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(700);
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(|_, _| true)).await {
        for new in new.expect("it does not end").events {
            assert!(printed.insert((new.event.group, new.event.event.get().id.to_owned())));
        }
    }
    assert_eq!(printed.len(), 12 * 300);
    assert!(follow.remembered() < 12 * 300, "{} events are remembered", follow.remembered());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_accepted_may_be_later() {
    let group = Arc::new(Group::new(events(10, 1), Behaviour::default()));
    let mut follow = Follow::new(reader(&group, 3.0, RetryTime::Endless), vec![query()], START);
    let began = Instant::now();
    let accepts = |_: usize, _: &LogEvent<'_>| began.elapsed() > Duration::from_secs(30);
    let (mut printed, deadline) = (0, began + Duration::from_mins(5));
    while let Ok(new) = timeout(deadline - Instant::now(), follow.next(accepts)).await {
        printed += new.expect("it does not end").events.len();
    }
    assert_eq!(printed, 10);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_always_rejected_lose_nothing() {
    let behaviour = Behaviour { page_length: 300, expired: 1, ..Behaviour::default() };
    let group = Arc::new(Group::new(events(60, 20), behaviour));
    assert_eq!(follow(&group, 600).await.len(), 60 * 20);
}
