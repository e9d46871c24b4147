//! Members of a workspace, as uv finds them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use pinnace_wheel::ProjectName;

use super::pyproject;
use crate::Failure;

/// The folder of a member of the workspace that a folder is in.
pub(super) fn member(name: &ProjectName, folder: &Path) -> Result<PathBuf, Failure> {
    for root in folder.ancestors().filter(|root| root.join("pyproject.toml").is_file()) {
        let project = pyproject(&root.join("pyproject.toml"))?;
        let Some(patterns) = project.workspace_members() else { continue };
        let members = patterns.iter().flat_map(|pattern| matching(root, pattern));
        for member in members.chain([root.to_owned()]) {
            let file = member.join("pyproject.toml");
            if file.is_file() && pyproject(&file)?.name()?.as_ref() == Some(name) {
                return Ok(member);
            }
        }
    }
    let message = format!("`{name}` is to come from the workspace, which has no such member");
    Err(Failure::job(message))
}

/// The folders that a pattern such as `packages/*` means, in the order of their names.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut folders = vec![root.to_owned()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        folders = folders.iter().flat_map(|folder| matching_one(folder, part)).collect();
    }
    folders
}

fn matching_one(folder: &Path, part: &str) -> Vec<PathBuf> {
    let Some((before, after)) = part.split_once('*') else { return vec![folder.join(part)] };
    let matches = |name: &str| {
        name.len() >= before.len() + after.len()
            && name.starts_with(before)
            && name.ends_with(after)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(matches))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}
