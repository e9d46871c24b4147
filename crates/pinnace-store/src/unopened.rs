//! Stores by URL, opened without waiting for them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Backend, Durability, Error, ErrorKind, Instrumented, LazyLocal, LocalStore, MemoryBackend,
    Progress, Store,
};

/// A rule for a URL at which no store exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnMissing {
    /// The store is created.
    Create,
    /// An empty store in memory takes its place, for a run without effect.
    Pretend,
    /// It is an error.
    Refuse,
    /// It is an error now, but the store may appear later.
    Await,
}

/// A store that may not exist. [`check`](Self::check) takes a round trip, so call it in parallel with the
/// first requests.
///
/// ```
/// use std::{collections::BTreeMap, path::Path, sync::Arc};
/// use pinnace_store::{OnMissing, UnopenedStore};
///
/// # let folder = tempfile::tempdir()?;
/// let open = |missing| UnopenedStore::at("store", folder.path(), &BTreeMap::new(), missing, None);
/// assert!(open(OnMissing::Refuse).is_err());
/// let store = open(OnMissing::Create)?.open()?;
/// assert!(store.exists()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnopenedStore {
    store: Store,
    url: String,
    on_missing: OnMissing,
}

impl UnopenedStore {
    /// Names the store at a path, a `file://` URL, or, with the feature `s3`, an `s3://bucket/prefix` URL. Relative
    /// paths start in `folder`. `variables` configure the access to a bucket (`AWS_…`); `progress` observes and
    /// cancels transfers.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Url`] if the URL is malformed, or [`ErrorKind::NoStore`] if a folder must hold a
    /// store and does not.
    pub fn at(
        url: &str,
        folder: &Path,
        variables: &BTreeMap<String, String>,
        on_missing: OnMissing,
        progress: Option<Arc<dyn Progress>>,
    ) -> Result<Self, Error> {
        let store = match Place::parse(url, folder)? {
            Place::Bucket => bucket(url, variables, progress)?,
            Place::Folder(path) => local(url, path, on_missing, progress)?,
        };
        Ok(Self { store, url: url.to_owned(), on_missing })
    }

    /// Names the store in a backend; `url` stands in messages.
    pub fn in_backend(
        backend: impl Backend + 'static,
        url: impl Into<String>,
        on_missing: OnMissing,
        progress: Option<Arc<dyn Progress>>,
    ) -> Self {
        Self { store: observed(backend, progress), url: url.into(), on_missing }
    }

    /// Returns the store, whether it exists or not.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Checks that the store exists and has a known format; creates it if it may.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoStore`], [`ErrorKind::NewerFormat`], or an error of the backend.
    pub fn check(&self) -> Result<(), Error> {
        match (self.on_missing, self.store.exists()?) {
            (_, true) | (OnMissing::Pretend, false) => Ok(()),
            (OnMissing::Create, false) => self.store.make(),
            (OnMissing::Refuse | OnMissing::Await, false) => Err(no_store(&self.url)),
        }
    }

    /// Checks the store, and returns it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::check`].
    pub fn open(self) -> Result<Store, Error> {
        self.check()?;
        Ok(self.store)
    }
}

fn local(
    url: &str,
    path: PathBuf,
    on_missing: OnMissing,
    progress: Option<Arc<dyn Progress>>,
) -> Result<Store, Error> {
    let found = match on_missing {
        OnMissing::Await => return Ok(observed(LazyLocal::new(path), progress)),
        OnMissing::Create => Some(LocalStore::open(path, Durability::Durable)?),
        OnMissing::Pretend | OnMissing::Refuse => {
            LocalStore::open_existing(path, Durability::Durable)?
        }
    };
    match found {
        Some(backend) => Ok(observed(backend, progress)),
        None if on_missing == OnMissing::Pretend => Ok(Store::unopened(MemoryBackend::new())),
        None => Err(no_store(url)),
    }
}

#[cfg(feature = "s3")]
fn bucket(
    url: &str,
    variables: &BTreeMap<String, String>,
    progress: Option<Arc<dyn Progress>>,
) -> Result<Store, Error> {
    let variables = variables.iter().filter(|(name, _)| name.starts_with("AWS_"));
    let variables: Vec<(String, String)> =
        variables.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(observed(crate::S3Backend::open(url, &variables)?, progress))
}

#[cfg(not(feature = "s3"))]
fn bucket(
    url: &str,
    _variables: &BTreeMap<String, String>,
    _progress: Option<Arc<dyn Progress>>,
) -> Result<Store, Error> {
    let reason = "object storage needs the feature `s3` of pinnace-store";
    Err(ErrorKind::Url { url: shown(url), reason }.into())
}

fn observed(backend: impl Backend + 'static, progress: Option<Arc<dyn Progress>>) -> Store {
    match progress {
        Some(progress) => Store::unopened(Instrumented::new(backend, progress)),
        None => Store::unopened(backend),
    }
}

fn no_store(url: &str) -> Error {
    ErrorKind::NoStore { url: shown(url) }.into()
}

/// The place of a store.
enum Place {
    Folder(PathBuf),
    Bucket,
}

impl Place {
    fn parse(url: &str, folder: &Path) -> Result<Self, Error> {
        let refused = || {
            let reason = "expected a folder, `file:///folder` or `s3://bucket/folder`";
            ErrorKind::Url { url: shown(url), reason }.into()
        };
        if url.starts_with("s3://") {
            return Ok(Self::Bucket);
        }
        if url.starts_with("s3:") || url.starts_with("file:/") && !url.starts_with("file:///") {
            return Err(refused());
        }
        match url.split_once("://") {
            None => Ok(Self::Folder(folder.join(url))),
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
            Some(_) => Err(refused()),
        }
    }
}

/// Returns a URL without user and password.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            path.map_or_else(
                || format!("{scheme}://{host}"),
                |path| format!("{scheme}://{host}/{path}"),
            )
        }
        None => url.to_owned(),
    }
}
