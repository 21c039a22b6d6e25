//! The messages of the agent: numbered, kept until the client acknowledges them, and retransmitted.
//!
//! The times are those of the agent and of the official client (their `config` packages): estimates of the round trip as in
//! RFC 6298, without samples of retransmitted messages. Only the oldest message is ever retransmitted.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::frame::{Frame, OUTPUT, Payload};

/// The maximum number of unacknowledged messages; the command's output waits for room.
const WINDOW: usize = 256;
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
const FIRST_TIMEOUT: Duration = Duration::from_millis(200);
const MAX_TIMEOUT: Duration = Duration::from_secs(1);
const GRANULARITY: Duration = Duration::from_millis(10);
/// The flag of the first message of a direction.
const SYN: u64 = 1;

/// The stream to the client.
#[derive(Debug)]
pub(super) struct SendWindow {
    next: i64,
    unacknowledged: VecDeque<Sent>,
    round_trip: Duration,
    variation: Duration,
    timeout: Duration,
}

#[derive(Debug)]
struct Sent {
    sequence: i64,
    bytes: Vec<u8>,
    at: Instant,
    is_retransmitted: bool,
}

impl Default for SendWindow {
    fn default() -> Self {
        Self {
            next: 0,
            unacknowledged: VecDeque::new(),
            round_trip: FIRST_ROUND_TRIP,
            variation: Duration::ZERO,
            timeout: FIRST_TIMEOUT,
        }
    }
}

impl SendWindow {
    /// Whether more may be sent now.
    pub(super) fn has_room(&self) -> bool {
        self.unacknowledged.len() < WINDOW
    }

    /// Whether the client has acknowledged all messages.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Numbers a payload and returns its encoded message.
    pub(super) fn push(&mut self, payload: Payload, content: Vec<u8>, now: Timestamp, at: Instant) -> Vec<u8> {
        let flags = if self.next == 0 { SYN } else { 0 };
        let bytes = Frame::new(OUTPUT, self.next, flags, payload, content, now).encode();
        self.unacknowledged.push_back(Sent { sequence: self.next, bytes: bytes.clone(), at, is_retransmitted: false });
        self.next += 1;
        bytes
    }

    /// Records that the client has a message.
    pub(super) fn acknowledge(&mut self, sequence: i64, now: Instant) {
        let Some(index) = self.unacknowledged.iter().position(|sent| sent.sequence == sequence) else { return };
        if let Some(sent) = self.unacknowledged.remove(index).filter(|sent| !sent.is_retransmitted) {
            self.sample(now.duration_since(sent.at));
        }
    }

    fn sample(&mut self, took: Duration) {
        self.variation = self.variation * 3 / 4 + self.round_trip.abs_diff(took) / 4;
        self.round_trip = self.round_trip * 7 / 8 + took / 8;
        self.timeout = MAX_TIMEOUT.min(self.round_trip + GRANULARITY.max(self.variation * 4));
    }

    /// When to retransmit the oldest message.
    pub(super) fn retransmission_time(&self) -> Option<Instant> {
        self.unacknowledged.front().map(|sent| sent.at + self.timeout)
    }

    /// The oldest message, to be retransmitted.
    pub(super) fn retransmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        let sent = self.unacknowledged.front_mut()?;
        (sent.at, sent.is_retransmitted) = (now, true);
        Some(sent.bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::{FIRST_TIMEOUT, SendWindow, WINDOW};
    use crate::session_channel::frame::{Frame, Payload};

    fn push(send_window: &mut SendWindow, at: Instant) -> Frame {
        let bytes = send_window.push(Payload::Output, b"x".to_vec(), Timestamp::UNIX_EPOCH, at);
        Frame::decode(&bytes).expect("a message")
    }

    #[test]
    fn only_the_oldest_message_is_retransmitted_until_it_is_acknowledged() {
        let (mut send_window, start) = (SendWindow::default(), Instant::now());
        assert_eq!([0, 1].map(|_| push(&mut send_window, start).sequence), [0, 1]);
        assert_eq!(send_window.retransmission_time(), Some(start + FIRST_TIMEOUT));
        let later = start + Duration::from_secs(5);
        let repeated = send_window.retransmit(later).and_then(|bytes| Frame::decode(&bytes)).expect("the oldest");
        assert_eq!((repeated.sequence, repeated.flags), (0, 1));
        assert_eq!(send_window.retransmission_time(), Some(later + FIRST_TIMEOUT));
        // A retransmitted message is no sample of the round trip.
        send_window.acknowledge(0, later);
        assert_eq!(send_window.retransmission_time(), Some(start + FIRST_TIMEOUT));
        send_window.acknowledge(1, start + Duration::from_millis(20));
        assert!(send_window.is_acknowledged() && send_window.timeout < FIRST_TIMEOUT + Duration::from_millis(1));
        send_window.acknowledge(7, later);
    }

    #[test]
    fn there_is_no_room_while_the_client_acknowledges_nothing() {
        let (mut send_window, start) = (SendWindow::default(), Instant::now());
        for _ in 0..WINDOW {
            assert!(send_window.has_room());
            push(&mut send_window, start);
        }
        assert!(!send_window.has_room());
    }
}
