//! The metadata files of a project, read without running code.

use std::{fs, io, path::Path};

use pinnace_wheel::Pyproject;

use crate::Error;

/// Reads the project in a folder: its `pyproject.toml` (PEP 621, or Poetry's table), completed by its
/// `setup.cfg`. The `setup.cfg` is ignored if a `setup.py` adds requirements, which only a
/// [backend](MetadataSource) can tell. Returns `None` if the folder has none of these files.
///
/// # Errors
///
/// Returns an error if a file cannot be read, or is malformed.
pub fn read_project(folder: &Path) -> Result<Option<Pyproject>, Error> {
    let path = folder.join("pyproject.toml");
    let (own, setup) = (read_text(&path)?, read_text(&folder.join("setup.cfg"))?);
    let program = read_text(&folder.join("setup.py"))?;
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

/// The source of a project's metadata.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MetadataSource {
    /// The project's files.
    Files,
    /// The project's files, and its backend for the version.
    FilesAndBackend,
    /// The project's backend.
    Backend,
}

impl MetadataSource {
    /// Returns the source of metadata for the project in a folder.
    ///
    /// # Errors
    ///
    /// Returns an error if its files are malformed.
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

/// Reads a file; `None` if it is missing.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::at("read", path)(error)),
    }
}
