//! The contents of a release, out of its store.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    path::Path,
};

use pinnace_store::{Digest, ErrorKind as StoreErrorKind, Manifest, Pack, Store, parallel};

use crate::{
    Error, ErrorKind, FileMode, Machine, Release, Tree, TreeFile, WheelSet, bytecode::Kin,
};

/// A release, with what is small of it in memory, and the rest where it is fetched from.
pub struct Contents<'a> {
    store: &'a Store,
    release: Release,
    packs: Vec<Pack>,
    /// Small contents, by the pack that they are in.
    packed: BTreeMap<Digest, usize>,
}

/// How many packs, and how many wheels are fetched at once.
const AT_ONCE: usize = 8;

impl std::fmt::Debug for Contents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("release", &self.release).finish_non_exhaustive()
    }
}

impl<'a> Contents<'a> {
    /// Fetches what is small of a release.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`] if something is not there; [`ErrorKind::Manifest`] if it is no release; or if the
    /// store fails.
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

    /// The release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Its dependencies; none if it has no layer of them.
    ///
    /// # Errors
    ///
    /// As [`Self::fetch`].
    pub fn dependencies(&self) -> Result<WheelSet, Error> {
        match self.release.dependencies() {
            Some(layer) => WheelSet::parse(&self.manifest(&layer.digest)?),
            None => Ok(WheelSet::new(self.release.platform.clone(), Vec::new())),
        }
    }

    /// The files of a layer of source.
    ///
    /// # Errors
    ///
    /// As [`Self::fetch`].
    pub fn files(&self, tree: &Digest) -> Result<Vec<TreeFile>, Error> {
        Tree::files(tree, &mut |digest| self.manifest(digest))
    }

    /// A content in memory.
    ///
    /// # Errors
    ///
    /// As [`Self::fetch`].
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.copy(digest, &mut bytes)?;
        Ok(bytes)
    }

    /// Makes sure that the machine has all wheels; the answer tells how many bytes came.
    ///
    /// # Errors
    ///
    /// As [`Self::fetch`].
    pub fn fetch_wheels(&self, machine: &Machine) -> Result<u64, Error> {
        let mut missing = Vec::new();
        for wheel in self.dependencies()?.wheels {
            if !machine.blobs().contains(&wheel.digest)? {
                missing.push(wheel.digest);
            }
        }
        let fetched = parallel::each(&missing, AT_ONCE, |digest| self.fetch_wheel(digest, machine));
        fetched.into_iter().sum()
    }

    /// Writes files into a folder that is there: private copies, which may be written to. What is the same in the
    /// folder of kin brings the bytecode along that was made of it there.
    pub(crate) fn write_files(
        &self,
        files: &[TreeFile],
        folder: &Path,
        kin: Option<&Kin>,
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
            let mut out = create(&path, file.mode).map_err(Error::at("create", &path))?;
            self.copy(&file.digest, &mut out)?;
            if let Some(kin) = kin {
                kin.give(&file.path, &file.digest, &path, &out);
            }
        }
        Ok(())
    }

    fn fetch_wheel(&self, digest: &Digest, machine: &Machine) -> Result<u64, Error> {
        let mut writer = machine.blobs().writer()?;
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

pub(crate) fn create(path: &Path, mode: FileMode) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        if mode == FileMode::Executable { 0o777 } else { 0o666 },
    );
    options.open(path)
}
