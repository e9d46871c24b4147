//! A project of which only its backend tells what it requires: asked once, and again when something changes that the
//! backend looks at.

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use pinnace_store::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Builder, LocalBuilder, Order,
    hook::{Wanted, Watch},
    local::refuse,
};
use crate::{Error, Scan, contents::create, export::read_file};

/// What a project says of itself, as its backend tells it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Described {
    /// The text of its METADATA.
    pub metadata: String,
    /// The text of its `entry_points.txt`; nothing if it has none.
    pub entry_points: String,
    /// The modules at the top of it, where its backend tells (`top_level.txt` of setuptools).
    pub modules: Vec<String>,
    looked_at: LookedAt,
}

/// What of a project an answer depends on.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct LookedAt {
    /// The modules that the backend read, by their paths in the project.
    read: BTreeSet<String>,
    /// Whether it ran other programs, which may have read anything.
    runs_others: bool,
    /// What all that came to.
    fingerprint: String,
}

/// Whether a backend that has said something before is asked again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// If something changed that it may have looked at.
    IfChanged,
    /// Whatever it said before.
    Anew,
}

/// Remembers what backends said, by the project's folder and the builder.
const BUCKET: &str = "described-2";

impl LocalBuilder<'_> {
    /// What the project in a folder says of itself, of which `scan` tells what ships. Its backend sees a copy of
    /// that, and is not asked again while all that it may have looked at stays the same: every file but modules
    /// that it did not read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`](crate::ErrorKind::Build) if its backend does not tell;
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) if the project is not what was looked at any more.
    pub fn describe(&self, folder: &Path, scan: &Scan, ask: Ask) -> Result<Described, Error> {
        let key = self.key(folder);
        let kept = self.machine.known(BUCKET, &key).filter(|_| ask == Ask::IfChanged);
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Described>(&bytes).ok());
        if let Some(known) = kept.filter(|known| known.is_of(scan)) {
            return Ok(known);
        }
        let copy = self.machine.workplace(&key)?;
        let inside = copy.unfinished_path();
        let (source, out) = (inside.join("source"), inside.join("out"));
        for one in [&source, &out] {
            fs::create_dir(one).map_err(Error::at("create the folder", one))?;
        }
        copy_files(folder, scan, &source)?;
        let described = self.ask_project(&source, &out, &folder.display().to_string(), scan)?;
        if let Ok(bytes) = serde_json::to_vec(&described) {
            self.machine.learn(BUCKET, &key, &bytes);
        }
        Ok(described)
    }

    fn ask_project(
        &self,
        source: &Path,
        out: &Path,
        what: &str,
        scan: &Scan,
    ) -> Result<Described, Error> {
        let scratch = self.scratch(what)?;
        let order = Order { what, source, out, target: self.interpreter.target() };
        let answer = self.ask(&order, &scratch, Wanted::Metadata, Watch::Watched)?;
        let Some(name) = &answer.metadata else {
            let reason = "its backend tells what it requires only with the wheel itself";
            return Err(refuse(what, reason.to_owned()));
        };
        let read = |file: &str| -> Result<String, Error> {
            Ok(crate::project::read(&out.join(name).join(file))?.unwrap_or_default())
        };
        let fingerprint = fingerprint(scan, &answer.read, answer.runs_others);
        Ok(Described {
            metadata: read("METADATA")?,
            entry_points: read("entry_points.txt")?,
            modules: read("top_level.txt")?.split_whitespace().map(str::to_owned).collect(),
            looked_at: LookedAt { read: answer.read, runs_others: answer.runs_others, fingerprint },
        })
    }

    fn key(&self, folder: &Path) -> String {
        let text = format!("{}\n{}\n{}", folder.display(), self.name(), self.interpreter.target());
        Digest::new(Sha256::digest(text).into()).to_hex()
    }
}

impl Described {
    /// Whether all that the answer may depend on is as a look at the project has found it.
    pub fn is_of(&self, scan: &Scan) -> bool {
        let LookedAt { read, runs_others, fingerprint: known } = &self.looked_at;
        fingerprint(scan, read, *runs_others) == *known
    }
}

/// Copies what ships of a project into an empty folder.
fn copy_files(folder: &Path, scan: &Scan, to: &Path) -> Result<(), Error> {
    for file in &scan.files {
        let path = to.join(&file.path);
        let parent = path.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        let bytes = read_file(folder, file)?;
        let mut copy = create(&path, file.mode).map_err(Error::at("create", &path))?;
        copy.write_all(&bytes).map_err(Error::at("write", &path))?;
    }
    Ok(())
}

/// What a project comes to for a backend: which files there are, and what is in each but modules that it did not
/// read.
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
    fn all_counts_but_modules_that_nobody_read() {
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
