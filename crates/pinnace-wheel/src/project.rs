use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use crate::{Address, Artifact, Error, Version, index::KeptPage, version_key::VersionKey};

/// All that an index has of one project: releases, newest first.
#[derive(Debug)]
pub struct Project {
    releases: Vec<Release>,
}

/// One version and its files.
#[derive(Debug)]
pub struct Release {
    version: Version,
    point: VersionKey,
    files: Files,
}

/// Files are parsed when they are asked for: a solver looks at a few releases of thousands.
#[derive(Debug)]
enum Files {
    Ready(Vec<File>),
    Kept { page: Arc<KeptPage>, offset: u64, length: u64, parsed: OnceLock<Vec<File>> },
}

/// One file of a release.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// What it is.
    pub artifact: Artifact,
    /// Where it is.
    pub address: Address,
    /// Its SHA-256, if the index tells.
    pub sha256: Option<[u8; 32]>,
    /// Its size in bytes, if the index tells.
    pub size: Option<u64>,
    /// Its `Requires-Python`, if it has one.
    pub requires_python: Option<String>,
    /// When it was uploaded (PEP 700), in seconds since 1970, if the index tells.
    pub uploaded_at: Option<u64>,
    /// Why it was yanked (PEP 592), if it was; the reason may be empty.
    pub yanked: Option<String>,
    /// Whether the index says that there is a metadata file beside it (PEP 658, PEP 714).
    pub metadata_file: MetadataFile,
}

/// What an index says of the metadata file beside a wheel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MetadataFile {
    /// Nothing.
    #[default]
    Unknown,
    /// That there is one.
    Present,
    /// That there is one with this SHA-256.
    Hashed([u8; 32]),
}

impl File {
    /// A file of which nothing but name and address is known.
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
    /// Groups files by version. Two spellings of one version are one release.
    pub fn new(files: impl IntoIterator<Item = File>) -> Self {
        let mut by_version: BTreeMap<Version, Vec<File>> = BTreeMap::new();
        for file in files {
            by_version.entry(file.artifact.version().clone()).or_default().push(file);
        }
        let newest_first = by_version.into_iter().rev();
        let release = |(version, files)| Release::new(version, Files::Ready(files));
        Self { releases: newest_first.map(release).collect() }
    }

    /// The releases, newest first.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    pub(crate) fn kept(
        page: &Arc<KeptPage>,
        releases: impl IntoIterator<Item = (Version, u64, u64)>,
    ) -> Self {
        let release = |(version, offset, length)| {
            Release::new(
                version,
                Files::Kept { page: Arc::clone(page), offset, length, parsed: OnceLock::new() },
            )
        };
        Self { releases: releases.into_iter().map(release).collect() }
    }
}

impl Release {
    fn new(version: Version, files: Files) -> Self {
        Self { point: version.point(), version, files }
    }

    /// Where it stands among all versions.
    pub(crate) fn point(&self) -> &VersionKey {
        &self.point
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its files, in the order of the index.
    ///
    /// # Errors
    ///
    /// If the cached page cannot be read.
    pub fn files(&self) -> Result<&[File], Error> {
        match &self.files {
            Files::Ready(files) => Ok(files),
            Files::Kept { page, offset, length, parsed } => match parsed.get() {
                Some(files) => Ok(files),
                None => {
                    let files = page.files(*offset, *length)?;
                    Ok(parsed.get_or_init(|| files))
                }
            },
        }
    }
}
