//! What the client sends, put in order: what comes too early is kept, what comes again is only acknowledged again.
//!
//! A message is acknowledged only when it will be delivered: the client resends unacknowledged messages and never acknowledged ones.

use std::collections::BTreeMap;

use super::frame::Frame;

/// The stream from the client.
#[derive(Debug, Default)]
pub struct Incoming {
    expected: i64,
    early: BTreeMap<i64, Frame>,
}

/// What is to be done with a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is next, and to be delivered; [`Incoming::advance`] then gives what follows.
    Next(Frame),
    /// It is kept, or was delivered before: it is to be acknowledged only.
    Known,
    /// There is no room for it: it is not to be acknowledged, so that it comes again.
    Refused,
}

impl Incoming {
    /// Accepts a message if the receiver has `room` for it. An early message also needs room for the missing one before it, so that
    /// both can be delivered.
    pub fn take(&mut self, frame: Frame, room: usize) -> Arrival {
        match frame.sequence.cmp(&self.expected) {
            std::cmp::Ordering::Less => Arrival::Known,
            std::cmp::Ordering::Equal if room > self.early.len() => Arrival::Next(frame),
            std::cmp::Ordering::Greater if self.early.contains_key(&frame.sequence) => Arrival::Known,
            std::cmp::Ordering::Greater if room > self.early.len() + 1 => {
                self.early.insert(frame.sequence, frame);
                Arrival::Known
            }
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Arrival::Refused,
        }
    }

    /// The message that was next has been delivered; the one that follows, if it came early.
    pub fn advance(&mut self) -> Option<Frame> {
        self.expected = self.expected.saturating_add(1);
        self.early.remove(&self.expected)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::frame::{Frame, INPUT, Payload};
    use super::{Arrival, Incoming};

    fn frame(sequence: i64) -> Frame {
        Frame { id: [0; 16], ..Frame::new(INPUT, sequence, 0, Payload::Output, vec![], Timestamp::UNIX_EPOCH) }
    }

    fn next(incoming: &mut Incoming) -> Option<i64> {
        incoming.advance().map(|frame| frame.sequence)
    }

    #[test]
    fn messages_are_delivered_in_their_order_and_once() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.take(frame(1), 10), Arrival::Known);
        assert_eq!(incoming.take(frame(0), 10), Arrival::Next(frame(0)));
        assert_eq!(next(&mut incoming), Some(1));
        assert_eq!(next(&mut incoming), None);
        assert_eq!([0, 1].map(|sequence| incoming.take(frame(sequence), 0)), [Arrival::Known, Arrival::Known]);
        assert_eq!(incoming.take(frame(2), 1), Arrival::Next(frame(2)));
    }

    #[test]
    fn what_has_no_room_is_not_acknowledged() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.take(frame(0), 0), Arrival::Refused);
        assert_eq!(incoming.take(frame(1), 1), Arrival::Refused, "the one place is for the message before it");
        assert_eq!(incoming.take(frame(1), 2), Arrival::Known);
        assert_eq!(incoming.take(frame(1), 2), Arrival::Known, "it is there already");
        assert_eq!(incoming.take(frame(2), 2), Arrival::Refused);
        assert_eq!(incoming.take(frame(0), 1), Arrival::Refused, "the early one would have no room after it");
        assert_eq!(incoming.take(frame(0), 2), Arrival::Next(frame(0)));
    }

    /// A client that sends again what is not acknowledged, over a way that loses and reorders, to a reader that now and then
    /// reads nothing.
    #[test]
    fn what_is_acknowledged_is_delivered_whatever_happens_on_the_way() {
        const MESSAGES: i64 = 500;
        const ROOM: usize = 16;
        let (mut incoming, mut unread, mut read) = (Incoming::default(), Vec::new(), Vec::new());
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
            match incoming.take(frame(unacknowledged[place]), ROOM - unread.len()) {
                Arrival::Refused => continue,
                Arrival::Known => {}
                Arrival::Next(frame) => {
                    let mut next = Some(frame);
                    while let Some(frame) = next {
                        unread.push(frame.sequence);
                        assert!(unread.len() <= ROOM, "more was accepted than there is room for");
                        next = incoming.advance();
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
