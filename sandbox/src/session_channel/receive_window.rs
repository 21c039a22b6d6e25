//! The messages of the client, put in order: early messages are kept, repeated ones are only acknowledged again.
//!
//! A message is acknowledged only if it will be delivered: the client retransmits unacknowledged messages and never acknowledged ones.

use std::collections::BTreeMap;

use super::frame::Frame;

/// The stream from the client.
#[derive(Debug, Default)]
pub(super) struct ReceiveWindow {
    expected: i64,
    early: BTreeMap<i64, Frame>,
}

/// What to do with a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    /// It is the next one: acknowledge and deliver it, then those that [`ReceiveWindow::advance`] returns.
    Deliver(Frame),
    /// It is kept for later, or was delivered before: only acknowledge it.
    Acknowledge,
    /// There is no room for it: do not acknowledge it, so that the client retransmits it.
    Reject,
}

impl ReceiveWindow {
    /// Accepts a message if one of the `free_input_slots` is left for it. An early message also needs one for the missing message before it, so that
    /// both can be delivered.
    pub(super) fn accept(&mut self, frame: Frame, free_input_slots: usize) -> Disposition {
        match frame.sequence.cmp(&self.expected) {
            std::cmp::Ordering::Less => Disposition::Acknowledge,
            std::cmp::Ordering::Equal if free_input_slots > self.early.len() => Disposition::Deliver(frame),
            std::cmp::Ordering::Greater if self.early.contains_key(&frame.sequence) => Disposition::Acknowledge,
            std::cmp::Ordering::Greater if free_input_slots > self.early.len() + 1 => {
                self.early.insert(frame.sequence, frame);
                Disposition::Acknowledge
            }
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Disposition::Reject,
        }
    }

    /// Records that the next message was delivered; returns the one after it, if it came early.
    pub(super) fn advance(&mut self) -> Option<Frame> {
        self.expected = self.expected.saturating_add(1);
        self.early.remove(&self.expected)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Disposition, ReceiveWindow};
    use crate::session_channel::frame::{Frame, INPUT, Payload};

    fn frame(sequence: i64) -> Frame {
        Frame { id: [0; 16], ..Frame::new(INPUT, sequence, 0, Payload::Output, vec![], Timestamp::UNIX_EPOCH) }
    }

    fn next(receive_window: &mut ReceiveWindow) -> Option<i64> {
        receive_window.advance().map(|frame| frame.sequence)
    }

    #[test]
    fn messages_are_delivered_in_their_order_and_once() {
        let mut receive_window = ReceiveWindow::default();
        assert_eq!(receive_window.accept(frame(1), 10), Disposition::Acknowledge);
        assert_eq!(receive_window.accept(frame(0), 10), Disposition::Deliver(frame(0)));
        assert_eq!(next(&mut receive_window), Some(1));
        assert_eq!(next(&mut receive_window), None);
        assert_eq!(
            [0, 1].map(|sequence| receive_window.accept(frame(sequence), 0)),
            [Disposition::Acknowledge, Disposition::Acknowledge]
        );
        assert_eq!(receive_window.accept(frame(2), 1), Disposition::Deliver(frame(2)));
    }

    #[test]
    fn a_message_without_room_is_not_acknowledged() {
        let mut receive_window = ReceiveWindow::default();
        assert_eq!(receive_window.accept(frame(0), 0), Disposition::Reject);
        assert_eq!(
            receive_window.accept(frame(1), 1),
            Disposition::Reject,
            "the one place is for the message before it"
        );
        assert_eq!(receive_window.accept(frame(1), 2), Disposition::Acknowledge);
        assert_eq!(receive_window.accept(frame(1), 2), Disposition::Acknowledge, "it is there already");
        assert_eq!(receive_window.accept(frame(2), 2), Disposition::Reject);
        assert_eq!(
            receive_window.accept(frame(0), 1),
            Disposition::Reject,
            "the early one would have no room after it"
        );
        assert_eq!(receive_window.accept(frame(0), 2), Disposition::Deliver(frame(0)));
    }

    /// A client that retransmits unacknowledged messages, over a connection that loses and reorders them, to a reader that sometimes
    /// does not read.
    #[test]
    fn acknowledged_messages_are_delivered_even_if_the_connection_loses_or_reorders_some() {
        const MESSAGES: i64 = 500;
        const ROOM: usize = 16;
        let (mut receive_window, mut unread, mut read) = (ReceiveWindow::default(), Vec::new(), Vec::new());
        let mut unacknowledged: Vec<i64> = (0..MESSAGES).collect();
        let mut random = 1_u64;
        let mut roll = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let mut steps = 0;
        while read.len() < 500 {
            steps += 1;
            assert!(steps < 1_000_000, "{} of {MESSAGES} were delivered", read.len());
            if roll(3) == 0 {
                read.extend(unread.drain(..unread.len().min(4)));
            }
            let window = u64::try_from(unacknowledged.len().min(40)).expect("it fits");
            if window == 0 {
                continue;
            }
            let place = usize::try_from(roll(window)).expect("it fits");
            match receive_window.accept(frame(unacknowledged[place]), ROOM - unread.len()) {
                Disposition::Reject => continue,
                Disposition::Acknowledge => {}
                Disposition::Deliver(frame) => {
                    let mut next = Some(frame);
                    while let Some(frame) = next {
                        unread.push(frame.sequence);
                        assert!(unread.len() <= ROOM, "more was accepted than there is room for");
                        next = receive_window.advance();
                    }
                }
            }
            // An acknowledgement may be lost too: the message then comes again.
            if roll(4) > 0 {
                unacknowledged.remove(place);
            }
        }
        assert!(read.iter().copied().eq(0..MESSAGES), "{read:?}");
    }
}
