use std::path::{Path, PathBuf};

use crate::files;

/// A temporary folder, which is removed when it is dropped.
#[derive(Debug)]
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Creates an empty folder.
    #[expect(clippy::new_without_default, reason = "a default that writes to disk would surprise")]
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Creates a folder with these files: paths and contents.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        files.iter().for_each(|(path, content)| folder.write(path, content));
        folder
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the path of something in the folder.
    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    /// Writes a file in the folder, and creates the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        files::write(&self.join(path), content);
    }

    /// Returns the names of what is directly in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = self.path().read_dir().unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
