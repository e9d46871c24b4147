//! What the project in a folder requires, and where it says so.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_deploy::Settings;
use pinnace_wheel::{UvLock, locked_versions};

use super::Reading;
use crate::{Failure, arguments::InputArguments, backends::Backends};

/// The arguments that mean the project in a folder: what it says itself, and the `requirements.txt` beside it.
pub(crate) fn inputs_of(
    folder: &Path,
    settings: &Settings,
    backends: &Backends<'_>,
) -> Result<InputArguments, Failure> {
    let mut inputs = InputArguments {
        extra: settings.extra.clone(),
        group: settings.group.clone(),
        ..InputArguments::default()
    };
    if let Some(project) = backends.project(folder)? {
        inputs.package = project.name()?.map(|name| name.to_string());
        let says_something = project.metadata()?.is_some() || !inputs.group.is_empty();
        inputs.project = says_something.then(|| folder.to_owned());
    }
    let requirements = folder.join("requirements.txt");
    if requirements.is_file() {
        inputs.requirement_files.push(requirements);
    }
    Ok(inputs)
}

impl Reading<'_> {
    /// The versions that a lock of Poetry or PDM beside the project pins are taken where they will do.
    pub(super) fn preferences(&mut self, folder: &Path) -> Result<(), Failure> {
        for file in ["poetry.lock", "pdm.lock"].map(|name| folder.join(name)) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for (name, version) in locked_versions(&text, &file.display().to_string())? {
                self.change(|request| request.prefer(name, version));
            }
        }
        Ok(())
    }
}

/// The lock of a project: its own, or that of the workspace of which it is a member.
pub(crate) fn lock_of(folder: &Path, project: Option<&str>) -> Option<PathBuf> {
    let own = ["pylock.toml", "uv.lock"].map(|name| folder.join(name));
    if let Some(own) = own.into_iter().find(|file| file.is_file()) {
        return Some(own);
    }
    let above = folder.ancestors().skip(1).map(|one| one.join("uv.lock"));
    let file = above.into_iter().find(|file| file.is_file())?;
    let lock = UvLock::parse(&fs::read_to_string(&file).ok()?, file.parent()?).ok()?;
    lock.members().any(|member| Some(member) == project).then_some(file)
}
