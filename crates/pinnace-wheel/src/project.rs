use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock},
};

use crate::{Address, Artifact, Error, Version, version_key::VersionKey};

/// A project on an index: its releases, newest first.
#[derive(Debug)]
pub struct Project {
    releases: Vec<Release>,
}

/// A release: one version and its files.
#[derive(Debug)]
pub struct Release {
    version: Version,
    key: VersionKey,
    files: Files,
}

/// The files of a release. A cached page is parsed on demand, because a solver looks at a few
/// releases of thousands.
#[derive(Debug)]
enum Files {
    Ready(Vec<File>),
    Lazy { page: Arc<dyn ReleaseFiles>, offset: u64, length: u64, parsed: OnceLock<Vec<File>> },
}

/// A page that parses the files of one release on demand.
pub(crate) trait ReleaseFiles: fmt::Debug + Send + Sync {
    /// Reads the files of the release at this position of the page.
    fn files(&self, offset: u64, length: u64) -> Result<Vec<File>, Error>;
}

/// A file of a release.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// The distribution that it is.
    pub artifact: Artifact,
    /// The address to download it from.
    pub address: Address,
    /// Its SHA-256, if the index gives it.
    pub sha256: Option<[u8; 32]>,
    /// Its size in bytes, if the index gives it.
    pub size: Option<u64>,
    /// Its `Requires-Python`, if it has one.
    pub requires_python: Option<String>,
    /// The time of its upload (PEP 700), in seconds since 1970, if the index gives it.
    pub uploaded_at: Option<u64>,
    /// The reason why it was yanked (PEP 592), if it was; the reason may be empty.
    pub yanked: Option<String>,
    /// The metadata file beside it, if the index announces one (PEP 658, PEP 714).
    pub metadata_file: MetadataFile,
}

/// The announcement of a metadata file beside a wheel on an index.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetadataFile {
    /// The index announces none.
    #[default]
    Unknown,
    /// The index announces one.
    Present,
    /// The index announces one with this SHA-256.
    Hashed([u8; 32]),
}

impl File {
    /// Creates a file of which only the name and the address are known.
    pub fn new(artifact: Artifact, address: Address) -> Self {
        Self {
            artifact,
            address,
            sha256: None,
            size: None,
            requires_python: None,
            uploaded_at: None,
            yanked: None,
            metadata_file: MetadataFile::Unknown,
        }
    }
}

impl Project {
    /// Groups files by version. Two spellings of one version give one release.
    pub fn new(files: impl IntoIterator<Item = File>) -> Self {
        let mut by_version: BTreeMap<Version, Vec<File>> = BTreeMap::new();
        for file in files {
            by_version.entry(file.artifact.version().clone()).or_default().push(file);
        }
        let newest_first = by_version.into_iter().rev();
        let release = |(version, files)| Release::new(version, Files::Ready(files));
        Self { releases: newest_first.map(release).collect() }
    }

    /// Returns the releases, newest first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Creates a project whose files are read from `page` on demand. Each release is a version with
    /// its offset and length in the page.
    pub(crate) fn lazy(
        page: &Arc<dyn ReleaseFiles>,
        releases: impl IntoIterator<Item = (Version, u64, u64)>,
    ) -> Self {
        let release = |(version, offset, length)| {
            Release::new(
                version,
                Files::Lazy { page: Arc::clone(page), offset, length, parsed: OnceLock::new() },
            )
        };
        Self { releases: releases.into_iter().map(release).collect() }
    }
}

impl Release {
    fn new(version: Version, files: Files) -> Self {
        Self { key: version.key(), version, files }
    }

    /// Returns the version's key in the order of all versions.
    pub(crate) fn key(&self) -> &VersionKey {
        &self.key
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the files, in the order of the index.
    ///
    /// # Errors
    ///
    /// Returns an error if the cached page cannot be read.
    pub fn files(&self) -> Result<&[File], Error> {
        match &self.files {
            Files::Ready(files) => Ok(files),
            Files::Lazy { page, offset, length, parsed } => match parsed.get() {
                Some(files) => Ok(files),
                None => {
                    let files = page.files(*offset, *length)?;
                    Ok(parsed.get_or_init(|| files))
                }
            },
        }
    }
}
