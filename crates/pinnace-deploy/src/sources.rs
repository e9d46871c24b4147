//! The source of a release: the project's own files, and those of other local projects.

use std::path::{Path, PathBuf};

use pinnace_build::{LeftOut, ProjectMetadata, Scan, import_roots};

use crate::{Error, SourceFolder};

/// The source of a release.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Sources {
    /// The folders, the project's own first.
    pub folders: Vec<SourceFolder>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

impl Sources {
    /// Collects the project's own folder with its scan, and scans the folders of other local projects.
    ///
    /// # Errors
    ///
    /// Returns an error if a folder cannot be scanned, or a project is malformed.
    pub fn collect(
        projects: &ProjectMetadata<'_>,
        own: (&Path, Scan),
        others: &[PathBuf],
    ) -> Result<Self, Error> {
        let (folder, scan) = own;
        let mut sources = Self::default();
        sources.add(projects, folder, scan)?;
        for other in others.iter().filter(|other| *other != folder) {
            sources.add(projects, other, projects.scan(other)?)?;
        }
        Ok(sources)
    }

    /// Returns true if no folder has a file that ships.
    pub fn is_empty(&self) -> bool {
        self.folders.iter().all(|source| source.scan.files.is_empty())
    }

    /// Returns the files and folders that do not ship.
    pub fn left_out(&self) -> impl Iterator<Item = &LeftOut> {
        self.folders.iter().flat_map(|source| &source.scan.left_out)
    }

    fn add(
        &mut self,
        projects: &ProjectMetadata<'_>,
        folder: &Path,
        scan: Scan,
    ) -> Result<(), Error> {
        let (distribution, modules) = projects.shipped(folder, &scan)?;
        let name = distribution.as_ref().map(|project| project.name.clone());
        let name = name.or_else(|| Some(folder.file_name()?.to_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "source".to_owned());
        self.notes.extend(unsupported(folder, &name));
        let roots = import_roots(&scan, &modules);
        if !roots.missing.is_empty() {
            let missing = roots.missing.join("`, `");
            self.notes.push(format!("`{name}` has modules that do not ship: `{missing}`"));
        }
        let has_src = distribution.is_some() && folder.join("src").is_dir();
        let mut source = SourceFolder::new(name, folder, scan);
        if !roots.folders.is_empty() {
            source.imports = roots.folders;
        } else if has_src {
            source.imports = vec!["src".to_owned()];
        }
        source.distribution = distribution;
        self.folders.push(source);
        Ok(())
    }
}

/// Returns a note on features of a `setup.py` that need a build, since deploying copies files.
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
