//! Wheels that the world has, and that a deployer need not send.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use hyper::{Request, body::Incoming};
use pinnace_store::{Digest, parallel};
use serde::{Deserialize, Serialize};

use super::{Answer, Refusal, blocking, bodies, json};
use crate::inner::Inner;

/// A wheel, and where it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Offer {
    pub(crate) digest: String,
    pub(crate) url: String,
}

/// How many are fetched at once.
const AT_ONCE: usize = 8;
const MOST: usize = 10_000;

/// Takes what the store lacks of these from where they are, if they are what they should be; tells which are still
/// lacking.
pub(super) async fn take(inner: &Arc<Inner>, request: Request<Incoming>) -> Answer {
    let offers: Vec<Offer> = bodies::read(request).await?;
    if offers.len() > MOST {
        return Err(Refusal::bad("no release has so many wheels"));
    }
    let parse = |offer: &Offer| Some((offer.digest.parse().ok()?, offer.url.clone()));
    let offers: Option<Vec<(Digest, String)>> = offers.iter().map(parse).collect();
    let offers = offers.ok_or_else(|| Refusal::bad("a digest is expected"))?;
    let inner = Arc::clone(inner);
    let lacking = blocking(move || {
        let digests: Vec<Digest> = offers.iter().map(|(digest, _)| *digest).collect();
        let lacking = inner.store.missing(&digests)?;
        let wanted: Vec<&(Digest, String)> =
            offers.iter().filter(|(digest, _)| lacking.contains(digest)).collect();
        let silent = Mutex::default();
        let taken =
            parallel::each(&wanted, AT_ONCE, |(digest, url)| fetch(&inner, digest, url, &silent));
        let left = wanted.iter().zip(taken).filter(|(_, taken)| !taken);
        Ok(left.map(|((digest, _), _)| digest.to_string()).collect::<Vec<_>>())
    });
    Ok(json(&lacking.await?))
}

/// Whether a wheel could be had. Why not is of no account: whoever offers it has it. A host that did not answer is not
/// asked again.
fn fetch(inner: &Inner, digest: &Digest, url: &str, silent: &Mutex<BTreeSet<String>>) -> bool {
    let Some(fetch) = &inner.fetch else { return false };
    let host = url.split('/').nth(2).unwrap_or_default();
    let lock = || silent.lock().unwrap_or_else(PoisonError::into_inner);
    if lock().contains(host) {
        return false;
    }
    match fetch.fetch(url) {
        Ok(Some(mut body)) => inner.store.put_as(digest, &mut body).is_ok(),
        Ok(None) => false,
        Err(_) => {
            lock().insert(host.to_owned());
            false
        }
    }
}
