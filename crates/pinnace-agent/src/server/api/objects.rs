//! The store over HTTP, for clients without credentials of their own: a [`Backend`](pinnace_store::Backend) that verifies
//! all that it takes.

use std::{ops::Range, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, HeaderName, HeaderValue, IF_NONE_MATCH, RANGE},
};
use pinnace_store::{Key, Meta, PutMode, PutResult, RefName};
use serde_json::{Value, json};

use super::{
    bodies,
    refusal::{Answer, Refusal, blocking},
    responses::{json as as_json, parameter},
};
use crate::{
    server::{body::full, services::Services, supervisors::Supervisors},
    wire,
};

const MODIFIED: HeaderName = HeaderName::from_static(wire::MODIFIED);
/// The size limit of an object, in bytes.
const LARGEST: u64 = 16 << 30;
/// The most objects of a listing.
const MOST: usize = 50_000;

/// Returns the objects of a request that the store lacks.
pub(super) async fn missing(registry: &Arc<Services>, request: Request<Incoming>) -> Answer {
    let keys: Vec<String> = bodies::read(request).await?;
    let keys = keys.iter().map(|key| parse(key)).collect::<Result<Vec<Key>, Refusal>>()?;
    let registry = Arc::clone(registry);
    let missing = blocking(move || registry.context.store.backend().missing(&keys)).await?;
    Ok(as_json(&missing.iter().map(Key::as_str).collect::<Vec<_>>()))
}

/// Lists the objects of a folder.
pub(super) async fn list(registry: &Arc<Services>, request: &Request<Incoming>) -> Answer {
    let prefix = parameter(request, "prefix").unwrap_or_default();
    let after = parameter(request, "after").map(|after| parse(&after)).transpose()?;
    let limit = parameter(request, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(MOST);
    if !prefix.is_empty() {
        parse(&prefix)?;
    }
    let registry = Arc::clone(registry);
    let listed = blocking(move || {
        registry.context.store.backend().list(&prefix, after.as_ref(), limit.min(MOST))
    });
    let listed: Vec<Value> = listed
        .await?
        .iter()
        .map(|object| json!([object.key.as_str(), object.meta.size, object.meta.modified]))
        .collect();
    Ok(as_json(&listed))
}

/// Returns the time of the store's clock.
pub(super) async fn now(registry: &Arc<Services>) -> Answer {
    let registry = Arc::clone(registry);
    Ok(as_json(&blocking(move || registry.context.store.backend().now()).await?))
}

/// Reads or writes an object.
pub(super) async fn object(
    agent: &Arc<Supervisors>,
    key: &str,
    request: Request<Incoming>,
) -> Answer {
    let key = parse(key)?;
    match *request.method() {
        Method::GET => get(&agent.services, key, range(request.headers())?).await,
        Method::HEAD => head(&agent.services, key).await,
        Method::PUT => put(agent, key, request).await,
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "objects are read and put here")),
    }
}

async fn get(registry: &Arc<Services>, key: Key, range: Option<Range<u64>>) -> Answer {
    let registry = Arc::clone(registry);
    let reading = blocking(move || registry.context.store.backend().read(&key, range)).await?;
    let reading = reading.ok_or_else(|| Refusal::not_found("such object"))?;
    let mut answer = Response::new(bodies::body_of(reading.body));
    answer.headers_mut().insert(CONTENT_LENGTH, reading.size.into());
    Ok(answer)
}

async fn head(registry: &Arc<Services>, key: Key) -> Answer {
    let registry = Arc::clone(registry);
    let meta = blocking(move || registry.context.store.backend().head(&key)).await?;
    let Meta { size, modified } = meta.ok_or_else(|| Refusal::not_found("such object"))?;
    let mut answer = Response::new(full(""));
    answer.headers_mut().insert(CONTENT_LENGTH, size.into());
    answer.headers_mut().insert(MODIFIED, modified.into());
    Ok(answer)
}

/// Stores an object. A deployment of a service that runs here makes its supervisor check at once.
async fn put(agent: &Arc<Supervisors>, key: Key, request: Request<Incoming>) -> Answer {
    let mode = match request.headers().get(IF_NONE_MATCH) {
        Some(any) if *any == HeaderValue::from_static("*") => PutMode::Create,
        _ => PutMode::Overwrite,
    };
    if key.as_str().starts_with("refs/") && !is_writable_ref(&key) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            format!("`{key}` is no ref of a deployer"),
        ));
    }
    let context = &agent.services.context;
    // Slow clients do not keep others from the store.
    let _turn = context.uploads.acquire().await;
    let mut body = bodies::reader(request.into_body());
    let (registry, wanted) = (Arc::clone(&agent.services), key.clone());
    let finished =
        blocking(move || registry.context.store.accept(&wanted, mode, &mut body, LARGEST));
    match finished.await? {
        PutResult::Written => {
            if let Some(service) = service(&key).filter(|service| context.is_ours(service)) {
                let _ = agent.check(&service);
            }
            Ok(as_json(&true))
        }
        PutResult::AlreadyExists => {
            Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "it is there"))
        }
    }
}

/// Returns true for a deployment of a service, and for a wheel that was built for the team.
fn is_writable_ref(key: &Key) -> bool {
    let name = key.as_str().strip_prefix("refs/").and_then(|rest| rest.split_once("/@/"));
    let name = name.and_then(|(name, _)| name.split_once('/'));
    name.is_some_and(|(kind, name)| ["wanted", "built"].contains(&kind) && !name.contains('/'))
}

/// Returns the service of which an object is a deployment.
fn service(key: &Key) -> Option<String> {
    let name = key.as_str().strip_prefix("refs/wanted/")?.split_once("/@/")?.0;
    name.parse::<RefName>().is_ok().then(|| name.to_owned())
}

fn parse(key: &str) -> Result<Key, Refusal> {
    key.parse().map_err(|_| Refusal::bad(format!("`{key}` is no name of an object")))
}

/// Returns the one range of bytes of a request (RFC 9110, section 14.1.2).
fn range(headers: &HeaderMap) -> Result<Option<Range<u64>>, Refusal> {
    let Some(value) = headers.get(RANGE) else { return Ok(None) };
    let bounds = value.to_str().ok().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let range = bounds.and_then(|(first, last)| {
        let last: u64 = last.parse().ok()?;
        Some(first.parse().ok()?..last.checked_add(1)?)
    });
    range.map(Some).ok_or_else(|| Refusal::bad("one range of bytes is expected"))
}
