use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{Arc, OnceLock},
};

use crate::{
    Backend, Blob, Deployment, Digest, Error, ErrorKind, Key, Listed, Meta, PutMode, PutResult,
    content_key::{blob_key, digest_of},
    hashing::copy,
};

/// A content-addressed store in any [`Backend`]: contents by digest, manifests that list them, and
/// refs that point to manifests.
///
/// Any number of processes and machines use a store at once; nothing is locked.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) backend: Arc<dyn Backend>,
    /// Set once the backend is known to support conditional writes.
    pub(crate) conditions: Arc<OnceLock<()>>,
}

/// The result of publishing a deployment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Published {
    /// The deployment is now the newest.
    Done(Deployment),
    /// Another writer was first; its deployment is the newest.
    Lost(Option<Deployment>),
}

/// The format of stores.
const FORMAT: &str = "pinnace-store 1\n";

impl Store {
    /// Opens the store in a backend, and creates it if there is none. [`LocalStore`](crate::LocalStore) is the backend
    /// of a folder; [`UnopenedStore`](crate::UnopenedStore) opens a URL.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NewerFormat`] if a newer version made the store, or an error if the
    /// backend fails.
    pub fn open(backend: impl Backend + 'static) -> Result<Self, Error> {
        let store = Self::unopened(backend);
        store.make()?;
        Ok(store)
    }

    /// Opens a store without any I/O. Call [`Store::exists`] later, in parallel with the first
    /// requests.
    pub fn unopened(backend: impl Backend + 'static) -> Self {
        Self { backend: Arc::new(backend), conditions: Arc::default() }
    }

