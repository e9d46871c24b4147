//! The content of requirements files, as data.

use std::path::PathBuf;

use crate::{Address, ExtraName, Formats, Marker, Requirement};

/// The combined content of requirements files.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The requirements.
    pub requirements: Vec<Named>,
    /// The constraints: they limit versions without requiring a project.
    pub constraints: Vec<Named>,
    /// Folders with local source code (`-e .`, `./library`).
    pub folders: Vec<LocalPath>,
    /// The indexes to ask.
    pub index: IndexChoice,
    /// `--only-binary`.
    pub only_binary: Formats,
    /// `--no-binary`.
    pub no_binary: Formats,
    /// `--pre`.
    pub prereleases: bool,
    /// `--require-hashes`, or a requirement with a hash, which has the same effect in pip.
    pub require_hashes: bool,
    /// Options that have no effect here, with their positions.
    pub ignored: Vec<String>,
}

/// A requirement, its position, and the hashes that it allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    /// The requirement.
    pub requirement: Requirement,
    /// The file and the line, as messages show them.
    pub origin: String,
    /// The SHA-256 digests of acceptable files. An empty list accepts any file.
    pub sha256: Vec<[u8; 32]>,
}

/// A folder with source code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalPath {
    /// The path of the folder.
    pub path: PathBuf,
    /// The requested extras.
    pub extras: Vec<ExtraName>,
    /// The condition under which the folder is required.
    pub marker: Option<Marker>,
    /// The file and the line, as messages show them.
    pub origin: String,
}

/// The indexes that requirements files choose. Later options override earlier ones.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IndexChoice {
    /// `--index-url`.
    pub index: Option<Address>,
    /// `--extra-index-url`.
    pub extra: Vec<Address>,
    /// `--find-links`.
    pub find_links: Vec<Address>,
    /// `--no-index`.
    pub no_index: bool,
}
