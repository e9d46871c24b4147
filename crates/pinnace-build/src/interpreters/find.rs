//! Lookup of interpreters by name, version or path.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_wheel::{Interpreter, MarkerVariable, Target};

use crate::{Cache, Env, Error, ErrorKind};

/// Finds and probes the interpreter with a name, version or path; by default, `python3` or `python`.
pub(crate) fn interpreter(
    wanted: Option<&str>,
    env: &Env,
    cache: &Cache,
) -> Result<Interpreter, Error> {
    Ok(Interpreter::probe(&find_python(wanted, env)?, cache)?)
}

/// Finds an interpreter with the implementation and minor version of a platform, at any patch level. Tries `python`
/// first.
pub(crate) fn interpreter_like(
    target: &Target,
    python: Option<&str>,
    env: &Env,
    cache: &Cache,
) -> Option<Interpreter> {
    let kind = |target: &Target| {
        target.markers().get(MarkerVariable::ImplementationName).map(str::to_owned)
    };
    let wanted = minor(target);
    let version = wanted.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let names = [python.map(str::to_owned), Some(version), None];
    names.iter().map(Option::as_deref).find_map(|name| {
        let found = interpreter(name, env, cache).ok()?;
        let is_like = minor(found.target()) == wanted && kind(found.target()) == kind(target);
        is_like.then_some(found)
    })
}

/// Returns the major and minor version.
fn minor(target: &Target) -> Vec<u64> {
    target.python().release().iter().take(2).copied().collect()
}

/// Returns the path of the interpreter with a name, version or path; by default, of `python3` or `python`.
///
/// # Errors
///
/// Returns [`ErrorKind::NoPython`] if no such program is on `PATH`.
pub fn find_python(wanted: Option<&str>, env: &Env) -> Result<PathBuf, Error> {
    let named = wanted.map(|name| format!("python{name}"));
    let names: Vec<&str> = match (wanted, &named) {
        (Some(path), _) if path.contains('/') => return Ok(env.folder.join(path)),
        // `3.12` means `python3.12`.
        (Some(version), Some(name)) if version.starts_with('3') => vec![name, version],
        (Some(name), _) => vec![name],
        (None, _) => vec!["python3", "python"],
    };
    let found = names.iter().find_map(|name| on_path(name, env));
    let names = || names.iter().map(|name| (*name).to_owned()).collect();
    Ok(found.ok_or_else(|| ErrorKind::NoPython { names: names() })?)
}

fn on_path(name: &str, env: &Env) -> Option<PathBuf> {
    let folders = env.variable("PATH").unwrap_or_default().split(':');
    folders
        .filter(|folder| !folder.is_empty())
        .map(|folder| env.folder.join(folder).join(name))
        .filter(|path| is_program(path))
        .find_map(|path| if is_shim(&path) { behind_shim(&path, name, env) } else { Some(path) })
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

/// Returns true for a pyenv shim. A shim costs 50 ms for each start, and starts another interpreter from folder to
/// folder.
fn is_shim(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with(".pyenv/shims"))
}

/// Returns the interpreter that a pyenv shim starts in the current folder. Returns the shim itself if pyenv's
/// configuration cannot be read, and `None` for `system`, which comes later on `PATH`.
fn behind_shim(shim: &Path, name: &str, env: &Env) -> Option<PathBuf> {
    let root = shim.parent()?.parent()?;
    let Some(versions) = pyenv_versions(root, env) else { return Some(shim.to_owned()) };
    if versions == ["system"] {
        return None;
    }
    let program = |version: &String| root.join("versions").join(version).join("bin").join(name);
    let installed = installed(root, name.trim_start_matches("python"));
    let found = versions.iter().chain(&installed).map(program).find(|path| is_program(path));
    Some(found.unwrap_or_else(|| shim.to_owned()))
}

/// Returns pyenv's installed versions of a minor version such as `3.12`, the newest first, active or not.
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

/// Returns pyenv's active versions: of `PYENV_VERSION`, else of the nearest `.python-version`, else of the global
/// file.
fn pyenv_versions(root: &Path, env: &Env) -> Option<Vec<String>> {
    if let Some(versions) = env.variable("PYENV_VERSION") {
        return Some(versions.split(':').map(str::to_owned).collect());
    }
    let local = env.folder.ancestors().map(|folder| folder.join(".python-version"));
    let text =
        local.chain([root.join("version")]).find_map(|file| fs::read_to_string(file).ok())?;
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    Some(lines.flat_map(str::split_whitespace).map(str::to_owned).collect())
}
