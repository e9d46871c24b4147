//! The store that the user means.

use std::{path::PathBuf, sync::Arc};

use pinnace_store::{Backend, Durability, LocalStore, Progress, S3Backend, Store, Watched};

use crate::{Failure, environment::Environment, progress::Reporter};

/// What becomes of a name under which there is no store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Absent {
    /// The store is made.
    Make,
    /// It is an error: the name is a wrong one.
    Refuse,
}

/// The store of `--store`, else of PINNACE_STORE.
pub(crate) fn named(
    url: Option<&str>,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    let url = url.or_else(|| environment.variable("PINNACE_STORE").filter(|url| !url.is_empty()));
    let url = url.filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::usage("no store is named")
            .hint("name one with `--store`, as in `--store /srv/pinnace` or `--store s3://bucket/folder`, or set PINNACE_STORE")
    })?;
    open(url, absent, environment, reporter)
}

/// The store of a URL, or in a folder.
pub(crate) fn open(
    url: &str,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    let found = match Place::parse(url, environment)? {
        Place::Bucket(backend) => opened(backend, absent, reporter)?,
        Place::Folder(path) => {
            let backend = match absent {
                Absent::Make => Some(LocalStore::open(path, Durability::Durable)?),
                Absent::Refuse => LocalStore::open_existing(path, Durability::Durable)?,
            };
            backend.map(|backend| opened(backend, absent, reporter)).transpose()?.flatten()
        }
    };
    found.ok_or_else(|| {
        Failure::job(format!("there is no store at `{url}`"))
            .hint("`pinnace store put` makes one where there is none")
    })
}

fn opened(
    backend: impl Backend + 'static,
    absent: Absent,
    reporter: &Arc<Reporter>,
) -> Result<Option<Store>, Failure> {
    let progress: Arc<dyn Progress> = Arc::clone(reporter) as _;
    let backend = Watched::new(backend, progress);
    Ok(match absent {
        Absent::Make => Some(Store::open(backend)?),
        Absent::Refuse => Store::open_existing(backend)?,
    })
}

/// Where a store is, or will be.
enum Place {
    Folder(PathBuf),
    Bucket(S3Backend),
}

impl Place {
    fn parse(url: &str, environment: &Environment) -> Result<Self, Failure> {
        if url.starts_with("s3://") {
            let variables = environment.variables.iter();
            let variables = variables.filter(|(name, _)| name.starts_with("AWS_"));
            let variables: Vec<(String, String)> =
                variables.map(|(name, value)| (name.clone(), value.clone())).collect();
            return Ok(Self::Bucket(S3Backend::open(url, &variables)?));
        }
        let refused = |what: &str| {
            Failure::usage(format!("{what} is no store"))
                .hint("a folder, `file:///folder` or `s3://bucket/folder` is expected")
        };
        if url.starts_with("s3:") || url.starts_with("file:/") && !url.starts_with("file:///") {
            return Err(refused("this"));
        }
        match url.split_once("://") {
            None => Ok(Self::Folder(environment.folder.join(url))),
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
            Some(_) => Err(refused(&format!("`{url}`"))),
        }
    }
}
