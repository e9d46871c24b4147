//! Tests of the store's guarantees: atomic, verified, healing, shared.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod backends;
mod cache;
mod faults;
mod local;
mod model;
mod publish;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod s3_faults;
mod store;
mod vectors;
mod whole;

use std::path::Path;

/// Returns the names of all files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files(&entry.path()));
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
    names.sort();
    names
}
