//! What a project's files say of it, without running any of them.

use std::{fs, io, path::Path};

use pinnace_wheel::Pyproject;

use crate::Error;

/// What the project in a folder says: its `pyproject.toml` (PEP 621, or Poetry's table), else its `setup.cfg`, unless
/// its `setup.py` says more; that is [not read](SaidBy). `None` if it has none of these.
///
/// # Errors
///
/// If a file cannot be read, or is malformed.
pub fn read_project(folder: &Path) -> Result<Option<Pyproject>, Error> {
    let path = folder.join("pyproject.toml");
    let (own, setup) = (read(&path)?, read(&folder.join("setup.cfg"))?);
    let program = read(&folder.join("setup.py"))?;
    if own.is_none() && setup.is_none() && program.is_none() {
        return Ok(None);
    }
    let shown = if own.is_some() { path } else { folder.join("setup.cfg") };
    let project = Pyproject::parse(&own.unwrap_or_default(), &shown.display().to_string())?;
    let is_complete = program.is_none_or(|text| !text.contains("install_requires"));
    Ok(Some(match setup.filter(|_| is_complete) {
        Some(setup) => project.with_setup_cfg(&setup)?,
        None => project,
    }))
}

/// Who says what a project is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SaidBy {
    /// Its files.
    Files,
    /// Its files, but for its version, which only its backend tells.
    FilesAndBackend,
    /// Its backend.
    Backend,
}

impl SaidBy {
    /// Who says it of the project in a folder.
    ///
    /// # Errors
    ///
    /// If what its files say is malformed.
    pub fn of(folder: &Path, project: &Pyproject) -> Result<Self, Error> {
        let is_project = project.name()?.is_some() || folder.join("setup.py").is_file();
        Ok(match (is_project, project.metadata()?) {
            (false, _) => Self::Files,
            (true, None) => Self::Backend,
            (true, Some(_)) if project.has_version() => Self::Files,
            (true, Some(_)) => Self::FilesAndBackend,
        })
    }
}

pub(crate) fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::at("read", path)(error)),
    }
}
