//! Output files: created before any work, so that a folder that cannot be written to is known at once.

use std::path::{Path, PathBuf};

use pinnace_store::{Access, Durability, PendingFile};

use crate::{Env, Error, ErrorKind, OutputProblem};

/// Creates an output file. It takes its name when it is committed.
///
/// # Errors
///
/// Returns [`ErrorKind::Output`] if the path cannot be that of a file, or an error if its folder cannot
/// be written to.
pub fn create_output(path: &Path, access: Access, env: &Env) -> Result<PendingFile, Error> {
    Ok(PendingFile::create(&resolve_output(path, env)?, access, Durability::Durable)?)
}

/// Returns the path of an output file. A symbolic link is followed: the file behind it is written.
///
/// # Errors
///
/// Returns [`ErrorKind::Output`] if the path is a folder, a device or a pipe, or in no folder.
pub fn resolve_output(named: &Path, env: &Env) -> Result<PathBuf, Error> {
    let path = env.folder.join(named);
    let refuse =
        |path: &Path, problem| Err(ErrorKind::Output { path: path.to_owned(), problem }.into());
    let ends_in_slash = named.as_os_str().as_encoded_bytes().ends_with(b"/");
    if path.is_dir() || ends_in_slash {
        return refuse(&path, OutputProblem::Folder);
    }
    // A device or a pipe would be replaced by a file.
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
