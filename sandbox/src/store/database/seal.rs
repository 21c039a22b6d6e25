//! The checksum in front of every row: what was changed by somebody else is noticed when it is read, in a file of any size.

const BYTES: usize = 4;

/// A row as it is stored.
pub(super) fn seal(key: &[u8], row: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(BYTES + row.len());
    sealed.extend(sum(key, row));
    sealed.extend(row);
    sealed
}

/// The row that was stored under a key.
pub(super) fn open<'a>(key: &[u8], sealed: &'a [u8]) -> Result<&'a [u8], redb::Error> {
    match sealed.split_first_chunk::<BYTES>() {
        Some((stated, row)) if *stated == sum(key, row) => Ok(row),
        _ => Err(redb::Error::Corrupted("a row is not what was written".to_owned())),
    }
}

fn sum(key: &[u8], row: &[u8]) -> [u8; BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(row);
    hasher.finalize().to_be_bytes()
}
