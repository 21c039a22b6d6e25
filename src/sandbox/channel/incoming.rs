//! What the client sends, in its order: what comes too early waits, what comes again is only acknowledged again.

use std::collections::BTreeMap;

use super::frame::Frame;

/// Messages that may wait for an earlier one.
const WAITING: usize = 1000;

/// The stream from the client.
#[derive(Debug, Default)]
pub struct Incoming {
    expected: i64,
    early: BTreeMap<i64, Frame>,
}

/// What is to be done with a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is next: it is to be handled, and then told with [`Incoming::advance`].
    Next(Frame),
    /// It is kept, or known already: it is to be acknowledged only.
    Known,
    /// There is no room for it: it is not to be acknowledged, so that it comes again.
    Refused,
}

impl Incoming {
    /// Takes a message.
    pub fn take(&mut self, frame: Frame) -> Arrival {
        match frame.sequence.cmp(&self.expected) {
            std::cmp::Ordering::Equal => Arrival::Next(frame),
            std::cmp::Ordering::Less => Arrival::Known,
            std::cmp::Ordering::Greater if self.early.len() < WAITING => {
                self.early.insert(frame.sequence, frame);
                Arrival::Known
            }
            std::cmp::Ordering::Greater => Arrival::Refused,
        }
    }

    /// The message that was next has been handled.
    pub fn advance(&mut self) {
        self.early.remove(&self.expected);
        self.expected += 1;
    }

    /// The one that waited and is next now; it has been acknowledged.
    pub fn waiting(&self) -> Option<Frame> {
        self.early.get(&self.expected).cloned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::frame::{Frame, INPUT, Payload};
    use super::{Arrival, Incoming, WAITING};

    fn frame(sequence: i64) -> Frame {
        Frame::new(INPUT, sequence, 0, Payload::Output, vec![], Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn messages_are_handled_in_their_order_and_once() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.take(frame(1)), Arrival::Known);
        assert_eq!(incoming.waiting(), None);
        let Arrival::Next(first) = incoming.take(frame(0)) else { panic!("it is next") };
        assert_eq!(first.sequence, 0);
        incoming.advance();
        assert_eq!(incoming.waiting().map(|frame| frame.sequence), Some(1));
        incoming.advance();
        assert_eq!(incoming.waiting(), None);
        assert_eq!([0, 1].map(|sequence| incoming.take(frame(sequence))), [Arrival::Known, Arrival::Known]);
        assert!(matches!(incoming.take(frame(2)), Arrival::Next(_)));
    }

    #[test]
    fn only_so_many_may_wait() {
        let mut incoming = Incoming::default();
        let last = i64::try_from(WAITING).expect("it fits");
        assert!((1..=last).all(|sequence| incoming.take(frame(sequence)) == Arrival::Known));
        assert_eq!(incoming.take(frame(last + 1)), Arrival::Refused);
    }
}
