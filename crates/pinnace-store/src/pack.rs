//! Packs: many small contents in one object.

use std::{collections::BTreeMap, io::Read, ops::Range};

use flate2::{Compression, read::DeflateDecoder, read::DeflateEncoder};
use sha2::{Digest as _, Sha256};

use crate::Digest;

/// The kind of a content in a pack, as far as the mark phase needs it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ContentKind {
    /// Bytes that a store does not interpret.
    Blob,
    /// A [`Manifest`](crate::Manifest), whose references are followed.
    Manifest,
}

/// A builder that collects small contents and makes packs of them.
///
/// ```
/// use pinnace_store::{ContentKind, Pack, PackBuilder};
///
/// let mut builder = PackBuilder::new();
/// let digest = builder.add(ContentKind::Blob, b"hello".to_vec());
/// let [bytes] = builder.finish().try_into().expect("a little fits into one pack");
/// let pack = Pack::parse(bytes)?;
/// assert_eq!(pack.read(&digest)?.as_deref(), Some(&b"hello"[..]));
/// # Ok::<(), pinnace_store::PackError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PackBuilder {
    contents: BTreeMap<Digest, (ContentKind, Vec<u8>)>,
}

/// A pack in memory, with a checked index. Each content is checked when it is read.
#[derive(Clone, Debug)]
pub struct Pack {
    index: PackIndex,
    bytes: Vec<u8>,
}

/// The index of a pack: its contents and their positions.
#[derive(Clone, Debug)]
pub struct PackIndex {
    entries: Vec<PackEntry>,
}

/// An entry in the index of a pack: one content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PackEntry {
    /// The digest of the content.
    pub digest: Digest,
    /// The kind of the content.
    pub kind: ContentKind,
    /// The length of the content in bytes.
    pub length: u32,
    encoding: Encoding,
    start: u64,
    stored: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoding {
    Plain,
    Deflate,
}

/// An error in the bytes of a pack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a pack: {reason}")]
pub struct PackError {
    reason: String,
}

/// The first bytes of a pack; the digit is the version of its format.
const MAGIC: &[u8; 8] = b"pinpack1";
const HEAD: usize = 12;
const ENTRY: usize = 42;
/// The limits of the packs that a builder makes: stored bytes and number of contents. A pack is
/// downloaded in one request.
const LARGEST: usize = 32 << 20;
const MOST: usize = 1 << 16;
/// The size limit of a pack, which is held in memory.
pub(crate) const LARGEST_PACK: u64 = 64 << 20;
/// The largest content that goes into a pack. A larger one is an object of its own.
pub const LARGEST_PACKED: usize = 1 << 20;

impl PackBuilder {
    /// Creates an empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a content of at most [`LARGEST_PACKED`] bytes. A content that is added twice is stored
    /// once.
    pub fn add(&mut self, kind: ContentKind, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.contents.entry(digest).or_insert((kind, bytes));
        digest
    }

    /// Returns true if there are no contents.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// Returns the packs: one, unless it would be too large to download at once.
    pub fn finish(self) -> Vec<Vec<u8>> {
        let mut packs = Vec::new();
        let (mut index, mut data, mut count) = (Vec::new(), Vec::new(), 0);
        for (digest, (kind, bytes)) in self.contents {
            let (encoding, stored) = encode(&bytes);
            if count == MOST || count > 0 && data.len() + stored.len() > LARGEST {
                packs.push(assemble(count, &index, &data));
                (index, data, count) = (Vec::new(), Vec::new(), 0);
            }
            index.push(u8::from(kind == ContentKind::Manifest));
            index.push(u8::from(encoding == Encoding::Deflate));
            index.extend(digest.as_bytes());
            index.extend((bytes.len() as u32).to_le_bytes());
            index.extend((stored.len() as u32).to_le_bytes());
            data.extend(stored);
            count += 1;
        }
        if count > 0 {
            packs.push(assemble(count, &index, &data));
        }
        packs
    }
}

fn assemble(count: usize, index: &[u8], data: &[u8]) -> Vec<u8> {
    [MAGIC, &(count as u32).to_le_bytes()[..], index, data].concat()
}

/// Deflates the bytes if that makes them smaller. A pack's own digest names only the pack, so
/// another version of the compressor changes no other identity.
fn encode(bytes: &[u8]) -> (Encoding, Vec<u8>) {
    let mut deflated = Vec::new();
    let mut encoder = DeflateEncoder::new(bytes, Compression::default());
    match encoder.read_to_end(&mut deflated) {
        Ok(length) if length < bytes.len() => (Encoding::Deflate, deflated),
        _ => (Encoding::Plain, bytes.to_vec()),
    }
}

