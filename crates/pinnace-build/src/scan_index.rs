//! The digests of files between two scans of a project, so that unchanged files are not read again.

use std::fs::Metadata;
#[cfg(not(unix))]
use std::time::UNIX_EPOCH;

use pinnace_store::Digest;

/// The known files of a project, by path and by the marks that change with them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScanIndex {
    /// Sorted by path.
    files: Vec<Known>,
}

/// A file, its marks, and its digest.
type Known = (String, Marks, Digest);

/// The marks of a file: they tell without reading it that its content is unchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Marks {
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

    /// Returns the digest of a file whose marks are unchanged.
    pub(crate) fn digest(&self, path: &str, marks: &Marks) -> Option<Digest> {
        let at = self.files.binary_search_by(|(known, ..)| known.as_str().cmp(path)).ok()?;
        let (_, known, digest) = &self.files[at];
        (known == marks).then_some(*digest)
    }

    /// Writes the index as bytes. Files that were written in the last two seconds before `now`, in
    /// seconds since 1970, may change again without a change of marks, and are left out.
    pub fn to_bytes(&self, now: u64) -> Vec<u8> {
        let settled = now.saturating_sub(2).saturating_mul(SECOND);
        let mut bytes = HEAD.to_vec();
        let is_settled = |marks: &Marks| marks.modified < settled && marks.changed < settled;
        for (path, marks, digest) in self.files.iter().filter(|(_, marks, _)| is_settled(marks)) {
            bytes.extend((path.len() as u32).to_le_bytes());
            bytes.extend(path.as_bytes());
            for mark in [marks.size, marks.modified, marks.changed, marks.number] {
                bytes.extend(mark.to_le_bytes());
            }
            bytes.extend(digest.as_bytes());
        }
        bytes
    }

    /// Reads an index; bytes of another form are an empty index.
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
    let mut marks = [0; 4];
    for mark in &mut marks {
        let (number, more) = rest.split_first_chunk::<8>()?;
        (*mark, rest) = (u64::from_le_bytes(*number), more);
    }
    let (digest, rest) = rest.split_first_chunk::<32>()?;
    let [size, modified, changed, number] = marks;
    Some(((path, Marks { size, modified, changed, number }, Digest::new(*digest)), rest))
}

impl Marks {
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
    fn what_is_kept_is_read_again_but_for_what_was_just_written() {
        let marks =
            |modified| Marks { size: 3, modified: modified * SECOND, changed: 5, number: 7 };
        let digest = Digest::new([9; 32]);
        let file = |path: &str, modified| (path.to_owned(), marks(modified), digest);
        let index = ScanIndex::of(vec![file("b", 50), file("a", 99), file("c", 100)]);
        let bytes = index.to_bytes(101);
        let kept = ScanIndex::parse(&bytes);
        assert_eq!(kept.digest("b", &marks(50)), Some(digest));
        assert_eq!(kept.digest("b", &marks(51)), None);
        assert_eq!((kept.digest("a", &marks(99)), kept.digest("c", &marks(100))), (None, None));
        for length in 0..bytes.len() {
            let _ = ScanIndex::parse(&bytes[..length]);
        }
        assert_eq!(ScanIndex::parse(b"other"), ScanIndex::default());
    }
}
