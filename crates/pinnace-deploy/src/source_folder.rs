use std::path::{Path, PathBuf};

use pinnace_build::{LocalDistribution, Scan};

/// A source folder of a release.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceFolder {
    /// The display name.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The files that ship.
    pub scan: Scan,
    /// The import roots; the empty path is the folder itself.
    pub imports: Vec<String>,
    /// The distribution that `importlib.metadata` finds, if the folder is a project.
    pub distribution: Option<LocalDistribution>,
}

impl SourceFolder {
    /// Creates a source folder that is its own import root.
    pub fn new(name: impl Into<String>, folder: &Path, scan: Scan) -> Self {
        let (name, folder) = (name.into(), folder.to_owned());
        Self { name, folder, scan, imports: vec![String::new()], distribution: None }
    }
}
