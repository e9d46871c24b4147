use std::io::{self, Read, Write};

use flate2::{Compress, Compression, FlushCompress, Status};
use sha2::{Digest, Sha256};

use crate::Method;

/// Compresses contents, on request ([`Content::encode`](crate::Content::encode)).
///
/// What an encoder writes must depend on the content alone: not on threads, not on earlier
/// contents, not on how the input is cut. The last one is made easy: a read fills its buffer
/// unless the content ends, so reading [`PIECE`] bytes at a time is enough.
///
/// No compressor promises the same bytes for ever, so archives that are to be written again
/// elsewhere are stored, and caches that key on compressed bytes include the [`id`](Self::id).
///
/// ```
/// use std::io::{self, Read, Write};
/// use pinnace_archive::{Encoder, Method};
///
/// /// Deflate without compression: one stored block per 65,535 bytes (RFC 1951, 3.2.4).
/// struct Blocks;
///
/// impl Encoder for Blocks {
///     fn id(&self) -> &str {
///         "blocks"
///     }
///     fn method(&self) -> Method {
///         Method::Deflated
///     }
///     fn encode(&self, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
///         let mut piece = vec![0; 65_535];
///         loop {
///             let length = content.read(&mut piece)?;
///             let [low, high] = (length as u16).to_le_bytes();
///             out.write_all(&[u8::from(length == 0), low, high, !low, !high])?;
///             out.write_all(&piece[..length])?;
///             if length == 0 {
///                 return Ok(());
///             }
///         }
///     }
/// }
/// ```
pub trait Encoder: Sync {
    /// Names the algorithm with all that its output depends on, as it is recorded in
    /// [`Summary::encoders`](crate::Summary::encoders).
    fn id(&self) -> &str;

    /// What readers need in order to decode it. Not [`Method::Stored`].
    fn method(&self) -> Method;

    /// Reads the content to its end and writes its compressed form.
    ///
    /// # Errors
    ///
    /// Whatever the two fail with.
    fn encode(&self, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<()>;
}

/// How much an encoder of this crate compresses at once: large enough to cost no compression
/// (below 0.1 % on wheels' contents, measured), small enough to bound memory.
pub const PIECE: usize = 1 << 20;

/// Deflate (RFC 1951): every zip reader understands it.
///
/// Each piece of [`PIECE`] bytes is compressed by itself with a fresh state, so the output depends
/// on nothing else. The id ends in a fingerprint of what this build of the compressor makes of a
/// fixed sample, so that another version that compresses in another way has another id.
#[derive(Clone, Debug)]
pub struct Deflate {
    level: Compression,
    id: String,
}

impl Deflate {
    /// A level from 1 (fast) to 9 (small); others are the nearest of these. 6 is the default.
    pub fn new(level: u8) -> Self {
        let level = level.clamp(1, 9);
        let mut deflate = Self { level: Compression::new(level.into()), id: String::new() };
        deflate.id = format!("deflate-{level}:{}", fingerprint(&deflate));
        deflate
    }

    fn piece(&self, piece: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
        let mut state = Compress::new(self.level, false);
        out.clear();
        // What deflate can add at worst: five bytes per block, and the flush.
        out.reserve(piece.len() + piece.len() / 1000 + 64);
        loop {
            let rest = &piece[state.total_in() as usize..];
            let status = state.compress_vec(rest, out, flush).map_err(io::Error::other)?;
            let flushed = state.total_in() == piece.len() as u64 && out.len() < out.capacity();
            match status {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError if flushed => return Ok(()),
                Status::Ok | Status::BufError => out.reserve(PIECE),
            }
        }
    }
}

impl Default for Deflate {
    fn default() -> Self {
        Self::new(6)
    }
}

impl Encoder for Deflate {
    fn id(&self) -> &str {
        &self.id
    }

    fn method(&self) -> Method {
        Method::Deflated
    }

    fn encode(&self, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let (mut piece, mut encoded) = (Vec::new(), Vec::new());
        while take_piece(content, &mut piece)? {
            self.piece(&piece, FlushCompress::Sync, &mut encoded)?;
            out.write_all(&encoded)?;
        }
        self.piece(&[], FlushCompress::Finish, &mut encoded)?;
        out.write_all(&encoded)
    }
}

/// Zstandard (RFC 8878), one frame per member: smaller and faster than deflate, for readers that
/// are known to have it (APPNOTE 4.4.5, method 93).
#[cfg(feature = "zstd")]
#[derive(Clone, Debug)]
pub struct Zstandard {
    level: i32,
    id: String,
}

#[cfg(feature = "zstd")]
impl Zstandard {
    /// A level from 1 (fast) to 19 (small); others are the nearest of these. 3 is the default.
    pub fn new(level: u8) -> Self {
        let level = level.clamp(1, 19);
        let mut zstandard = Self { level: level.into(), id: String::new() };
        zstandard.id = format!("zstd-{level}:{}", fingerprint(&zstandard));
        zstandard
    }
}

#[cfg(feature = "zstd")]
impl Default for Zstandard {
    fn default() -> Self {
        Self::new(3)
    }
}

#[cfg(feature = "zstd")]
impl Encoder for Zstandard {
    fn id(&self) -> &str {
        &self.id
    }

    fn method(&self) -> Method {
        Method::Zstandard
    }

    fn encode(&self, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let mut encoder = zstd::stream::write::Encoder::new(out, self.level)?;
        let mut piece = Vec::new();
        while take_piece(content, &mut piece)? {
            encoder.write_all(&piece)?;
        }
        encoder.finish().map(drop)
    }
}

/// Whether there is a next piece.
fn take_piece(content: &mut dyn Read, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    content.take(PIECE as u64).read_to_end(piece)?;
    Ok(!piece.is_empty())
}

/// The first four bytes of the SHA-256 of the encoded sample, in hexadecimal.
fn fingerprint(encoder: &dyn Encoder) -> String {
    let mut encoded = Vec::new();
    if encoder.encode(&mut sample().as_slice(), &mut encoded).is_err() {
        return "failed".to_owned();
    }
    Sha256::digest(&encoded)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 192 KiB in which matches are found at many lengths and distances, and some that are not text.
fn sample() -> Vec<u8> {
    let mut state: u32 = 1;
    let mut random = move || {
        // Numerical Recipes' linear congruential generator.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize
    };
    let mut bytes: Vec<u8> = Vec::new();
    while bytes.len() < 192 * 1024 {
        let length = 1 + random() % 40;
        if random() % 4 == 0 || bytes.is_empty() {
            let alphabet = if random() % 16 == 0 { 256 } else { 32 };
            bytes.extend((0..length).map(|_| (32 + random() % alphabet) as u8));
        } else {
            let from = random() * 3 % bytes.len();
            bytes.extend_from_within(from..bytes.len().min(from + length));
        }
    }
    bytes
}
