use std::{collections::BTreeSet, fmt};

use pinnace_archive::{ArchivePath, Content, ContentDigest, Mode, Writer, sha256};

use crate::{
    Error, Pex, PexDistribution, PexInfo, WheelForm,
    error::archive,
    read::{Tree, not_pex},
    runtime::hex,
    sources,
};

/// What is wrong with a PEX file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// A member, or what is around the members.
    Archive {
        /// What the reader says.
        reason: String,
    },
    /// A distribution.
    Distribution {
        /// The name of its wheel.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There are bytes that are no part of what the file holds, such as a changed time.
    Bytes,
    /// The key is not that of what the file holds, so that a machine may run something else from
    /// its cache.
    Key {
        /// The key in `PEX-INFO`.
        recorded: String,
        /// That of what is there.
        found: String,
    },
}

impl Pex {
    /// Reads all of it, on several threads where that helps: every member, every distribution with
    /// its digest and its RECORD, and the key. Of files of the pex tool the keys are not checked:
    /// they do not cover all that is there.
    pub fn verify(&self, threads: usize) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(Err(error)) = self.tree().zip().map(|zip| zip.verify_on(threads)) {
            problems.push(Problem::Archive { reason: error.to_string() });
        }
        for one in self.distributions() {
            let found = one.problems().unwrap_or_else(|error| vec![error.to_string()]);
            let name = one.name().to_string();
            problems.extend(
                found
                    .into_iter()
                    .map(|reason| Problem::Distribution { name: name.clone(), reason }),
            );
        }
        match self.wrong_key() {
            Ok(Some(found)) => {
                let recorded = self.info().pex_hash.clone();
                problems.push(Problem::Key { recorded, found });
            }
            Ok(None) => {}
            Err(error) => problems.push(Problem::Archive { reason: error.to_string() }),
        }
        if problems.is_empty() && self.info().pinnace.is_some() && !self.is_exact() {
            problems.push(Problem::Bytes);
        }
        problems
    }

    /// Whether a file of ours has the bytes that what it holds is written as. A folder has no bytes of
    /// its own.
    fn is_exact(&self) -> bool {
        let Some(zip) = self.tree().zip() else { return true };
        let written = || {
            let mut writer = Writer::with_prefix(std::io::sink(), &zip.prefix(LONGEST_PREFIX)?)?;
            for entry in zip.sorted().filter(|entry| entry.is_file()) {
                let path = ArchivePath::parse(entry.name())?;
                writer.copy_verified(&path, entry.mode(), zip, entry, [0; 32])?;
            }
            writer.finish().map(|(_, summary)| summary.sha256)
        };
        let there = self.tree().whole().map(|span| Content::measure(span.clone().reader()));
        match (written(), there) {
            (Ok(written), Some(Ok(there))) => written == there.sha256(),
            _ => false,
        }
    }

    /// The key of what is there, if it is not the recorded one. In a folder, Python may have written
    /// bytecode beside the modules that it ran.
    fn wrong_key(&self) -> Result<Option<String>, Error> {
        if self.info().pinnace.is_none() {
            return Ok(None);
        }
        let found = self.key(|_| true)?;
        let is_folder = self.layout() != crate::PexLayout::Zipapp;
        let is_right = found == self.info().pex_hash
            || is_folder && self.key(|path| !path.ends_with(".pyc"))? == self.info().pex_hash;
        Ok((!is_right).then_some(found))
    }

    /// The key as a builder of ours computes it, of some of the files.
    fn key(&self, counts: impl Fn(&str) -> bool) -> Result<String, Error> {
        let without_key = PexInfo { pex_hash: String::new(), ..self.info().clone() }.encode()?;
        let mut digest = ContentDigest::new(b"");
        for (path, mode) in self.own_files().into_iter().filter(|(path, _)| counts(path)) {
            let content = match path {
                "PEX-INFO" => sha256(&without_key),
                _ => digest_of(self.tree(), path)?,
            };
            digest.file(&ArchivePath::parse(path).map_err(archive)?, mode, &content);
        }
        Ok(hex(&digest.finish()))
    }

    /// All that the key covers.
    fn own_files(&self) -> Vec<(&str, Mode)> {
        let link = (self.layout() != crate::PexLayout::Zipapp).then_some("pex");
        let mut files = self.tree().files();
        files.retain(|(path, _)| *path != "__main__.py" && Some(*path) != link);
        files
    }
}

