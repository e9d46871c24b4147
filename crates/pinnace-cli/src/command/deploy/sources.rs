//! What of a project ships.

use std::path::{Path, PathBuf};

use pinnace_deploy::{LeftOut, LocalDistribution, Scan, SourceFolder};

use super::Job;
use crate::{Failure, backends, modules::roots};

/// The source of a release: the project's own, and that of the projects which it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) folders: Vec<SourceFolder>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

impl Sources {
    /// Looks at the project's own folder and at others; `own` is what a look at the first has found already.
    pub(crate) fn with(job: &Job<'_>, own: Scan, folders: &[PathBuf]) -> Result<Self, Failure> {
        let mut sources = Self { folders: Vec::new(), notes: Vec::new() };
        sources.add(job, &job.folder, own)?;
        for folder in folders.iter().filter(|folder| **folder != job.folder) {
            sources.add(job, folder, scan(job, folder)?)?;
        }
        Ok(sources)
    }

    /// Whether nothing ships.
    pub(crate) fn are_empty(&self) -> bool {
        self.folders.iter().all(|one| one.scan.files.is_empty())
    }

    /// What does not ship.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.folders.iter().flat_map(|one| &one.scan.left_out)
    }

    fn add(&mut self, job: &Job<'_>, folder: &Path, scan: Scan) -> Result<(), Failure> {
        let described = job.backends.described(folder, &scan)?;
        let distribution = match &described {
            Some(described) => backends::named(described)?,
            None => LocalDistribution::of_project(folder)?,
        };
        let name = distribution.as_ref().map(|one| one.name.clone());
        let name = name.or_else(|| Some(folder.file_name()?.to_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "source".to_owned());
        self.notes.extend(unsupported(folder, &name));
        let modules = described.map(|described| described.modules).unwrap_or_default();
        let (roots, missing) = roots(&scan, &modules);
        if !missing.is_empty() {
            let missing = missing.join("`, `");
            self.notes.push(format!(
                "`{name}` has modules that are not among the files that ship: `{missing}`"
            ));
        }
        let has_src = distribution.is_some() && folder.join("src").is_dir();
        let mut source = SourceFolder::new(name, folder, scan);
        if !roots.is_empty() {
            source.imports = roots;
        } else if has_src {
            source.imports = vec!["src".to_owned()];
        }
        source.distribution = distribution;
        self.folders.push(source);
        Ok(())
    }
}

/// What of a folder ships.
pub(crate) fn scan(job: &Job<'_>, folder: &Path) -> Result<Scan, Failure> {
    backends::scan(folder, &job.backends.rules(folder)?, job.session)
}

/// What a `setup.py` asks for that copying files does not do.
fn unsupported(folder: &Path, name: &str) -> Option<String> {
    const NATIVE: [&str; 3] = ["ext_modules", "cffi_modules", "rust_extensions"];
    let program = std::fs::read_to_string(folder.join("setup.py")).ok()?;
    let is_native = NATIVE.iter().any(|word| program.contains(word));
    let at = program.match_indices("scripts").find(|(at, _)| {
        let before = program[..*at].chars().next_back().unwrap_or(' ');
        let after = program[at + "scripts".len()..].trim_start();
        !before.is_alphanumeric() && before != '_' && before != '"' && after.starts_with('=')
    });
    match (is_native, at) {
        (true, _) => Some(format!(
            "`{name}` has native code, and is copied, not built: `prepare` may build it in place, as in \
             `prepare = [\"python\", \"setup.py\", \"build_ext\", \"--inplace\"]`"
        )),
        (false, Some(_)) => Some(format!(
            "`{name}` has `scripts` in its `setup.py`, which are not put on PATH; `entry_points` are"
        )),
        (false, None) => None,
    }
}
