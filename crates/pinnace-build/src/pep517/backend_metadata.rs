//! Metadata from a project's build backend, cached until a file changes that the backend may have read.

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use pinnace_store::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    builder::{BuildRequest, Builder},
    hook::{Hook, Recording},
    local::{LocalBuilder, refuse},
};
use crate::{Error, Scan, project::read_text};

/// The metadata of a project from its build backend.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct BackendMetadata {
    /// The text of METADATA.
    pub metadata: String,
    /// The text of `entry_points.txt`; empty if there is none.
    pub entry_points: String,
    /// The top-level modules, if the backend lists them (`top_level.txt` of setuptools).
    pub modules: Vec<String>,
    looked_at: ReadFiles,
}

/// The files of a project that the metadata depends on.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct ReadFiles {
    /// The modules that the backend read, by their paths in the project.
    read: BTreeSet<String>,
    /// True if the backend ran other programs, which may have read any file.
    runs_others: bool,
    /// The fingerprint of these files.
    fingerprint: String,
}

/// A rule for querying a backend again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refresh {
    /// Query it after a change of a file that it may have read.
    IfChanged,
    /// Query it every time.
    Always,
}

/// The cache bucket of backend metadata, by the project's folder and the builder.
const BUCKET: &str = "described-2";

impl LocalBuilder<'_> {
    /// Queries the backend of the project in a folder for metadata. The backend sees a copy of the files of `scan`.
    /// The answer is cached until a file changes that the backend may have read: any file but a module that it
    /// did not open.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Build`](crate::ErrorKind::Build) if the backend fails, or
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) if a file changed since the scan.
    pub fn describe(
        &self,
        folder: &Path,
        scan: &Scan,
        refresh: Refresh,
    ) -> Result<BackendMetadata, Error> {
        let key = self.key(folder);
        let kept = self.cache.recall(BUCKET, &key).filter(|_| refresh == Refresh::IfChanged);
        let kept = kept.and_then(|bytes| serde_json::from_slice::<BackendMetadata>(&bytes).ok());
        if let Some(known) = kept.filter(|known| known.is_of(scan)) {
            return Ok(known);
        }
        let copy = self.cache.workplace(&key)?;
        let inside = copy.unfinished_path();
        let (source, out) = (inside.join("source"), inside.join("out"));
        for folder in [&source, &out] {
            fs::create_dir(folder).map_err(Error::at("create the folder", folder))?;
        }
        copy_files(folder, scan, &source)?;
        let described = self.ask_project(&source, &out, &folder.display().to_string(), scan)?;
        if let Ok(bytes) = serde_json::to_vec(&described) {
            self.cache.remember(BUCKET, &key, &bytes);
        }
        Ok(described)
    }

    fn ask_project(
        &self,
        source: &Path,
        out: &Path,
        what: &str,
        scan: &Scan,
    ) -> Result<BackendMetadata, Error> {
        let scratch = self.scratch(what)?;
        let request = BuildRequest { what, source, out, target: self.interpreter.target() };
        let answer = self.ask(&request, &scratch, Hook::Metadata, Recording::On)?;
        let Some(name) = &answer.metadata else {
            let reason = "its backend cannot tell its requirements without building the wheel";
            return Err(refuse(what, reason.to_owned()));
        };
        let read = |file: &str| -> Result<String, Error> {
            Ok(read_text(&out.join(name).join(file))?.unwrap_or_default())
        };
        let fingerprint = fingerprint(scan, &answer.read, answer.runs_others);
        Ok(BackendMetadata {
            metadata: read("METADATA")?,
            entry_points: read("entry_points.txt")?,
            modules: read("top_level.txt")?.split_whitespace().map(str::to_owned).collect(),
            looked_at: ReadFiles {
                read: answer.read,
                runs_others: answer.runs_others,
                fingerprint,
            },
        })
    }

    fn key(&self, folder: &Path) -> String {
        let text = format!("{}\n{}\n{}", folder.display(), self.name(), self.interpreter.target());
        Digest::of(text).to_hex()
    }
}

impl BackendMetadata {
    /// Returns true if the metadata is still valid for the files of a scan.
    pub fn is_of(&self, scan: &Scan) -> bool {
        let ReadFiles { read, runs_others, fingerprint: known } = &self.looked_at;
        fingerprint(scan, read, *runs_others) == *known
    }
}

/// Copies the files that ship into an empty folder.
fn copy_files(folder: &Path, scan: &Scan, to: &Path) -> Result<(), Error> {
    for file in &scan.files {
        let path = to.join(&file.path);
        let parent = path.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        let bytes = file.read(folder)?;
        let mut copy = file.mode.create(&path).map_err(Error::at("create", &path))?;
        copy.write_all(&bytes).map_err(Error::at("write", &path))?;
    }
    Ok(())
}

/// Returns the fingerprint of a project for a backend: all paths, and all contents except those of modules that the
/// backend did not read.
fn fingerprint(scan: &Scan, read: &BTreeSet<String>, runs_others: bool) -> String {
    let mut hash = Sha256::new();
    for file in &scan.files {
        let is_module = file.path.ends_with(".py");
        let counts = runs_others || !is_module || read.contains(&file.path);
        let digest = if counts { file.digest.to_hex() } else { String::new() };
        hash.update(format!("{:?} {:?} {digest}\n", file.path, file.mode));
    }
    Digest::new(hash.finalize().into()).to_hex()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileMode, TreeFile};

    fn scan(files: &[(&str, u8)]) -> Scan {
        let file = |(path, content): &(&str, u8)| TreeFile {
            path: (*path).to_owned(),
            mode: FileMode::File,
            digest: Digest::new([*content; 32]),
            size: 1,
        };
        Scan { files: files.iter().map(file).collect(), ..Scan::default() }
    }

    #[test]
    fn every_file_counts_but_modules_that_were_not_read() {
        let read = BTreeSet::from(["setup.py".to_owned()]);
        let of = |files: &[(&str, u8)]| fingerprint(&scan(files), &read, false);
        let files = [("setup.py", 1), ("shop/__init__.py", 2), ("shop/data.txt", 3)];
        let known = of(&files);
        assert_eq!(known, of(&[files[0], ("shop/__init__.py", 9), files[2]]), "edited");
        assert_ne!(known, of(&[("setup.py", 9), files[1], files[2]]), "read, and edited");
        assert_ne!(known, of(&[files[0], files[1], ("shop/data.txt", 9)]), "no module");
        assert_ne!(known, of(&[files[0], files[1], files[2], ("shop/y.py", 3)]), "a new file");
        assert_ne!(known, of(&files[..2]), "a file gone");
        let other = |content| fingerprint(&scan(&[("shop/__init__.py", content)]), &read, true);
        assert_ne!(other(1), other(2), "another program may have read it");
    }
}
