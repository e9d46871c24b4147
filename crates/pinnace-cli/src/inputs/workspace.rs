//! Workspaces, as uv finds them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_deploy::read_project;
use pinnace_wheel::{ProjectName, Pyproject};

use super::pyproject;
use crate::{Failure, backends::Backends};

/// A project, with what the workspace that it is in says for its members.
pub(super) fn open(path: &Path, backends: &Backends<'_>) -> Result<Pyproject, Failure> {
    let project = pyproject(path, backends)?;
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

/// The folder of a member of the workspace that a folder is in.
pub(super) fn member(name: &ProjectName, folder: &Path) -> Result<PathBuf, Failure> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some((root, shared)) = root(&folder)? {
        for member in members(&root, &shared).into_iter().chain([root]) {
            let found = read_project(&member)?;
            if found.is_some_and(|one| one.name().ok().flatten().as_ref() == Some(name)) {
                return Ok(member);
            }
        }
    }
    let message = format!("`{name}` is to come from the workspace, which has no such member");
    Err(Failure::job(message))
}

/// The nearest folder above that is the root of a workspace.
fn root(folder: &Path) -> Result<Option<(PathBuf, Pyproject)>, Failure> {
    for root in folder.ancestors() {
        if let Some(project) = read_project(root)?.filter(|one| one.workspace().is_some()) {
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

/// The folders that a pattern such as `packages/*` means, in the order of their names.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        folders = match part {
            "**" => folders.iter().flat_map(|folder| below(folder, 0)).collect(),
            _ if part.contains(['*', '?', '[']) => {
                let matches = |path: &PathBuf| {
                    let name = path.file_name().and_then(|name| name.to_str());
                    name.is_some_and(|name| is_match(part.as_bytes(), name.as_bytes()))
                };
                folders.iter().flat_map(|folder| within(folder)).filter(matches).collect()
            }
            _ => folders.iter().map(|folder| folder.join(part)).collect(),
        };
    }
    folders
}

/// No workspace is deeper than this; a link may lead back.
const DEEPEST: usize = 12;

/// A folder, and all that are in it, at whatever depth.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    if depth < DEEPEST {
        found.extend(within(folder).iter().flat_map(|folder| below(folder, depth + 1)));
    }
    found
}

/// The folders in a folder that are not hidden, in the order of their names.
fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let shown = entries.filter(|entry| !hidden(&entry.file_name())).map(|entry| entry.path());
    let mut found: Vec<PathBuf> = shown.filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// Whether a name matches a pattern with `*`, `?` and sets as in `[a-c]` and `[!a-c]`.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|at| is_match(rest, &name[at..])),
        ([b'?', rest @ ..], [_, after @ ..]) => is_match(rest, after),
        ([b'[', set @ ..], [symbol, after @ ..]) => {
            let Some(end) = set.iter().skip(1).position(|one| *one == b']') else { return false };
            let (set, rest) = (&set[..end + 1], &set[end + 2..]);
            is_in(set, *symbol) && is_match(rest, after)
        }
        ([one, rest @ ..], [symbol, after @ ..]) => one == symbol && is_match(rest, after),
        _ => false,
    }
}

fn is_in(set: &[u8], symbol: u8) -> bool {
    let (negated, mut set) = match set {
        [b'!', set @ ..] => (true, set),
        _ => (false, set),
    };
    let mut found = false;
    while let [first, rest @ ..] = set {
        (found, set) = match rest {
            [b'-', last, after @ ..] => (found || (*first..=*last).contains(&symbol), after),
            _ => (found || *first == symbol, rest),
        };
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let matches = |pattern: &str, name: &str| is_match(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in
            [("lib?", "lib1"), ("*", "a"), ("[lm]ib*", "mib12"), ("l*b*", "lab"), ("[a-c]", "b")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("lib?", "lib"), ("[!a]x", "ax"), ("a*b", "ac"), ("[a", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