    /// Returns true if the backend holds a store of this format.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn exists(&self) -> Result<bool, Error> {
        self.has_format()
    }

    /// Creates the store if there is none.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn make(&self) -> Result<(), Error> {
        if !self.has_format()? {
            self.write(&format_key(), FORMAT.as_bytes(), PutMode::Overwrite)?;
        }
        Ok(())
    }

    /// Opens the store in a backend; returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn open_existing(backend: impl Backend + 'static) -> Result<Option<Self>, Error> {
        let store = Self::unopened(backend);
        Ok(store.has_format()?.then_some(store))
    }

    /// Returns the backend.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Stores all bytes of `source` as one blob.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if `source` cannot be read, or an error if the backend fails.
    pub fn put(&self, source: &mut dyn Read) -> Result<Digest, Error> {
        let mut upload = self.backend.write()?;
        let (digest, _) = copy(source, &mut *upload, unreadable)?;
        upload.finish(&blob_key(&digest), PutMode::Overwrite)?;
        Ok(digest)
    }

    /// Stores all bytes of `source` as one blob if they have the expected digest.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Mismatch`] if they have another digest; nothing is stored then.
    /// Otherwise returns the errors of [`Self::put`].
    pub fn put_as(&self, expected: &Digest, source: &mut dyn Read) -> Result<(), Error> {
        let mut upload = self.backend.write()?;
        let (actual, _) = copy(source, &mut *upload, unreadable)?;
        if actual != *expected {
            return Err(ErrorKind::Mismatch { expected: *expected, actual }.into());
        }
        upload.finish(&blob_key(expected), PutMode::Overwrite).map(drop)
    }

    /// Opens a blob after checking every byte of it; returns `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Damaged`] if its bytes do not match its digest, or an error if the
    /// backend fails.
    pub fn get(&self, digest: &Digest) -> Result<Option<Blob>, Error> {
        let key = blob_key(digest);
        self.reread_if_damaged(&key, || match self.backend.file(&key) {
            Some(path) => self.in_place(digest, &path),
            None => self.spooled(digest),
        })
    }

    /// Opens a blob that is a file on this machine.
    fn in_place(&self, digest: &Digest, path: &Path) -> Result<Option<Blob>, Error> {
        let key = blob_key(digest);
        if self.backend.head(&key)?.is_none() {
            return Ok(None);
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::at("open", path)(error)),
        };
        let (blob, actual) = Blob::hash(file).map_err(Error::at("read", path))?;
        self.check_digest(digest, &key, actual).map(|()| Some(blob))
    }

    fn spooled(&self, digest: &Digest) -> Result<Option<Blob>, Error> {
        let spool = tempfile::tempfile().map_err(ErrorKind::spool)?;
        match self.copy_to(digest, &mut &spool)? {
            Some(_) => {
                Blob::rewound(spool).map(Some).map_err(|error| ErrorKind::spool(error).into())
            }
            None => Ok(None),
        }
    }

    /// Reads an object, and reads it again if a cached copy of it was damaged.
    pub(crate) fn reread_if_damaged<T>(
        &self,
        key: &Key,
        read: impl Fn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match read() {
            Err(error) if matches!(error.kind(), ErrorKind::Damaged { .. }) => {
                if self.backend.forget(key)? { read() } else { Err(error) }
            }
            done => done,
        }
    }

    /// Copies a blob to `out`, and returns its size. The digest is checked at the end: on an error,
    /// discard the bytes that were written.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::get`].
    pub fn copy_to(&self, digest: &Digest, out: &mut dyn Write) -> Result<Option<u64>, Error> {
        let key = blob_key(digest);
        let Some(mut reading) = self.backend.read(&key, None)? else { return Ok(None) };
        let failed = |error| Error::object("read", &key, error);
        let (actual, size) = copy(&mut *reading.body, out, failed)?;
        self.check_digest(digest, &key, actual)?;
        Ok(Some(size))
    }

    /// Calls `work` with each content of a folder: `blobs`, `manifests` or `packs`.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn contents(&self, folder: &str, mut work: impl FnMut(Digest, Meta)) -> Result<(), Error> {
        self.each(folder, |listed| {
            if let Some((_, digest)) = digest_of(&listed.key) {
                work(digest, listed.meta);
            }
            Ok(())
        })
    }

    /// Returns the blobs whose digests begin with these digits, of which there must be two or more.
    /// If many blobs match, a few of them are returned.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn find(&self, digits: &str) -> Result<Vec<Digest>, Error> {
        self.find_in("blobs", digits)
    }

    /// Returns the manifests whose digests begin with these digits, as [`Self::find`] does for
    /// blobs.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn find_manifests(&self, digits: &str) -> Result<Vec<Digest>, Error> {
        self.find_in("manifests", digits)
    }

    fn find_in(&self, folder: &str, digits: &str) -> Result<Vec<Digest>, Error> {
        const MANY: usize = 10;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || digits.len() < 2 {
            return Ok(Vec::new());
        }
        let mut found = BTreeSet::new();
        self.contents(&format!("{folder}/{}", &digits[..2]), |digest, _| {
            if found.len() < MANY && digest.to_hex().starts_with(digits) {
                found.insert(digest);
            }
        })?;
        Ok(found.into_iter().collect())
    }

    /// Returns true if the backend holds a store of this format, `false` if it holds none.
    fn has_format(&self) -> Result<bool, Error> {
        let Some(found) = self.object(&format_key(), FORMAT.len() as u64 + 100)? else {
            return Ok(false);
        };
        if found == FORMAT.as_bytes() {
            return Ok(true);
        }
        let found = String::from_utf8_lossy(&found).chars().take(40).collect::<String>();
        let file = self.backend.file(&format_key());
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        let path = folder.unwrap_or_else(|| self.backend.location().into());
        Err(ErrorKind::NewerFormat { path, found: found.trim_end().to_owned() }.into())
    }

    /// Calls `work` with each object below a folder.
    pub(crate) fn each(
        &self,
        prefix: &str,
        mut work: impl FnMut(Listed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.pages(prefix, |page| page.into_iter().try_for_each(&mut work))
    }

    /// Calls `work` with pages of the objects below a folder.
    pub(crate) fn pages(
        &self,
        prefix: &str,
        mut work: impl FnMut(Vec<Listed>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // The local disk reads a folder from its beginning for each page.
        const PAGE: usize = 50_000;
        let mut after: Option<Key> = None;
        loop {
            let page = self.backend.list(prefix, after.as_ref(), PAGE)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|listed| listed.key.clone());
            work(page)?;
            if is_last {
                return Ok(());
            }
        }
    }

    pub(crate) fn write(&self, key: &Key, bytes: &[u8], mode: PutMode) -> Result<PutResult, Error> {
        let mut upload = self.backend.write()?;
        upload.write_all(bytes).map_err(|error| Error::object("write", key, error))?;
        upload.finish(key, mode)
    }

    /// Reads a small object; one that is larger than `limit` is malformed.
    pub(crate) fn object(&self, key: &Key, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(reading) = self.backend.read(key, None)? else { return Ok(None) };
        if reading.size > limit {
            return Err(Error::malformed(key, &"it is too large"));
        }
        read_all(reading.body, reading.size, key).map(Some)
    }

    /// Reads the first bytes of an object.
    pub(crate) fn part(&self, key: &Key, length: u64) -> Result<Option<Vec<u8>>, Error> {
        let Some(reading) = self.backend.read(key, Some(0..length))? else { return Ok(None) };
        read_all(reading.body, reading.size, key).map(Some)
    }

    pub(crate) fn check_digest(
        &self,
        digest: &Digest,
        key: &Key,
        actual: Digest,
    ) -> Result<(), Error> {
        if actual == *digest {
            Ok(())
        } else {
            Err(ErrorKind::Damaged { digest: *digest, at: key.to_string(), actual }.into())
        }
    }
}

fn read_all(body: Box<dyn Read + Send>, size: u64, key: &Key) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(size.min(1 << 26) as usize);
    let read = body.take(size.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Error::object("read", key, error))?;
    Ok(bytes)
}

/// Creates the error for a source that cannot be read.
fn unreadable(source: io::Error) -> Error {
    ErrorKind::Source { source }.into()
}

fn format_key() -> Key {
    Key::of("format".to_owned())
}
