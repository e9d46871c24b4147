//! Copying objects from one store into another.

use crate::{Error, Key, PutMode, Store, content_key::digest_of, hashing::copy};

impl Store {
    /// Copies an object from `source` if it exists there and is good.
    pub(crate) fn copy_from(&self, source: &Self, key: &Key) -> Result<bool, Error> {
        let Some(mut reading) = source.backend.read(key, None)? else { return Ok(false) };
        let mut upload = self.backend.write()?;
        let failed = |error| Error::object("read", key, error);
        let (actual, _) = copy(&mut *reading.body, &mut *upload, failed)?;
        match digest_of(key) {
            // The name of a manifest is the digest of the bytes in its envelope.
            Some(("manifests", digest)) => drop(source.manifest(&digest)?),
            Some((_, digest)) => source.check_digest(&digest, key, actual)?,
            None => {}
        }
        upload.finish(key, PutMode::Overwrite).map(|_| true)
    }
}
