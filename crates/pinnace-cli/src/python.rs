//! Finding the interpreter that the user means.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Failure, environment::Environment};

/// The interpreter of that name or path; without one, what `python3` or `python` is.
pub(crate) fn find(wanted: Option<&str>, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = wanted.map(|name| format!("python{name}"));
    let names: Vec<&str> = match (wanted, &named) {
        (Some(path), _) if path.contains('/') => return Ok(environment.folder.join(path)),
        // `3.12` means `python3.12`.
        (Some(version), Some(name)) if version.starts_with('3') => vec![name, version],
        (Some(name), _) => vec![name],
        (None, _) => vec!["python3", "python"],
    };
    names.iter().find_map(|name| on_path(name, environment)).ok_or_else(|| {
        let names = names.join(" or ");
        Failure::job(format!("there is no {names} on PATH")).hint("name one with `--python`")
    })
}

fn on_path(name: &str, environment: &Environment) -> Option<PathBuf> {
    let folders = environment.variable("PATH").unwrap_or_default().split(':');
    folders
        .filter(|folder| !folder.is_empty())
        .map(|folder| environment.folder.join(folder).join(name))
        .filter(|path| is_program(path))
        .find_map(|path| match is_shim(&path) {
            true => behind_shim(&path, name, environment),
            false => Some(path),
        })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// pyenv puts scripts in front of interpreters, which cost 50 ms a start and change what they
/// mean from folder to folder.
fn is_shim(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(".pyenv/shims"))
}

/// The interpreter that a pyenv shim would start here; the shim itself if that cannot be told;
/// `None` if it says `system`, which is what comes later on PATH.
fn behind_shim(shim: &Path, name: &str, environment: &Environment) -> Option<PathBuf> {
    let root = shim.parent()?.parent()?;
    let Some(versions) = pyenv_versions(root, environment) else { return Some(shim.to_owned()) };
    if versions == ["system"] {
        return None;
    }
    let program = |version: &String| root.join("versions").join(version).join("bin").join(name);
    let installed = installed(root, name.trim_start_matches("python"));
    let found = versions.iter().chain(&installed).map(program).find(|path| is_program(path));
    Some(found.unwrap_or_else(|| shim.to_owned()))
}

/// The versions that pyenv has of a minor version such as `3.12`, the newest first: whoever names one need not have
/// made it the one that counts here.
fn installed(root: &Path, minor: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join("versions")).into_iter().flatten().flatten();
    let patch = |name: &String| -> Option<u64> {
        name.strip_prefix(minor)?.strip_prefix('.')?.parse().ok()
    };
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> = names.filter(|name| patch(name).is_some()).collect();
    found.sort_by_key(patch);
    found.reverse();
    found
}

/// As pyenv reads it: the variable, the nearest `.python-version`, the global file.
fn pyenv_versions(root: &Path, environment: &Environment) -> Option<Vec<String>> {
    if let Some(versions) = environment.variable("PYENV_VERSION") {
        return Some(versions.split(':').map(str::to_owned).collect());
    }
    let local = environment.folder.ancestors().map(|folder| folder.join(".python-version"));
    let text =
        local.chain([root.join("version")]).find_map(|file| fs::read_to_string(file).ok())?;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    Some(lines.flat_map(str::split_whitespace).map(str::to_owned).collect())
}
