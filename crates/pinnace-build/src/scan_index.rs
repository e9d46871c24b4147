//! The index of a scan: digests of files, so that the next scan does not read unchanged files.

use std::fs::Metadata;
#[cfg(not(unix))]
use std::time::UNIX_EPOCH;

use pinnace_store::Digest;

/// An index of the files of a project: path, metadata and digest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScanIndex {
    /// The files, sorted by path.
    files: Vec<Known>,
}

/// A file: its path, stamp and digest.
type Known = (String, FileStamp, Digest);

/// The stamp of a file: metadata that changes with its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FileStamp {
    pub(crate) size: u64,
    modified: u64,
    changed: u64,
    number: u64,
}

const HEAD: &[u8] = b"pinindex1";
const SECOND: u64 = 1_000_000_000;

impl ScanIndex {
    /// Creates an index of files.
    pub(crate) fn of(mut files: Vec<Known>) -> Self {
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Self { files }
    }

    /// Returns the digest of a file whose stamp is unchanged.
    pub(crate) fn digest(&self, path: &str, stamp: &FileStamp) -> Option<Digest> {
        let at = self.files.binary_search_by(|(known, ..)| known.as_str().cmp(path)).ok()?;
        let (_, known, digest) = &self.files[at];
        (known == stamp).then_some(*digest)
    }

    /// Returns the index as bytes. Leaves out files that were written in the last two seconds before `now` (in
    /// seconds since 1970), since they may change again within the resolution of their timestamps.
    pub fn to_bytes(&self, now: u64) -> Vec<u8> {
        let settled = now.saturating_sub(2).saturating_mul(SECOND);
        let mut bytes = HEAD.to_vec();
        let is_settled = |stamp: &FileStamp| stamp.modified < settled && stamp.changed < settled;
        for (path, stamp, digest) in self.files.iter().filter(|(_, stamp, _)| is_settled(stamp)) {
            bytes.extend((path.len() as u32).to_le_bytes());
            bytes.extend(path.as_bytes());
            for value in [stamp.size, stamp.modified, stamp.changed, stamp.number] {
                bytes.extend(value.to_le_bytes());
            }
            bytes.extend(digest.as_bytes());
        }
        bytes
    }

    /// Parses an index; bytes in another format give an empty index.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut files = Vec::new();
        let mut rest = bytes.strip_prefix(HEAD).unwrap_or_default();
        while let Some((file, more)) = entry(rest) {
            files.push(file);
            rest = more;
        }
        Self::of(files)
    }
}

fn entry(bytes: &[u8]) -> Option<(Known, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (path, mut rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let path = std::str::from_utf8(path).ok()?.to_owned();
    let mut numbers = [0; 4];
    for value in &mut numbers {
        let (number, more) = rest.split_first_chunk::<8>()?;
        (*value, rest) = (u64::from_le_bytes(*number), more);
    }
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let [size, modified, changed, number] = numbers;
    Some(((path, FileStamp { size, modified, changed, number }, Digest::new(*digest)), rest))
}

impl FileStamp {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| {
            (seconds.max(0) as u64).saturating_mul(SECOND).saturating_add(rest as u64)
        };
        Self {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            number: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| since.as_nanos() as u64);
        Self { size: metadata.len(), modified, changed: 0, number: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leaves_out_files_that_were_just_written() {
        let stamp =
            |modified| FileStamp { size: 3, modified: modified * SECOND, changed: 5, number: 7 };
        let digest = Digest::new([9; 32]);
        let file = |path: &str, modified| (path.to_owned(), stamp(modified), digest);
        let index = ScanIndex::of(vec![file("b", 50), file("a", 99), file("c", 100)]);
        let bytes = index.to_bytes(101);
        let kept = ScanIndex::parse(&bytes);
        assert_eq!(kept.digest("b", &stamp(50)), Some(digest));
        assert_eq!(kept.digest("b", &stamp(51)), None);
        assert_eq!((kept.digest("a", &stamp(99)), kept.digest("c", &stamp(100))), (None, None));
        for length in 0..bytes.len() {
            let _ = ScanIndex::parse(&bytes[..length]);
        }
        assert_eq!(ScanIndex::parse(b"other"), ScanIndex::default());
    }
}
