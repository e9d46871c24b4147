//! What of a project ships.

use std::path::{Path, PathBuf};

use pinnace_deploy::{LeftOut, Rules, SourceFolder};

use super::Job;
use crate::{Failure, backends};

/// The source of a release: the project's own, and that of the projects which it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) folders: Vec<SourceFolder>,
}

impl Sources {
    /// The project's own source, which was looked at, with that of other folders.
    pub(crate) fn with(
        job: &Job<'_>,
        own: SourceFolder,
        folders: &[PathBuf],
    ) -> Result<Self, Failure> {
        let others = folders.iter().filter(|folder| **folder != job.folder);
        let others = others.map(|folder| scan(job, folder));
        let folders = std::iter::once(Ok(own)).chain(others).collect::<Result<_, _>>()?;
        Ok(Self { folders })
    }

    /// What does not ship, with the folder that it is in.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&SourceFolder, &LeftOut)> {
        self.folders.iter().flat_map(|one| one.scan.left_out.iter().map(move |out| (one, out)))
    }
}

/// What of a folder ships.
pub(crate) fn scan(job: &Job<'_>, folder: &Path) -> Result<SourceFolder, Failure> {
    let is_own = folder == job.folder;
    let rules = match is_own {
        true => Rules::new(&job.settings.include, &job.settings.exclude)?,
        false => Rules::new(&[], &[])?,
    };
    let scan = backends::scan(folder, &rules, job.session)?;
    let distribution = job.backends.distribution(folder)?;
    let name = distribution.as_ref().map(|one| one.name.clone());
    let name = name.or_else(|| Some(folder.file_name()?.to_str()?.to_owned()));
    let has_src = distribution.is_some() && folder.join("src").is_dir();
    let mut source = SourceFolder::new(name.unwrap_or_else(|| "source".to_owned()), folder, scan);
    if has_src {
        source.imports = vec!["src".to_owned()];
    }
    source.distribution = distribution;
    Ok(source)
}
