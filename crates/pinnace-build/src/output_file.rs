//! Output files, created before any work, so that an unwritable folder fails early.

use std::path::{Path, PathBuf};

use pinnace_store::{Access, Durability, PendingFile};

use crate::{Env, Error, ErrorKind, OutputProblem};

/// Creates an output file, which appears under its name on commit.
///
/// # Errors
///
/// Returns [`ErrorKind::Output`] if the path cannot be that of a file, or an error if its folder is not writable.
pub fn create_output(path: &Path, access: Access, env: &Env) -> Result<PendingFile, Error> {
    Ok(PendingFile::create(&resolve_output(path, env)?, access, Durability::Durable)?)
}

/// Returns the path of an output file, after following symbolic links.
///
/// # Errors
///
/// Returns [`ErrorKind::Output`] if the path is a folder, a device or a pipe, or its folder does not exist.
pub fn resolve_output(named: &Path, env: &Env) -> Result<PathBuf, Error> {
    let path = env.folder.join(named);
    let refuse =
        |path: &Path, problem| Err(ErrorKind::Output { path: path.to_owned(), problem }.into());
    let ends_in_slash = named.as_os_str().as_encoded_bytes().ends_with(b"/");
    if path.is_dir() || ends_in_slash {
        return refuse(&path, OutputProblem::Folder);
    }
    // The commit would replace a device or a pipe by a file.
    if path.exists() && !path.is_file() {
        return refuse(&path, OutputProblem::NotOrdinary);
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    if !parent.is_dir() {
        return refuse(parent, OutputProblem::NoParent);
    }
    if path.is_symlink() {
        return Ok(path.canonicalize().unwrap_or(path));
    }
    Ok(match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    })
}
