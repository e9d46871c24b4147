//! The record of a deployment: who made it, when, and from which commit.

use std::{fs, path::Path};

use pinnace_build::Env;
use pinnace_store::Deployment;

/// Creates a record with the user and the time of an [`Env`], and the commit that a folder is at. A program that runs
/// for long takes a new `Env` for each deployment.
pub fn deployment_record(folder: &Path, reason: Option<&str>, env: &Env) -> Deployment {
    let mut record = Deployment::default();
    record.at = env.now;
    record.by = user(env);
    record.git = commit(folder);
    record.reason = reason.map(str::to_owned);
    record
}

/// Returns `user@host`, or the part of it that the environment reveals.
fn user(env: &Env) -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| env.variable(name));
    let host = env.host_name();
    match (user, host.as_str()) {
        (Some(user), "") => user.to_owned(),
        (Some(user), host) => format!("{user}@{host}"),
        (None, host) => host.to_owned(),
    }
}

/// Reads the commit of the repository around a folder from its files, without running git.
fn commit(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let git = if git.is_file() {
        // The `.git` file of a worktree names its folder.
        let text = fs::read_to_string(&git).ok()?;
        git.parent()?.join(text.trim().strip_prefix("gitdir: ")?)
    } else {
        git
    };
    let common = fs::read_to_string(git.join("commondir")).ok();
    let shared = common.map_or_else(|| git.clone(), |text| git.join(text.trim()));
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return Some(head.trim().to_owned()) };
    if let Ok(commit) = fs::read_to_string(shared.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = fs::read_to_string(shared.join("packed-refs")).ok()?;
    let line = packed.lines().find(|line| line.ends_with(&format!(" {name}")))?;
    line.split(' ').next().map(str::to_owned)
}
