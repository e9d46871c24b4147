use std::io::{self, Read, Write};

use flate2::{Compress, Compression, FlushCompress, Status};
use sha2::{Digest, Sha256};

use crate::Method;

/// A compressor for contents, used on request ([`Content::encode`](crate::Content::encode)).
///
/// The output of an encoder must depend on the content alone: not on threads, not on earlier
/// contents, not on how the input is cut. The last condition is easy to meet: a read fills its
/// buffer unless the content ends, so an encoder can read [`PIECE`] bytes at a time.
///
/// No compressor promises the same bytes forever. Store the members of archives that must be
/// reproducible elsewhere, and include the [`id`](Self::id) in cache keys over compressed bytes.
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
    /// Returns a name for the algorithm and everything its output depends on. It is recorded in
    /// [`Summary::encoders`](crate::Summary::encoders).
    fn id(&self) -> &str;

    /// Returns the method that readers need to decode the output. Never [`Method::Stored`].
    fn method(&self) -> Method;

    /// Reads the content to its end and writes its compressed form.
    ///
    /// # Errors
    ///
    /// Returns the error of `content`, of `out` or of the compressor.
    fn encode(&self, content: &mut dyn Read, out: &mut dyn Write) -> io::Result<()>;
}

/// The number of bytes that an encoder of this crate compresses at once. It is large enough to cost
/// no compression (below 0.1 % on wheels' contents, measured), and small enough to bound memory.
pub const PIECE: usize = 1 << 20;

/// An encoder for deflate (RFC 1951), which every zip reader understands.
///
/// Each piece of [`PIECE`] bytes is compressed separately with a fresh state, so the output of a
/// piece depends on the piece alone. The id ends in a fingerprint: a hash of this compressor's
/// output for a fixed sample. A version that compresses differently therefore has another id.
#[derive(Clone, Debug)]
pub struct Deflate {
    level: Compression,
    id: String,
}

impl Deflate {
    /// Creates an encoder with a level from 1 (fast) to 9 (small). Other levels are clamped. The
    /// default is 6.
    pub fn new(level: u8) -> Self {
        let level = level.clamp(1, 9);
        let mut deflate = Self { level: Compression::new(level.into()), id: String::new() };
        deflate.id = format!("deflate-{level}:{}", fingerprint(&deflate));
        deflate
    }

    fn piece(&self, piece: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
        let mut state = Compress::new(self.level, false);
        out.clear();
        // The most that deflate can add: five bytes per block, and the flush.
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

/// An encoder for Zstandard (RFC 8878), with one frame per member. It is faster than deflate and
/// its output is smaller. Use it for readers that are known to support method 93 (APPNOTE 4.4.5).
#[cfg(feature = "zstd")]
#[derive(Clone, Debug)]
pub struct Zstandard {
    level: i32,
    id: String,
}

#[cfg(feature = "zstd")]
impl Zstandard {
    /// Creates an encoder with a level from 1 (fast) to 19 (small). Other levels are clamped. The
    /// default is 3.
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

/// Reads the next piece. Returns false at the end of the content.
fn take_piece(content: &mut dyn Read, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    content.take(PIECE as u64).read_to_end(piece)?;
    Ok(!piece.is_empty())
}

/// Returns the first four bytes of the SHA-256 of the encoded sample, in hexadecimal.
fn fingerprint(encoder: &dyn Encoder) -> String {
    let mut encoded = Vec::new();
    if encoder.encode(&mut sample().as_slice(), &mut encoded).is_err() {
        return "failed".to_owned();
    }
    Sha256::digest(&encoded)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a sample of 192 KiB. It has matches of many lengths and distances, and some binary data.
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
