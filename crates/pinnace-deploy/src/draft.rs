//! A release on its way into a store: its manifest, and where its contents are now.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pinnace_store::{Digest, Manifest};
use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind, Release, Tree, TreeFile, WheelSet};

/// A release and all that it refers to, ready to be published.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) manifest: Manifest,
    /// Manifests that it refers to, small and large.
    pub(crate) manifests: BTreeMap<Digest, Manifest>,
    /// Contents in memory.
    pub(crate) bytes: BTreeMap<Digest, Vec<u8>>,
    /// Files of the project, with their sizes.
    pub(crate) files: BTreeMap<Digest, (u64, PathBuf)>,
    /// Wheels, which the machine has.
    pub(crate) wheels: Vec<Digest>,
}

impl Draft {
    /// A release of these sources: each a folder with the files of it that ship.
    ///
    /// # Errors
    ///
    /// If a manifest cannot be made.
    pub(crate) fn new<'s>(
        release: &Release,
        sources: impl IntoIterator<Item = (&'s Path, &'s [TreeFile], Tree)>,
        dependencies: &WheelSet,
        runtime: Vec<u8>,
    ) -> Result<Self, Error> {
        let set = dependencies.manifest()?;
        let mut manifests = BTreeMap::from([(set.digest(), set)]);
        let mut files = BTreeMap::new();
        for (folder, shipped, tree) in sources {
            let place = |file: &TreeFile| (file.digest, (file.size, folder.join(&file.path)));
            files.extend(shipped.iter().map(place));
            manifests.extend(tree.into_nodes());
        }
        let wheels = dependencies.wheels.iter().map(|wheel| wheel.digest).collect();
        let bytes = BTreeMap::from([(Digest::new(Sha256::digest(&runtime).into()), runtime)]);
        Ok(Self { manifest: release.manifest()?, manifests, bytes, files, wheels })
    }

    /// What the release is known by.
    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }

    /// The bytes of a small content, as they are now: they must be those that were looked at.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.bytes.get(digest) {
            return Ok(bytes.clone());
        }
        let (_, file) = self
            .files
            .get(digest)
            .ok_or(ErrorKind::Lost { digest: *digest, by: "the release".to_owned() })?;
        let bytes = fs::read(file).map_err(Error::at("read", file))?;
        match Digest::new(Sha256::digest(&bytes).into()) == *digest {
            true => Ok(bytes),
            false => Err(ErrorKind::Changed { path: file.display().to_string() }.into()),
        }
    }
}
