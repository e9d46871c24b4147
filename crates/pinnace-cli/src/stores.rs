//! The store that the user means.

use std::path::PathBuf;

use pinnace_store::{Durability, LocalStore, S3Backend, Store};

use crate::{Failure, environment::Environment};

/// The store of `--store`, else of PINNACE_STORE.
pub(crate) fn named(url: Option<&str>, environment: &Environment) -> Result<Store, Failure> {
    let url = url.or_else(|| environment.variable("PINNACE_STORE").filter(|url| !url.is_empty()));
    let url = url.filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::usage("no store is named")
            .hint("name one with `--store`, as in `--store /srv/pinnace` or `--store s3://bucket/folder`, or set PINNACE_STORE")
    })?;
    open(url, environment)
}

/// Opens a store; one on disk is made if it is not there.
pub(crate) fn open(url: &str, environment: &Environment) -> Result<Store, Failure> {
    if url.starts_with("s3://") {
        let variables: Vec<(String, String)> = environment
            .variables
            .iter()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        return Ok(Store::open(S3Backend::open(url, &variables)?)?);
    }
    if url.starts_with("s3:") || url.starts_with("file:/") && !url.starts_with("file:///") {
        return Err(Failure::usage("this is no store")
            .hint("a folder, `file:///folder` or `s3://bucket/folder` is expected"));
    }
    let path = match url.split_once("://") {
        None => environment.folder.join(url),
        Some(("file", path)) if path.starts_with('/') => PathBuf::from(path),
        Some(_) => {
            return Err(Failure::usage(format!("`{url}` is no store"))
                .hint("a folder, `file:///folder` or `s3://bucket/folder` is expected"));
        }
    };
    Ok(Store::open(LocalStore::open(path, Durability::Durable)?)?)
}
