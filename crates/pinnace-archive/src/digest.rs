use sha2::{Digest, Sha256};

use crate::{ArchivePath, Mode};

/// The identity of an archive's contents, independent of its bytes: the *content digest*.
///
/// It is the SHA-256 over `pinnace-content 1\n`, the prefix, and each entry in archive order:
///
/// ```text
/// u64le(len(prefix)) prefix
/// u64le(len(name)) name 'd'                    a directory; the name ends in `/`
/// u64le(len(name)) name 'f' sha256(content)    a file
/// u64le(len(name)) name 'x' sha256(content)    an executable
/// ```
///
/// Every field is length-prefixed or of fixed length, so no two contents share an encoding.
///
/// ```
/// use pinnace_archive::{ArchivePath, ContentDigest, Mode, Writer};
///
/// let path = ArchivePath::parse("a")?;
/// let mut writer = Writer::new(Vec::new());
/// writer.bytes(&path, Mode::File, b"")?;
/// let (_, summary) = writer.finish()?;
///
/// let mut digest = ContentDigest::new(b"");
/// digest.file(&path, Mode::File, &pinnace_archive::sha256(b""));
/// assert_eq!(digest.finish(), summary.content_digest);
/// # Ok::<(), pinnace_archive::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ContentDigest(Sha256);

impl ContentDigest {
    /// Starts the digest of an archive that begins with `prefix` (usually empty).
    pub fn new(prefix: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"pinnace-content 1\n");
        sized(&mut hash, prefix);
        Self(hash)
    }

    /// Adds a directory. The caller must keep to archive order.
    pub fn directory(&mut self, path: &ArchivePath) {
        self.directory_name(&format!("{path}/"));
    }

    /// Adds a file by the SHA-256 of its content. The caller must keep to archive order.
    pub fn file(&mut self, path: &ArchivePath, mode: Mode, sha256: &[u8; 32]) {
        sized(&mut self.0, path.as_str().as_bytes());
        self.0.update(match mode {
            Mode::File => b"f",
            Mode::Executable => b"x",
        });
        self.0.update(sha256);
    }

    /// Returns the digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    pub(crate) fn directory_name(&mut self, name: &str) {
        sized(&mut self.0, name.as_bytes());
        self.0.update(b"d");
    }
}

/// Returns the SHA-256 of some bytes, as [`ContentDigest::file`] needs it.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn sized(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