impl Pack {
    /// Parses a pack.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a pack, or truncated.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, PackError> {
        let index = PackIndex::parse(&bytes)?;
        if index.end() == bytes.len() as u64 {
            Ok(Self { index, bytes })
        } else {
            refuse("its length differs from that in its index")
        }
    }

    /// Returns the index.
    pub fn index(&self) -> &PackIndex {
        &self.index
    }

    /// Reads and verifies a content; returns `None` if it is not in this pack.
    ///
    /// # Errors
    ///
    /// Returns an error if the content is damaged.
    pub fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, PackError> {
        let Some(entry) = self.index.find(digest) else { return Ok(None) };
        let range = entry.range();
        let stored = self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default();
        entry.decode(stored).map(Some)
    }
}

impl PackIndex {
    /// Returns the length of a pack's head and index in bytes, from the first bytes of the pack.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not the start of a pack.
    pub fn length(head: &[u8]) -> Result<u64, PackError> {
        let count = match head.get(..HEAD).and_then(|head| head.split_first_chunk::<8>()) {
            Some((MAGIC, count)) => u32::from_le_bytes([count[0], count[1], count[2], count[3]]),
            Some((other, _)) if other.starts_with(b"pinpack") => {
                return refuse("it is of a newer format; use a newer pinnace");
            }
            _ => return refuse("its first bytes are wrong"),
        };
        match count as usize {
            1..=MOST => Ok((HEAD + count as usize * ENTRY) as u64),
            _ => refuse("it is empty, or holds too much"),
        }
    }

    /// Parses the index at the start of a pack.
    ///
    /// # Errors
    ///
    /// Returns an error if the index is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackError> {
        let length = Self::length(bytes)?;
        let Some(index) = bytes.get(HEAD..length as usize) else { return refuse("it is cut") };
        let mut entries: Vec<PackEntry> = Vec::new();
        let mut start = length;
        for (number, entry) in index.chunks_exact(ENTRY).enumerate() {
            let Some(entry) = PackEntry::parse(entry, start) else {
                return refuse(&format!("entry {number} is malformed"));
            };
            if entries.last().is_some_and(|last| last.digest >= entry.digest) {
                return refuse("its entries are not sorted");
            }
            start += u64::from(entry.stored);
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// Returns the entries, sorted by digest.
    pub fn entries(&self) -> &[PackEntry] {
        &self.entries
    }

    /// Returns the entry of a content.
    pub fn find(&self, digest: &Digest) -> Option<&PackEntry> {
        let at = self.entries.binary_search_by(|entry| entry.digest.cmp(digest)).ok()?;
        self.entries.get(at)
    }

    fn end(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.range().end)
    }
}

impl PackEntry {
    fn parse(bytes: &[u8], start: u64) -> Option<Self> {
        let ([kind, encoding], rest) = bytes.split_first_chunk::<2>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (stored, _) = rest.split_first_chunk::<4>()?;
        let entry = Self {
            digest: Digest::new(*digest),
            kind: match kind {
                0 => ContentKind::Blob,
                1 => ContentKind::Manifest,
                _ => return None,
            },
            length: u32::from_le_bytes(*length),
            encoding: match encoding {
                0 => Encoding::Plain,
                1 => Encoding::Deflate,
                _ => return None,
            },
            start,
            stored: u32::from_le_bytes(*stored),
        };
        let is_plain = entry.encoding == Encoding::Plain;
        let is_small = entry.length as usize <= LARGEST_PACKED && entry.stored <= entry.length;
        (is_small && (!is_plain || entry.stored == entry.length)).then_some(entry)
    }

    /// Returns the range of its stored bytes in the pack.
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + u64::from(self.stored)
    }

    /// Decodes and verifies the content from its stored bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged.
    pub fn decode(&self, stored: &[u8]) -> Result<Vec<u8>, PackError> {
        let bytes = match self.encoding {
            Encoding::Plain => stored.to_vec(),
            Encoding::Deflate => {
                let mut bytes = Vec::with_capacity(self.length as usize);
                let limit = u64::from(self.length) + 1;
                let mut decoder = DeflateDecoder::new(stored).take(limit);
                match decoder.read_to_end(&mut bytes) {
                    Ok(_) => bytes,
                    Err(_) => return refuse(&format!("{} cannot be inflated", self.digest)),
                }
            }
        };
        if Sha256::digest(&bytes)[..] == self.digest.as_bytes()[..] {
            Ok(bytes)
        } else {
            refuse(&format!("{} is damaged", self.digest))
        }
    }
}

fn refuse<T>(reason: &str) -> Result<T, PackError> {
    Err(PackError { reason: reason.to_owned() })
}
