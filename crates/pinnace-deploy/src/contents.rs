//! The contents of a release, read from its store.

use std::{collections::BTreeMap, io::Write, path::Path};

use pinnace_build::{Cache, TreeFile};
use pinnace_store::{Digest, ErrorKind as StoreErrorKind, Manifest, Pack, Store, parallel};

use crate::{
    Error, ErrorKind, Release, Tree, WheelLayer, previous_environment::PreviousEnvironment,
};

/// A release in a store. Its packs are in memory; large contents are downloaded on request.
pub struct Contents<'a> {
    store: &'a Store,
    release: Release,
    packs: Vec<Pack>,
    /// The pack of each small content.
    packed: BTreeMap<Digest, usize>,
}

/// The number of concurrent downloads.
const AT_ONCE: usize = 8;

impl std::fmt::Debug for Contents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("release", &self.release).finish_non_exhaustive()
    }
}

impl<'a> Contents<'a> {
    /// Downloads the manifest and the packs of a release.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lost`] if an object is missing, [`ErrorKind::Manifest`] if the digest is not that of
    /// a release, or an error of the store.
    pub fn fetch(store: &'a Store, digest: &Digest) -> Result<Self, Error> {
        let lost = || ErrorKind::Lost { digest: *digest, by: "the caller".to_owned() };
        let stored = store.manifest(digest)?.ok_or_else(lost)?;
        let release = Release::parse(&stored.manifest)?;
        let names: Vec<Digest> = stored.packs.into_iter().collect();
        let packs = store.packs(&names, AT_ONCE)?;
        let mut packed = BTreeMap::new();
        for (at, pack) in packs.iter().enumerate() {
            packed.extend(pack.index().entries().iter().map(|entry| (entry.digest, at)));
        }
        Ok(Self { store, release, packs, packed })
    }

    /// Returns the release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Reads the dependencies. Returns an empty set if the release has no layer of wheels.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub fn dependencies(&self) -> Result<WheelLayer, Error> {
        match self.release.dependencies() {
            Some(layer) => WheelLayer::parse(&self.manifest(&layer.digest)?),
            None => Ok(WheelLayer::new(self.release.platform.clone(), Vec::new())),
        }
    }

    /// Lists the files of a source layer.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub fn files(&self, tree: &Digest) -> Result<Vec<TreeFile>, Error> {
        Tree::files(tree, &mut |digest| self.manifest(digest))
    }

    /// Reads a content into memory.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.copy(digest, &mut bytes)?;
        Ok(bytes)
    }

    /// Downloads missing wheels into the cache, and returns the number of bytes.
    ///
    /// # Errors
    ///
    /// See [`Self::fetch`].
    pub fn fetch_wheels(&self, cache: &Cache) -> Result<u64, Error> {
        let mut missing = Vec::new();
        for wheel in self.dependencies()?.wheels {
            if !cache.blobs().contains(&wheel.digest)? {
                missing.push(wheel.digest);
            }
        }
        let fetched = parallel::each(&missing, AT_ONCE, |digest| self.fetch_wheel(digest, cache));
        fetched.into_iter().sum()
    }

    /// Writes files into an existing folder, as private copies that the process may modify. Reuses the bytecode
    /// of a previous environment for modules that are unchanged.
    pub(crate) fn write_files(
        &self,
        files: &[TreeFile],
        folder: &Path,
        previous: Option<&PreviousEnvironment>,
    ) -> Result<(), Error> {
        let mut last = None;
        for file in files {
            let path = folder.join(&file.path);
            let parent = path.parent().map(Path::to_owned);
            if parent != last {
                let parent = parent.as_deref().unwrap_or(folder);
                std::fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
            }
            last = parent;
            let mut out = file.mode.create(&path).map_err(Error::at("create", &path))?;
            self.copy(&file.digest, &mut out)?;
            if let Some(previous) = previous {
                previous.copy_bytecode(&file.path, &file.digest, &path, &out);
            }
        }
        Ok(())
    }

    fn fetch_wheel(&self, digest: &Digest, cache: &Cache) -> Result<u64, Error> {
        let mut writer = cache.blobs().writer()?;
        let lost = || ErrorKind::Lost { digest: *digest, by: "the release".to_owned() };
        let size = self.store.copy_to(digest, &mut writer)?.ok_or_else(lost)?;
        writer.commit_as(digest)?;
        Ok(size)
    }

    fn copy(&self, digest: &Digest, out: &mut dyn Write) -> Result<(), Error> {
        if let Some(bytes) = self.small(digest)? {
            let path = Path::new("a file of the release");
            return out.write_all(&bytes).map_err(Error::at("write", path));
        }
        let lost = || ErrorKind::Lost { digest: *digest, by: "the release".to_owned() };
        self.store.copy_to(digest, out)?.ok_or_else(lost)?;
        Ok(())
    }

    fn small(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let Some(at) = self.packed.get(digest) else { return Ok(None) };
        let damaged = |error: pinnace_store::PackError| StoreErrorKind::Malformed {
            key: "a pack".to_owned(),
            reason: error.to_string(),
        };
        Ok(self.packs[*at]
            .read(digest)
            .map_err(|error| pinnace_store::Error::from(damaged(error)))?)
    }

    fn manifest(&self, digest: &Digest) -> Result<Manifest, Error> {
        let kind = "manifest";
        if let Some(bytes) = self.small(digest)? {
            let refuse = |reason: String| ErrorKind::Manifest { digest: *digest, kind, reason };
            return Ok(Manifest::parse(bytes).map_err(|error| refuse(error.to_string()))?);
        }
        let lost = || ErrorKind::Lost { digest: *digest, by: "the release".to_owned() };
        Ok(self.store.manifest(digest)?.ok_or_else(lost)?.manifest)
    }
}
