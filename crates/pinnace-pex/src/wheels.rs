use std::{
    fmt,
    io::{self, Read, Seek},
    sync::Mutex,
};

use pinnace_archive::{Archive, Policy, ReadAt};

use crate::{Error, ErrorKind, error::archive};

/// A seekable source of bytes.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A source of wheels, by the SHA-256 of their bytes.
pub trait WheelFiles: Sync {
    /// Opens a wheel at its start. The implementation guarantees that its bytes have this digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the wheel is missing, damaged or unreadable.
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>>;
}

/// An empty source of wheels, for a PEX file of user code alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWheels;

impl WheelFiles for NoWheels {
    fn open(&self, _sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// A wheel that is opened as an archive.
pub(crate) type WheelArchive = Archive<Seeking>;

/// Opens a wheel as an archive.
pub(crate) fn open(
    files: &dyn WheelFiles,
    name: &str,
    sha256: &[u8; 32],
) -> Result<WheelArchive, Error> {
    let fault = |source| ErrorKind::Wheel { wheel: name.to_owned(), source };
    let file = files.open(sha256).map_err(fault)?;
    Archive::open(Seeking::new(file), Policy::wheel()).map_err(archive)
}

/// An adapter from seeking to reading at offsets. It serves one reader at a time.
pub(crate) struct Seeking(Mutex<Box<dyn ReadSeek>>);

impl fmt::Debug for Seeking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seeking")
    }
}

impl Seeking {
    pub(crate) fn new(file: Box<dyn ReadSeek>) -> Self {
        Self(Mutex::new(file))
    }

    fn with<T>(&self, work: impl FnOnce(&mut dyn ReadSeek) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.0.lock().map_err(|_| io::Error::other("a reader panicked"))?;
        work(&mut **file)
    }
}

impl ReadAt for Seeking {
    fn size(&self) -> io::Result<u64> {
        self.with(|file| file.seek(io::SeekFrom::End(0)))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|file| {
            file.seek(io::SeekFrom::Start(offset))?;
            file.read_exact(buffer)
        })
    }
}
