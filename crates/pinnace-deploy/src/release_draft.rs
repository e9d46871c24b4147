//! A release before its publication: its manifest, and the locations of its contents.

use std::{collections::BTreeMap, fs, path::PathBuf};

use pinnace_build::TreeFile;
use pinnace_store::{Digest, Manifest};

use crate::{Error, ErrorKind, Release, SourceFolder, Tree, WheelLayer};

/// A release that is ready for upload.
#[derive(Debug)]
pub struct ReleaseDraft<'i> {
    pub(crate) sources: &'i [SourceFolder],
    pub(crate) dependencies: &'i WheelLayer,
    pub(crate) release: Release,
    pub(crate) manifest: Manifest,
    /// The trees of the sources, in their order.
    pub(crate) trees: Vec<Tree>,
    /// The boot code of exported files.
    pub(crate) runtime: Vec<u8>,
}

impl ReleaseDraft<'_> {
    /// Returns the digest, which is the identity of the release.
    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }

    /// Returns the release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Returns all contents that the release refers to.
    pub(crate) fn contents(&self) -> Result<DraftContents<'_>, Error> {
        let set = self.dependencies.manifest()?;
        let mut manifests = BTreeMap::from([(set.digest(), set)]);
        let mut files = BTreeMap::new();
        for (source, tree) in self.sources.iter().zip(&self.trees) {
            let place =
                |file: &TreeFile| (file.digest, (file.size, source.folder.join(&file.path)));
            files.extend(source.scan.files.iter().map(place));
            manifests.extend(tree.nodes().map(|(digest, node)| (*digest, node.clone())));
        }
        let wheels = self.dependencies.wheels.iter().map(|wheel| wheel.digest).collect();
        let bytes = BTreeMap::from([(Digest::of(&self.runtime), self.runtime.as_slice())]);
        Ok(DraftContents { manifest: &self.manifest, manifests, bytes, files, wheels })
    }
}

/// The contents that a release refers to, and their locations on this machine.
#[derive(Debug)]
pub(crate) struct DraftContents<'d> {
    pub(crate) manifest: &'d Manifest,
    /// Manifests, small and large.
    pub(crate) manifests: BTreeMap<Digest, Manifest>,
    /// Contents in memory.
    pub(crate) bytes: BTreeMap<Digest, &'d [u8]>,
    /// Files of the project, with their sizes.
    pub(crate) files: BTreeMap<Digest, (u64, PathBuf)>,
    /// Wheels, which are in the cache.
    pub(crate) wheels: Vec<Digest>,
}

impl DraftContents<'_> {
    /// Reads a content into memory. Fails with [`ErrorKind::Changed`] if the file changed since the scan.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.bytes.get(digest) {
            return Ok(bytes.to_vec());
        }
        let lost = || ErrorKind::Lost { digest: *digest, by: "the release".to_owned() };
        let (_, file) = self.files.get(digest).ok_or_else(lost)?;
        let bytes = fs::read(file).map_err(Error::at("read", file))?;
        if Digest::of(&bytes) != *digest {
            return Err(ErrorKind::Changed { path: file.display().to_string() }.into());
        }
        Ok(bytes)
    }
}
