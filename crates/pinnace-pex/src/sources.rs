//! User code: the files of a folder that go into a PEX file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_archive::Mode;

use crate::{Error, ErrorKind};

/// A file to be added, with its path in the PEX file.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) mode: Mode,
    pub(crate) file: PathBuf,
}

/// The depth limit, since links may form loops. No source tree in practice is deeper.
const DEEPEST: usize = 100;

/// Returns all files below a folder. It follows links, and skips bytecode, since Python makes its
/// own.
pub(crate) fn collect(folder: &Path) -> Result<Vec<SourceFile>, Error> {
    let mut found = Vec::new();
    walk(folder, "", 0, &mut found)?;
    Ok(found)
}

/// Names at the top of a project that no other code imports. The list follows setuptools, without
/// the names that an application may well import.
const NO_MODULES: [&str; 16] = [
    "build",
    "ci",
    "conftest",
    "dist",
    "doc",
    "docs",
    "example",
    "examples",
    "htmlcov",
    "noxfile",
    "node_modules",
    "setup",
    "test",
    "tests",
    "toxfile",
    "venv",
];

/// Returns the packages and modules at the top of a folder.
pub(crate) fn collect_modules(folder: &Path) -> Result<Vec<SourceFile>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let file = entry.map_err(at(folder))?.path();
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else { continue };
        let module = name.strip_suffix(".py").unwrap_or(name);
        let named = |symbol: char| symbol.is_alphanumeric() || symbol == '_';
        if !module.chars().all(named) || NO_MODULES.contains(&module) {
            continue;
        }
        if file.is_dir() {
            let before = found.len();
            walk(&file, &format!("{name}/"), 1, &mut found)?;
            let is_environment = file.join("pyvenv.cfg").exists();
            let has_code = found[before..].iter().any(|source| source.path.ends_with(".py"));
            if is_environment || !has_code {
                found.truncate(before);
            }
        } else if module != name {
            found.push(SourceFile { path: name.to_owned(), mode: mode(&file)?, file });
        }
    }
    Ok(found)
}

pub(crate) fn mode(file: &Path) -> Result<Mode, Error> {
    let metadata = fs::metadata(file).map_err(at(file))?;
    Ok(if is_executable(&metadata) { Mode::Executable } else { Mode::File })
}

pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| ErrorKind::Source { path: path.to_owned(), source }.into()
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<SourceFile>,
) -> Result<(), Error> {
    let unfit = |path: String, reason: &str| ErrorKind::Unfit { path, reason: reason.to_owned() };
    if depth > DEEPEST {
        return Err(unfit(
            prefix.to_owned(),
            "its folders are nested too deeply, or a link leads back",
        )
        .into());
    }
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let file = entry.map_err(at(folder))?.path();
        let name = file.file_name().and_then(|name| name.to_str());
        let Some(name) = name else {
            return Err(unfit(file.display().to_string(), "its name is not UTF-8").into());
        };
        let path = format!("{prefix}{name}");
        let metadata = fs::metadata(&file).map_err(at(&file))?;
        if metadata.is_dir() {
            if name != "__pycache__" {
                walk(&file, &format!("{path}/"), depth + 1, found)?;
            }
        } else if !metadata.is_file() {
            return Err(unfit(path, "it is neither a file nor a folder").into());
        } else if !name.ends_with(".pyc") && !name.ends_with(".pyo") {
            let mode = if is_executable(&metadata) { Mode::Executable } else { Mode::File };
            found.push(SourceFile { path, mode, file });
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_metadata: &fs::Metadata) -> bool {
    false
}
