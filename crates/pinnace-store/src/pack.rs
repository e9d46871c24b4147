//! Many small contents in one object.

use std::{collections::BTreeMap, io::Read, ops::Range};

use flate2::{Compression, read::DeflateDecoder, read::DeflateEncoder};
use sha2::{Digest as _, Sha256};

use crate::Digest;

/// What a content of a pack is, as far as tracing minds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ContentKind {
    /// Bytes that mean nothing to a store.
    Blob,
    /// A [`Manifest`](crate::Manifest), whose references are followed.
    Manifest,
}

/// Collects small contents, and makes packs of them.
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

/// A pack in memory, its index checked; contents are checked when they are read.
#[derive(Clone, Debug)]
pub struct Pack {
    index: PackIndex,
    bytes: Vec<u8>,
}

/// What a pack holds, and where.
#[derive(Clone, Debug)]
pub struct PackIndex {
    entries: Vec<PackEntry>,
}

/// A content of a pack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PackEntry {
    /// What its bytes hash to.
    pub digest: Digest,
    /// What it is.
    pub kind: ContentKind,
    /// How many bytes it has.
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

/// Bytes that are no pack.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this is no pack: {reason}")]
pub struct PackError {
    reason: String,
}

/// A pack starts with this; the digit is its format's version.
const MAGIC: &[u8; 8] = b"pinpack1";
const HEAD: usize = 12;
const ENTRY: usize = 42;
/// No more stored contents are put into one: so much is fetched in one request at once.
const LARGEST: usize = 32 << 20;
const MOST: usize = 1 << 16;
/// No pack is larger: it is held in memory.
pub(crate) const LARGEST_PACK: u64 = 64 << 20;
/// The largest content that goes into a pack: what is larger is an object of its own.
pub const LARGEST_PACKED: usize = 1 << 20;

impl PackBuilder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a content of at most [`LARGEST_PACKED`] bytes; the same twice is there once.
    pub fn add(&mut self, kind: ContentKind, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.contents.entry(digest).or_insert((kind, bytes));
        digest
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    /// The packs: one, unless it would be larger than is good to fetch at once.
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

/// What is smaller deflated is deflated. A pack's own digest names nothing but the pack, so another
/// version of the compressor moves no identity.
fn encode(bytes: &[u8]) -> (Encoding, Vec<u8>) {
    let mut deflated = Vec::new();
    let mut encoder = DeflateEncoder::new(bytes, Compression::default());
    match encoder.read_to_end(&mut deflated) {
        Ok(length) if length < bytes.len() => (Encoding::Deflate, deflated),
        _ => (Encoding::Plain, bytes.to_vec()),
    }
}

impl Pack {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// If it is none, or cut.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, PackError> {
        let index = PackIndex::parse(&bytes)?;
        match index.end() == bytes.len() as u64 {
            true => Ok(Self { index, bytes }),
            false => refuse("its length is not what its index says"),
        }
    }

    /// What it holds.
    pub fn index(&self) -> &PackIndex {
        &self.index
    }

    /// A content, checked; `None` if it is not in this pack.
    ///
    /// # Errors
    ///
    /// If it is damaged.
    pub fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, PackError> {
        let Some(entry) = self.index.find(digest) else { return Ok(None) };
        let range = entry.range();
        let stored = self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default();
        entry.decode(stored).map(Some)
    }
}

impl PackIndex {
    /// How many bytes of a pack must be read to know its index, from its first bytes.
    ///
    /// # Errors
    ///
    /// If they are not those of a pack.
    pub fn length(head: &[u8]) -> Result<u64, PackError> {
        let count = match head.get(..HEAD).and_then(|head| head.split_first_chunk::<8>()) {
            Some((MAGIC, count)) => u32::from_le_bytes([count[0], count[1], count[2], count[3]]),
            Some((other, _)) if other.starts_with(b"pinpack") => {
                return refuse("it is of a newer format; use a newer pinnace");
            }
            _ => return refuse("it does not begin like one"),
        };
        match count as usize {
            1..=MOST => Ok((HEAD + count as usize * ENTRY) as u64),
            _ => refuse("it holds nothing, or too much"),
        }
    }

    /// Reads the index that a pack begins with.
    ///
    /// # Errors
    ///
    /// If it is malformed.
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

    /// The contents, sorted by digest.
    pub fn entries(&self) -> &[PackEntry] {
        &self.entries
    }

    /// The entry of a content.
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

    /// Where its stored bytes are in the pack.
    pub fn range(&self) -> Range<u64> {
        self.start..self.start + u64::from(self.stored)
    }

    /// The content, from its stored bytes.
    ///
    /// # Errors
    ///
    /// If they are damaged.
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
        match Sha256::digest(&bytes)[..] == self.digest.as_bytes()[..] {
            true => Ok(bytes),
            false => refuse(&format!("{} is damaged", self.digest)),
        }
    }
}

fn refuse<T>(reason: &str) -> Result<T, PackError> {
    Err(PackError { reason: reason.to_owned() })
}
