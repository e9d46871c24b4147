//! A project of which only its backend tells what it requires: asked once, and again when something changes that the
//! backend looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

use pinnace_store::{Digest, Durability, PendingFolder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Builder, LocalBuilder, Order,
    hook::{Wanted, Watch},
    local::refuse,
};
use crate::{Error, Scan};

/// What a project says of itself, as its backend tells it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Described {
    /// The text of its METADATA.
    pub metadata: String,
    /// The text of its `entry_points.txt`; nothing if it has none.
    pub entry_points: String,
}

/// An answer, and what it was given for.
#[derive(Deserialize, Serialize)]
struct Remembered {
    described: Described,
    /// The files of the project that the backend read, by their paths in it.
    read: Vec<String>,
    /// The folders of the project that it listed.
    listed: Vec<String>,
    /// What all these were.
    fingerprint: String,
}

/// Remembers what backends said, by the project's folder and the builder.
const BUCKET: &str = "described-1";

impl LocalBuilder<'_> {
    /// What the project in a folder says of itself, of which `scan` tells what ships. Its backend sees a copy of
    /// that, and is not asked again while what it read and listed stays the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) if its backend does not tell.
    pub fn describe(&self, folder: &Path, scan: &Scan) -> Result<Described, Error> {
        let key = self.key(folder);
        let kept = self.machine.known(BUCKET, &key);
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Remembered>(&bytes).ok());
        let is_same =
            |one: &Remembered| one.fingerprint == fingerprint(scan, &one.read, &one.listed);
        if let Some(one) = kept.filter(is_same) {
            return Ok(one.described);
        }
        let place = self.machine.workplace()?.join(&key);
        let copy = PendingFolder::create(&place, Durability::Remade)?;
        let (source, out) =
            (copy.unfinished_path().join("source"), copy.unfinished_path().join("out"));
        for one in [&source, &out] {
            fs::create_dir(one).map_err(Error::at("create the folder", one))?;
        }
        copy_files(folder, scan, &source)?;
        let what = folder.display().to_string();
        let (described, read, listed) = self.ask_project(&source, &out, &what)?;
        let fingerprint = fingerprint(scan, &read, &listed);
        let remembered = Remembered { described: described.clone(), read, listed, fingerprint };
        if let Ok(bytes) = serde_json::to_vec(&remembered) {
            self.machine.learn(BUCKET, &key, &bytes);
        }
        Ok(described)
    }

    /// Asks the backend of a copy: what it says, what it read, and what it listed.
    fn ask_project(
        &self,
        source: &Path,
        out: &Path,
        what: &str,
    ) -> Result<(Described, Vec<String>, Vec<String>), Error> {
        let scratch = self.scratch(what)?;
        let order = Order { what, source, out, target: self.interpreter.target() };
        let answer = self.ask(&order, &scratch, Wanted::Metadata, Watch::Watched)?;
        let Some(name) = &answer.metadata else {
            let reason = "its backend tells what it requires only with the wheel itself";
            return Err(refuse(what, reason.to_owned()));
        };
        let read = |file: &str| crate::project::read(&out.join(name).join(file));
        let described = Described {
            metadata: read("METADATA")?.unwrap_or_default(),
            entry_points: read("entry_points.txt")?.unwrap_or_default(),
        };
        Ok((described, answer.read, answer.listed))
    }

    fn key(&self, folder: &Path) -> String {
        let text = format!("{}\n{}\n{}", folder.display(), self.name(), self.interpreter.target());
        Digest::new(Sha256::digest(text).into()).to_hex()
    }
}

/// Copies what ships of a project into an empty folder.
fn copy_files(folder: &Path, scan: &Scan, to: &Path) -> Result<(), Error> {
    for file in &scan.files {
        let (from, path) = (folder.join(&file.path), to.join(&file.path));
        let parent = path.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        fs::copy(&from, &path).map_err(Error::at("copy", &from))?;
    }
    Ok(())
}

/// What files and listings of a project come to.
fn fingerprint(scan: &Scan, read: &[String], listed: &[String]) -> String {
    let digests: BTreeMap<&str, Digest> =
        scan.files.iter().map(|file| (file.path.as_str(), file.digest)).collect();
    let mut text = String::new();
    for path in read {
        let digest = digests.get(path.as_str()).map(Digest::to_hex).unwrap_or_default();
        let _ = writeln!(text, "read {path:?} {digest}");
    }
    for (folder, names) in children(scan, listed) {
        let _ = writeln!(text, "listed {folder:?} {names:?}");
    }
    Digest::new(Sha256::digest(text).into()).to_hex()
}

/// What is in each of these folders of a project.
fn children<'s>(scan: &'s Scan, listed: &'s [String]) -> BTreeMap<&'s str, BTreeSet<&'s str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> =
        listed.iter().map(|folder| (folder.as_str(), BTreeSet::new())).collect();
    for file in &scan.files {
        let ends = file.path.match_indices('/').map(|(at, _)| at).chain([file.path.len()]);
        let mut folder = "";
        for end in ends {
            let name = file.path[folder.len()..end].trim_start_matches('/');
            if let Some(names) = found.get_mut(folder) {
                names.insert(name);
            }
            folder = &file.path[..end];
        }
    }
    found
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
    fn only_what_was_looked_at_counts() {
        let (read, listed) = (["setup.py".to_owned()], [String::new(), "shop".to_owned()]);
        let of = |files: &[(&str, u8)]| fingerprint(&scan(files), &read, &listed);
        let files = [("setup.py", 1), ("shop/__init__.py", 2), ("shop/deep/x.py", 3)];
        let known = of(&files);
        assert_eq!(
            known,
            of(&[files[0], ("shop/__init__.py", 9), ("shop/deep/x.py", 9)]),
            "edited"
        );
        assert_eq!(known, of(&[files[0], files[1], files[2], ("shop/deep/y.py", 3)]), "not listed");
        assert_ne!(known, of(&[("setup.py", 9), files[1], files[2]]), "read, and edited");
        assert_ne!(known, of(&[files[0], files[1], files[2], ("shop/y.py", 3)]), "in a listing");
        assert_ne!(known, of(&[files[0], files[1], files[2], ("new/y.py", 3)]), "a new folder");
        assert_ne!(known, of(&files[..2]), "a folder gone");
    }
}
