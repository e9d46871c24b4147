//! Releases, from a project's folder to a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod release;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(path, content)| write(&folder.path().join(path), content));
    folder
}

#[expect(clippy::disallowed_methods, reason = "tests make what is found")]
pub(crate) fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap_or(&PathBuf::new())).unwrap();
    fs::write(path, content).unwrap();
}
