//! The binary messages of the Session Manager data channel: a pure codec.
//!
//! The layout is that of the agent and of the official client, which AWS publishes (amazon-ssm-agent and
//! session-manager-plugin on GitHub): all integers big-endian, the digest SHA-256 of the payload, the UUID with its halves
//! swapped.

use sha2::{Digest as _, Sha256};

use crate::base::ids;

/// The header's length field: the offset of the payload's length.
const HEADER_LENGTH: u32 = 116;
const TYPE_RANGE: std::ops::Range<usize> = 4..36;
const ID_RANGE: std::ops::Range<usize> = 64..80;
/// The version of the layout.
const SCHEMA_VERSION: u32 = 1;

/// The type of a message from the client.
pub(super) const INPUT: &str = "input_stream_data";
/// The type of a message from the agent.
pub(super) const OUTPUT: &str = "output_stream_data";
/// The type of an acknowledgement.
pub(super) const ACKNOWLEDGE: &str = "acknowledge";
/// The type of a session's last message.
pub(super) const CLOSED: &str = "channel_closed";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payload {
    /// Not part of a stream: an acknowledgement, or the channel's end.
    Control = 0,
    /// Terminal input or output.
    Output = 1,
    Size = 3,
    /// The agent's request for actions of the client.
    HandshakeRequest = 5,
    /// The client's results of the actions.
    HandshakeResponse = 6,
    /// The session begins.
    HandshakeComplete = 7,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Such as [`INPUT`].
    pub kind: String,
    /// Counts the messages of one direction from 0; acknowledgements do not count.
    pub sequence: i64,
    /// Bit 0: the first; bit 1: the last.
    pub flags: u64,
    /// Milliseconds since 1970.
    pub created: u64,
    /// A UUID.
    pub id: [u8; 16],
    /// A [`Payload`], or an unknown type.
    pub payload_type: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// A new message, made now.
    pub(super) fn new(
        kind: &str,
        sequence: i64,
        flags: u64,
        payload: Payload,
        content: Vec<u8>,
        now: jiff::Timestamp,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            sequence,
            flags,
            created: u64::try_from(now.as_millisecond()).unwrap_or(1),
            id: ids::uuid_bytes(),
            payload_type: payload as u32,
            payload: content,
        }
    }

    /// Its UUID as text.
    pub(super) fn id(&self) -> String {
        ids::uuid_text(self.id)
    }

    /// Its bytes on the wire.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH as usize + 4 + self.payload.len());
        bytes.extend(HEADER_LENGTH.to_be_bytes());
        bytes.extend(format!("{:<width$}", self.kind, width = TYPE_RANGE.len()).as_bytes());
        bytes.extend(SCHEMA_VERSION.to_be_bytes());
        bytes.extend(self.created.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(swapped(self.id));
        bytes.extend(Sha256::digest(&self.payload));
        bytes.extend(self.payload_type.to_be_bytes());
        bytes.extend(u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Decodes a message; none if it is incomplete. The digest is not checked, as by the agent.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let header = usize::try_from(u32::from_be_bytes(array(bytes, 0)?)).ok()?;
        // A longer header has more fields after the known ones.
        if header < HEADER_LENGTH as usize {
            return None;
        }
        let kind = std::str::from_utf8(bytes.get(TYPE_RANGE)?).ok()?;
        let length = usize::try_from(u32::from_be_bytes(array(bytes, header)?)).ok()?;
        let payload = bytes.get(header + 4..)?.get(..length)?.to_vec();
        Some(Self {
            kind: kind.trim_matches('\0').trim().to_owned(),
            created: u64::from_be_bytes(array(bytes, 40)?),
            sequence: i64::from_be_bytes(array(bytes, 48)?),
            flags: u64::from_be_bytes(array(bytes, 56)?),
            id: swapped(array(bytes, ID_RANGE.start)?),
            payload_type: u32::from_be_bytes(array(bytes, header.checked_sub(4)?)?),
            payload,
        })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.get(..N)?.try_into().ok()
}

fn swapped(id: [u8; 16]) -> [u8; 16] {
    let mut other = id;
    other.rotate_left(8);
    other
}

#[cfg(test)]
mod tests {
    use super::{Frame, INPUT};

    /// What the official client made of these values.
    const RECORDED: &str = "00000074696e7075745f73747265616d5f64617461202020202020202020202020202020000000010000018bcfe5\
        6800000000000000000100000000000000008899aabbccddeeff00112233445566771d887ce0f8672e4914d9000e801cd74ecd805dd93\
        66c0bc42dc16adc0197dc2f00000001000000036c730d";

    fn recorded() -> Frame {
        Frame {
            kind: INPUT.to_owned(),
            sequence: 1,
            flags: 0,
            created: 1_700_000_000_000,
            id: hex::decode("00112233445566778899aabbccddeeff").expect("hex").try_into().expect("16 bytes"),
            payload_type: 1,
            payload: b"ls\r".to_vec(),
        }
    }

    #[test]
    fn a_message_is_the_bytes_that_the_official_client_writes() {
        assert_eq!(hex::encode(recorded().encode()), RECORDED);
        assert_eq!(Frame::decode(&hex::decode(RECORDED).expect("hex")), Some(recorded()));
    }

    #[test]
    fn a_longer_header_is_skipped() {
        let mut bytes = recorded().encode();
        bytes.splice(112..112, [0; 8]);
        bytes[3] += 8;
        assert_eq!(Frame::decode(&bytes), Some(recorded()));
    }

    #[test]
    fn a_truncated_message_is_rejected() {
        let bytes = recorded().encode();
        assert!((0..bytes.len()).all(|length| Frame::decode(&bytes[..length]).is_none()));
    }
}
