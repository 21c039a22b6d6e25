//! The checksum in front of every stored row, so that damage is detected when a row is read, in a file of any size.

const BYTES: usize = 4;

/// A row with its checksum, as it is stored.
pub(super) fn prepend(key: &[u8], row: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(BYTES + row.len());
    stored.extend(crc(key, row));
    stored.extend(row);
    stored
}

/// The row without its checksum, if that is right.
pub(super) fn verify<'a>(key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], redb::Error> {
    match stored.split_first_chunk::<BYTES>() {
        Some((checksum, row)) if *checksum == crc(key, row) => Ok(row),
        _ => Err(redb::Error::Corrupted("a row has the wrong checksum".to_owned())),
    }
}

fn crc(key: &[u8], row: &[u8]) -> [u8; BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(row);
    hasher.finalize().to_be_bytes()
}