impl PexDistribution {
    /// What is wrong with it.
    fn problems(&self) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        if let Some(expected) = self.unexpected_digest()? {
            problems.push(format!("its digest is {expected}, and not {}", self.recorded()));
        }
        let record = self.record()?;
        let files = self.tree().files();
        for (path, _) in &files {
            if record
                .sha256(path)
                .is_some_and(|told| Ok(told) != digest_of(self.tree(), path).map_err(drop))
            {
                problems.push(format!("`{path}` is not what its RECORD says"));
            }
        }
        // What a wheel lists and never had is its author's; what is installed had it once.
        if self.form() == WheelForm::Installed {
            let there: BTreeSet<&str> = files.into_iter().map(|(path, _)| path).collect();
            let lost = record.paths().filter(|path| {
                !there.contains(path) && !path.starts_with("../") && !path.ends_with(".pyc")
            });
            problems.extend(lost.map(|path| format!("`{path}` is in its RECORD only")));
        }
        Ok(problems)
    }

    /// The digest, if it is not the recorded one. One of 40 digits is of a kind that is no longer
    /// in use, and not looked at.
    fn unexpected_digest(&self) -> Result<Option<String>, Error> {
        let recorded = self.recorded();
        if recorded.len() != 64 {
            return Ok(None);
        }
        let found = match self.whole() {
            Some(bytes) => {
                let measured =
                    Content::measure(bytes).map_err(sources::at(self.name().as_str().as_ref()))?;
                vec![hex(&measured.sha256())]
            }
            None => vec![hex(&self.content_digest()?), hex(&self.fingerprint()?)],
        };
        Ok((!found.iter().any(|one| one == recorded)).then(|| found[0].clone()))
    }

    /// What a builder of ours calls an installed distribution by.
    fn content_digest(&self) -> Result<[u8; 32], Error> {
        let mut digest = ContentDigest::new(b"");
        for (path, mode) in self.tree().files().iter().filter(|(path, _)| *path != LAYOUT) {
            let path = ArchivePath::parse(path).map_err(archive)?;
            digest.file(&path, *mode, &digest_of(self.tree(), path.as_str())?);
        }
        Ok(digest.finish())
    }

    /// What the pex tool calls it by: all names, and then all contents.
    fn fingerprint(&self) -> Result<[u8; 32], Error> {
        let is_counted = |path: &str| {
            path != LAYOUT
                && !path.ends_with(".pyc")
                && !path.ends_with(".pyo")
                && !path.split('/').any(|part| part == "__pycache__")
        };
        let files = self.tree().files();
        let mut paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
        paths.retain(|path| is_counted(path));
        let mut all = paths.concat().into_bytes();
        for path in paths {
            all.extend(self.tree().read(path)?);
        }
        Ok(sha256(&all))
    }
}

/// No script before a zip is longer.
const LONGEST_PREFIX: u64 = 1 << 20;

/// What only the pex tool reads.
const LAYOUT: &str = ".layout.json";

/// The SHA-256 of a file, of any size.
fn digest_of(tree: &Tree, path: &str) -> Result<[u8; 32], Error> {
    let content = Content::measure(tree.span(path)?.reader());
    content.map(|content| content.sha256()).map_err(|error| not_pex(&format!("`{path}`: {error}")))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { reason } => f.write_str(reason),
            Self::Distribution { name, reason } => write!(f, "{name}: {reason}"),
            Self::Bytes => f.write_str("some bytes of it are no part of what it holds"),
            Self::Key { recorded, found } => {
                write!(f, "its key is {recorded}, and what it holds has the key {found}")
            }
        }
    }
}
