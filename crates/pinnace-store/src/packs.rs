//! Packs in a store: small contents, many at once.

use std::collections::BTreeSet;

use crate::{
    Digest, Error, ErrorKind, Pack, PackBuilder, PutMode, Store,
    content_key::pack_key,
    pack::{LARGEST_PACK, PackIndex},
    parallel,
};

impl Store {
    /// Stores small contents in packs, and returns the digests of the packs.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn put_packs(&self, contents: PackBuilder) -> Result<BTreeSet<Digest>, Error> {
        contents.finish().iter().map(|bytes| self.put_pack(bytes)).collect()
    }

    /// Stores a pack, and returns its digest.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn put_pack(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(bytes);
        self.write(&pack_key(&digest), bytes, PutMode::Overwrite)?;
        Ok(digest)
    }

    /// Reads and verifies a pack; returns `None` if the store does not have it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Damaged`] or [`ErrorKind::Malformed`] if the pack is bad, or an error
    /// if the backend fails.
    pub fn pack(&self, digest: &Digest) -> Result<Option<Pack>, Error> {
        let key = pack_key(digest);
        let read = || {
            let Some(bytes) = self.object(&key, LARGEST_PACK)? else { return Ok(None) };
            self.check_digest(digest, &key, Digest::of(&bytes))?;
            Pack::parse(bytes).map(Some).map_err(|error| Error::malformed(&key, &error))
        };
        self.reread_if_damaged(&key, read)
    }

    /// Reads and verifies several packs, in the order of `digests`. Up to `at_once` are downloaded
    /// in parallel, since most of the time is spent waiting.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::pack`], and [`ErrorKind::Lost`] if a pack is missing.
    pub fn packs(&self, digests: &[Digest], at_once: usize) -> Result<Vec<Pack>, Error> {
        let fetch = |digest: &Digest| {
            let by = || "the release".to_owned();
            self.pack(digest)?.ok_or_else(|| ErrorKind::Lost { digest: *digest, by: by() }.into())
        };
        parallel::each(digests, at_once, fetch).into_iter().collect()
    }

    /// Reads the index of a pack without its contents. It is not checked against the pack's digest.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the index is bad, or an error if the backend fails.
    pub fn pack_index(&self, digest: &Digest) -> Result<Option<PackIndex>, Error> {
        const FIRST: u64 = 4096;
        let key = pack_key(digest);
        let malformed = |error| Error::malformed(&key, &error);
        let Some(mut head) = self.part(&key, FIRST)? else { return Ok(None) };
        let length = PackIndex::length(&head).map_err(malformed)?;
        if length > FIRST {
            head = self.part(&key, length)?.unwrap_or_default();
        }
        PackIndex::parse(&head).map(Some).map_err(|error| Error::malformed(&key, &error))
    }
}
