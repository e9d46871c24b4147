//! Workspaces, discovered as in uv.

use std::{
    fs,
    path::{Path, PathBuf},
};

use globset::Glob;
use pinnace_wheel::{ProjectName, Pyproject};

use crate::{Error, ErrorKind, ProjectMetadata, project::read_project};

/// Opens a project, with the sources that it inherits from its workspace.
pub(super) fn open(path: &Path, projects: &ProjectMetadata<'_>) -> Result<Pyproject, Error> {
    let project = pyproject(path, projects)?;
    let Some(folder) = path.parent().and_then(|folder| folder.canonicalize().ok()) else {
        return Ok(project);
    };
    match root(&folder)? {
        Some((root, shared)) if root != folder && members(&root, &shared).contains(&folder) => {
            Ok(project.as_member_of(&shared))
        }
        _ => Ok(project),
    }
}

/// Returns the folder of a member of the workspace around a folder.
pub(super) fn member(name: &ProjectName, folder: &Path) -> Result<PathBuf, Error> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some((root, shared)) = root(&folder)? {
        for member in members(&root, &shared).into_iter().chain([root]) {
            let found = read_project(&member)?;
            if found.is_some_and(|project| project.name().ok().flatten().as_ref() == Some(name)) {
                return Ok(member);
            }
        }
    }
    Err(ErrorKind::NoMember { project: name.to_string() }.into())
}

fn pyproject(path: &Path, projects: &ProjectMetadata<'_>) -> Result<Pyproject, Error> {
    // A `pyproject.toml` stands for the project in its folder, which may have other files.
    if path.file_name().is_some_and(|name| name == "pyproject.toml") {
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if let Some(project) = projects.project(&folder)? {
            return Ok(project);
        }
    }
    let unreadable = |source| ErrorKind::UnreadableProject { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(Pyproject::parse(&text, &path.display().to_string())?)
}

/// Finds the nearest workspace root, at or above a folder.
fn root(folder: &Path) -> Result<Option<(PathBuf, Pyproject)>, Error> {
    for root in folder.ancestors() {
        if let Some(project) = read_project(root)?.filter(|project| project.workspace().is_some()) {
            return Ok(Some((root.to_owned(), project)));
        }
    }
    Ok(None)
}

fn members(root: &Path, project: &Pyproject) -> Vec<PathBuf> {
    let Some(workspace) = project.workspace() else { return Vec::new() };
    let folders = |patterns: &[String]| -> Vec<PathBuf> {
        patterns.iter().flat_map(|pattern| matching(root, pattern)).collect()
    };
    let excluded = folders(&workspace.exclude);
    let mut members = folders(&workspace.members);
    members.retain(|member| !excluded.contains(member));
    members
}

/// Returns the folders that match a pattern such as `packages/*`, sorted by name.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        folders = match part {
            "**" => folders.iter().flat_map(|folder| below(folder, 0)).collect(),
            _ if part.contains(['*', '?', '[']) => {
                let inner = folders.iter().flat_map(|folder| within(folder));
                inner
                    .filter(|path| path.file_name().is_some_and(|name| is_match(part, name)))
                    .collect()
            }
            _ => folders.iter().map(|folder| folder.join(part)).collect(),
        };
    }
    folders
}

/// The maximum depth of the search for members, since links may form a cycle.
const MAX_DEPTH: usize = 12;

/// Returns a folder and all folders below it.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    if depth < MAX_DEPTH {
        found.extend(within(folder).iter().flat_map(|folder| below(folder, depth + 1)));
    }
    found
}

/// Returns the folders in a folder, without hidden ones, sorted by name.
fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let shown = entries.filter(|entry| !hidden(&entry.file_name())).map(|entry| entry.path());
    let mut found: Vec<PathBuf> = shown.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Matches one part of a path. A malformed pattern matches nothing.
fn is_match(pattern: &str, name: &std::ffi::OsStr) -> bool {
    Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name) in
            [("lib?", "lib1"), ("*", "a"), ("[lm]ib*", "mib12"), ("l*b*", "lab"), ("[a-c]", "b")]
        {
            assert!(is_match(pattern, name.as_ref()), "{pattern} {name}");
        }
        for (pattern, name) in [("lib?", "lib"), ("[!a]x", "ax"), ("a*b", "ac"), ("[a", "a")] {
            assert!(!is_match(pattern, name.as_ref()), "{pattern} {name}");
        }
    }
}
