//! Locating the central directory from the records that close the file (APPNOTE 4.3.14 to 4.3.16).

use std::io;

use crate::{
    Error, Leniency, Policy, ReadAt, Rule,
    read_at::read,
    record::{
        CENTRAL_LENGTH, END_LENGTH, END_SIGNATURE, End, ZIP64_END_LENGTH, ZIP64_LOCATOR_LENGTH,
    },
};

/// The number of bytes read at once from the end of the file, 64 KiB and a few bytes. The longest
/// comment and the records before it fit. Usually the whole directory of a wheel fits too, so
/// opening a remote wheel is one request.
const TAIL: u64 = (u16::MAX as usize + END_LENGTH + ZIP64_LOCATOR_LENGTH) as u64;

/// The end of a source, in memory.
struct Tail<'a, R> {
    source: &'a R,
    bytes: Vec<u8>,
    start: u64,
}

impl<R: ReadAt> Tail<'_, R> {
    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let kept = offset
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| self.bytes.get(at..at.checked_add(buffer.len())?));
        match kept {
            Some(kept) => buffer.copy_from_slice(kept),
            None => read(self.source, buffer, offset)?,
        }
        Ok(())
    }

    fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.fill(&mut bytes, offset)?;
        Ok(bytes)
    }
}

/// Reads the central directory and its end record.
pub(crate) fn directory(source: &impl ReadAt, policy: &Policy) -> Result<(End, Vec<u8>), Error> {
    let unreadable = |error: io::Error| Error::io("read the archive", error);
    let length = source.size().map_err(unreadable)?;
    let start = length.saturating_sub(TAIL);
    let mut tail = Tail { source, bytes: vec![0; (length - start) as usize], start };
    source.read_exact_at(&mut tail.bytes, start).map_err(unreadable)?;
    let end = locate(&tail, policy)?;
    let mut directory = vec![0; end.size as usize];
    tail.fill(&mut directory, end.offset)?;
    Ok((end, directory))
}

fn locate(tail: &Tail<'_, impl ReadAt>, policy: &Policy) -> Result<End, Error> {
    let comment = comment_length(&tail.bytes, policy)?;
    let at = tail.start + (tail.bytes.len() - comment - END_LENGTH) as u64;
    let plain = End::decode(&tail.array(at)?, comment)?;
    let (end, closes_at) = match zip64(tail, at, &plain)? {
        Some(found) => found,
        None if plain.may_be_zip64() && plain.entries != u64::from(u16::MAX) => {
            return Err(Rule::Zip64.into());
        }
        None => (plain, at),
    };
    if end.offset.checked_add(end.size) != Some(closes_at) {
        return Err(Rule::CentralDirectory.into());
    }
    let limits = policy.limits();
    if end.size > limits.directory {
        return Err(Error::limit(
            "the size of the central directory",
            end.size,
            limits.directory,
            "",
        ));
    }
    if end.entries > limits.entries {
        return Err(Error::limit("the number of entries", end.entries, limits.entries, ""));
    }
    if end.entries.saturating_mul(CENTRAL_LENGTH as u64) > end.size {
        return Err(Rule::CentralDirectory.into());
    }
    Ok(end)
}

/// Returns the length of the comment that follows the end record. The strict policy allows none. A
/// comment must not look like an end record, which readers that search from the back would find.
fn comment_length(tail: &[u8], policy: &Policy) -> Result<usize, Error> {
    let last = tail.len().checked_sub(END_LENGTH).ok_or(Rule::EndRecord)?;
    let signature = END_SIGNATURE.to_le_bytes();
    if tail[last..].starts_with(&signature) {
        return Ok(0);
    }
    let found = tail.windows(signature.len()).rposition(|window| window == signature);
    // An end record counts only if its comment length matches the bytes that follow it.
    let claims = |at: usize| {
        let length = [tail[at + END_LENGTH - 2], tail[at + END_LENGTH - 1]];
        usize::from(u16::from_le_bytes(length)) == last - at
    };
    let at = found.filter(|at| *at < last && claims(*at)).ok_or(Rule::EndRecord)?;
    if !policy.allows(Leniency::Comment) {
        return Err(Rule::NoComment.into());
    }
    Ok(last - at)
}

fn zip64(tail: &Tail<'_, impl ReadAt>, at: u64, plain: &End) -> Result<Option<(End, u64)>, Error> {
    let Some(locator_at) = at.checked_sub(ZIP64_LOCATOR_LENGTH as u64) else { return Ok(None) };
    let Some(offset) = End::decode_locator(&tail.array(locator_at)?)? else { return Ok(None) };
    // The record must stand right before its locator: some readers look at bytes in between, and
    // others do not.
    if offset.checked_add(ZIP64_END_LENGTH as u64) != Some(locator_at) {
        return Err(Rule::Zip64.into());
    }
    Ok(Some((End::decode_zip64(&tail.array(offset)?, plain)?, offset)))
}
