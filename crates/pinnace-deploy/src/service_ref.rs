//! References to a release by text: a service name or a digest.

use pinnace_build::Cache;
use pinnace_store::{Digest, Store};

use crate::{Error, ErrorKind, Service, ServiceName};

/// Finds the release that a text names: the newest one of a service, or one by its digest or the first digits
/// of its digest.
///
/// # Errors
///
/// Returns [`ErrorKind::NoRelease`] if none matches, [`ErrorKind::Ambiguous`] if several do, or
/// [`ErrorKind::Stopped`] if the service is stopped.
pub fn find_release(text: &str, store: &Store, cache: &Cache) -> Result<Digest, Error> {
    if let Some(digest) = digest(text) {
        return Ok(digest);
    }
    if let Ok(service) = text.parse::<ServiceName>()
        && let Some(newest) = Service::new(store, cache, service.wanted()).newest()?
    {
        let (service, generation) = (service.to_string(), newest.generation);
        return Ok(newest.release.ok_or(ErrorKind::Stopped { service, generation })?);
    }
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
    let found = store.find_manifests(&digits)?;
    let text = text.to_owned();
    match found.as_slice() {
        [release] => Ok(*release),
        [] => Err(ErrorKind::NoRelease { text }.into()),
        _ => Err(ErrorKind::Ambiguous { text, releases: found }.into()),
    }
}

fn digest(text: &str) -> Option<Digest> {
    text.parse().ok().or_else(|| format!("sha256:{text}").parse().ok())
}
