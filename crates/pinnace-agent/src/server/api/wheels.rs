//! Public wheels, which the agent downloads itself instead of receiving them from a deployer.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{Request, body::Incoming};
use pinnace_store::{Digest, parallel};

use super::{
    bodies,
    refusal::{Answer, Refusal, blocking},
    responses::json,
};
use crate::{
    server::{context::Context, services::Services},
    wire::OfferedWheel,
};

/// The number of concurrent downloads.
const AT_ONCE: usize = 8;
/// The number of wheels in one request.
const MOST: usize = 10_000;

/// Downloads the offered wheels that the store lacks, and verifies their digests. Returns those that are still missing.
pub(super) async fn download(registry: &Arc<Services>, request: Request<Incoming>) -> Answer {
    let offered: Vec<OfferedWheel> = bodies::read(request).await?;
    if offered.len() > MOST {
        return Err(Refusal::bad("no release has so many wheels"));
    }
    let parse = |wheel: OfferedWheel| Some((wheel.digest.parse().ok()?, wheel.url));
    let offered: Option<Vec<(Digest, String)>> = offered.into_iter().map(parse).collect();
    let offered = offered.ok_or_else(|| Refusal::bad("a digest is expected"))?;
    let registry = Arc::clone(registry);
    let missing = blocking(move || {
        let digests: Vec<Digest> = offered.iter().map(|(digest, _)| *digest).collect();
        let missing = registry.context.store.missing(&digests)?;
        let wanted: Vec<&(Digest, String)> =
            offered.iter().filter(|(digest, _)| missing.contains(digest)).collect();
        let silent = Mutex::default();
        let stored = parallel::each(&wanted, AT_ONCE, |(digest, url)| {
            fetch(&registry.context, digest, url, &silent)
        });
        let left = wanted.iter().zip(stored).filter(|(_, is_stored)| !is_stored);
        Ok(left.map(|((digest, _), _)| digest.to_string()).collect::<Vec<_>>())
    });
    Ok(json(&missing.await?))
}

/// Downloads a wheel into the store; returns true if that succeeded. The reason of a failure does not matter: the deployer
/// uploads the wheel instead. A host that did not answer is not asked again.
fn fetch(context: &Context, digest: &Digest, url: &str, silent: &Mutex<BTreeSet<String>>) -> bool {
    let Some(fetch) = &context.fetch else { return false };
    let host = url.split('/').nth(2).unwrap_or_default();
    let lock = || silent.lock().unwrap_or_else(PoisonError::into_inner);
    if lock().contains(host) {
        return false;
    }
    match fetch.fetch(url) {
        Ok(Some(mut body)) => context.store.put_as(digest, &mut body).is_ok(),
        Ok(None) => false,
        Err(_) => {
            lock().insert(host.to_owned());
            false
        }
    }
}
