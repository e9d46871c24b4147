//! The requirements of the project in a folder, and its lock.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_wheel::{ProjectName, UvLock, Version, locked_versions};

use super::spec::InputSpec;
use crate::{Error, ProjectMetadata, Settings};

impl InputSpec {
    /// Returns the inputs for the project in a folder: the project itself, and its `requirements.txt`.
    ///
    /// # Errors
    ///
    /// Returns an error if a file of the project is malformed.
    pub fn of_project(
        folder: &Path,
        settings: &Settings,
        projects: &ProjectMetadata<'_>,
    ) -> Result<Self, Error> {
        let (extras, groups) = (settings.extra.clone(), settings.group.clone());
        let mut inputs = Self { extras, groups, ..Self::default() };
        if let Some(project) = projects.project(folder)? {
            inputs.package = project.name()?.map(|name| name.to_string());
            let says_something = project.metadata()?.is_some() || !inputs.groups.is_empty();
            inputs.project = says_something.then(|| folder.to_owned());
        }
        let requirements = folder.join("requirements.txt");
        if requirements.is_file() {
            inputs.requirement_files.push(requirements);
        }
        Ok(inputs)
    }

    /// Finds the lock of the project in a folder. Unsets the member's name unless the lock is a `uv.lock`, since no
    /// other lock has members.
    pub fn take_lock(&mut self, folder: &Path) -> Option<PathBuf> {
        let lock = lock_of_project(folder, self.package.as_deref());
        let is_workspace = lock.as_ref().is_some_and(|file| file.ends_with("uv.lock"));
        self.package = self.package.take().filter(|_| is_workspace);
        lock
    }
}

/// Returns the versions that a lock of Poetry or PDM in a folder pins. The resolver prefers them where they satisfy
/// the request.
pub(super) fn locked_preferences(folder: &Path) -> Result<Vec<(ProjectName, Version)>, Error> {
    let mut preferences = Vec::new();
    for file in ["poetry.lock", "pdm.lock"].map(|name| folder.join(name)) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        preferences.extend(locked_versions(&text, &file.display().to_string())?);
    }
    Ok(preferences)
}

/// Finds the lock of a project: its own `pylock.toml` or `uv.lock`, or the lock of the workspace that it is a
/// member of.
pub fn lock_of_project(folder: &Path, project: Option<&str>) -> Option<PathBuf> {
    let own = ["pylock.toml", "uv.lock"].map(|name| folder.join(name));
    if let Some(own) = own.into_iter().find(|file| file.is_file()) {
        return Some(own);
    }
    let above = folder.ancestors().skip(1).map(|folder| folder.join("uv.lock"));
    let file = above.into_iter().find(|file| file.is_file())?;
    let lock = UvLock::parse(&fs::read_to_string(&file).ok()?, file.parent()?).ok()?;
    lock.members().any(|member| Some(member) == project).then_some(file)
}
