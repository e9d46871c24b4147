use std::{collections::BTreeSet, fmt};

use pinnace_archive::{ArchivePath, Content, ContentDigest, Mode, Writer, sha256};

use crate::{
    Error, Pex, PexDistribution, PexInfo, WheelForm,
    error::archive,
    read::{Tree, not_pex},
    runtime::hex,
    sources,
};

/// A defect of a PEX file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// A defect of a member, or of the archive around the members.
    Archive {
        /// The message of the reader.
        reason: String,
    },
    /// A defect of a distribution.
    Distribution {
        /// The name of its wheel.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The file has bytes that its members do not account for, such as a changed timestamp.
    Bytes,
    /// The key does not match the contents, so a machine may run other contents from its cache.
    Key {
        /// The key in `PEX-INFO`.
        recorded: String,
        /// The key of the actual contents.
        found: String,
    },
}

impl Pex {
    /// Checks the whole file: every member, every distribution with its digest and RECORD, and the
    /// key. The members are read on up to `threads` threads. In files of the pex tool, the key is
    /// not checked, because it does not cover all contents.
    pub fn verify(&self, threads: usize) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(Err(error)) = self.tree().zip().map(|zip| zip.verify_on(threads)) {
            problems.push(Problem::Archive { reason: error.to_string() });
        }
        for distribution in self.distributions() {
            let found = distribution.problems().unwrap_or_else(|error| vec![error.to_string()]);
            let name = distribution.name().to_string();
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

    /// Checks whether the file has exactly the bytes that a writer produces for its contents. A
    /// folder has no such bytes.
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

    /// Returns the actual key if it differs from the recorded one. In a folder, Python may have
    /// written bytecode beside the modules that it ran, so the key without bytecode is accepted
    /// too.
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

    /// Returns the key that a builder computes for the selected files.
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

    /// Returns all files that the key covers.
    fn own_files(&self) -> Vec<(&str, Mode)> {
        let link = (self.layout() != crate::PexLayout::Zipapp).then_some("pex");
        let mut files = self.tree().files();
        files.retain(|(path, _)| *path != "__main__.py" && Some(*path) != link);
        files
    }
}

impl PexDistribution {
    /// Returns the defects of the distribution.
    fn problems(&self) -> Result<Vec<String>, Error> {
        let mut problems = Vec::new();
        if let Some(expected) = self.unexpected_digest()? {
            problems.push(format!("its digest is {expected} instead of {}", self.recorded()));
        }
        let record = self.record()?;
        let files = self.tree().files();
        for (path, _) in &files {
            if record
                .sha256(path)
                .is_some_and(|recorded| Ok(recorded) != digest_of(self.tree(), path).map_err(drop))
            {
                problems.push(format!("`{path}` does not match its RECORD"));
            }
        }
        // A wheel may list files that it never had, which is its author's mistake. An installed
        // distribution had all of its files once.
        if self.form() == WheelForm::Installed {
            let there: BTreeSet<&str> = files.into_iter().map(|(path, _)| path).collect();
            let lost = record.paths().filter(|path| {
                !there.contains(path) && !path.starts_with("../") && !path.ends_with(".pyc")
            });
            problems
                .extend(lost.map(|path| format!("`{path}` is missing, but its RECORD lists it")));
        }
        Ok(problems)
    }

    /// Returns the actual digest if it differs from the recorded one. A digest with 40 digits is of
    /// an obsolete kind and is not checked.
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
        Ok((!found.iter().any(|digest| digest == recorded)).then(|| found[0].clone()))
    }

    /// Returns the digest that a builder records for an installed distribution.
    fn content_digest(&self) -> Result<[u8; 32], Error> {
        let mut digest = ContentDigest::new(b"");
        for (path, mode) in self.tree().files().iter().filter(|(path, _)| *path != LAYOUT) {
            let path = ArchivePath::parse(path).map_err(archive)?;
            digest.file(&path, *mode, &digest_of(self.tree(), path.as_str())?);
        }
        Ok(digest.finish())
    }

    /// Returns the fingerprint of the pex tool: the hash of all names followed by all contents.
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

/// The size limit of the script before the zip, in bytes.
const LONGEST_PREFIX: u64 = 1 << 20;

/// The layout file, which only the pex tool reads.
const LAYOUT: &str = ".layout.json";

/// Returns the SHA-256 of a file of any size.
fn digest_of(tree: &Tree, path: &str) -> Result<[u8; 32], Error> {
    let content = Content::measure(tree.span(path)?.reader());
    content.map(|content| content.sha256()).map_err(|error| not_pex(&format!("`{path}`: {error}")))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive { reason } => f.write_str(reason),
            Self::Distribution { name, reason } => write!(f, "{name}: {reason}"),
            Self::Bytes => f.write_str("it contains bytes that belong to no member"),
            Self::Key { recorded, found } => {
                write!(f, "its key is {recorded}, but its contents have the key {found}")
            }
        }
    }
}
