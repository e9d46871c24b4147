//! The store, for those who have no key to it: a [`Backend`](pinnace_store::Backend) over HTTP that takes nothing on
//! trust.

use std::{ops::Range, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_LENGTH, HeaderValue, IF_NONE_MATCH, RANGE},
};
use pinnace_store::{Key, Meta, PutMode, PutResult, RefName};
use serde_json::{Value, json};

use super::{Answer, Refusal, blocking, bodies, json as as_json, parameter};
use crate::{body::full, inner::Inner, route::MODIFIED};

/// No object is larger.
const LARGEST: u64 = 16 << 30;
/// The most objects of a listing.
const MOST: usize = 50_000;

/// Which of these objects the store lacks.
pub(super) async fn missing(inner: &Arc<Inner>, request: Request<Incoming>) -> Answer {
    let keys: Vec<String> = bodies::read(request).await?;
    let keys = keys.iter().map(|key| parse(key)).collect::<Result<Vec<Key>, Refusal>>()?;
    let inner = Arc::clone(inner);
    let missing = blocking(move || inner.store.backend().missing(&keys)).await?;
    Ok(as_json(&missing.iter().map(Key::as_str).collect::<Vec<_>>()))
}

/// Objects of a folder.
pub(super) async fn list(inner: &Arc<Inner>, request: &Request<Incoming>) -> Answer {
    let prefix = parameter(request, "prefix").unwrap_or_default().to_owned();
    let after = parameter(request, "after").map(parse).transpose()?;
    let limit = parameter(request, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(MOST);
    if !prefix.is_empty() {
        parse(&prefix)?;
    }
    let inner = Arc::clone(inner);
    let listed =
        blocking(move || inner.store.backend().list(&prefix, after.as_ref(), limit.min(MOST)));
    let listed: Vec<Value> = listed
        .await?
        .iter()
        .map(|one| json!([one.key.as_str(), one.meta.size, one.meta.modified]))
        .collect();
    Ok(as_json(&listed))
}

/// What time it is in the store.
pub(super) async fn now(inner: &Arc<Inner>) -> Answer {
    let inner = Arc::clone(inner);
    Ok(as_json(&blocking(move || inner.store.backend().now()).await?))
}

/// One object.
pub(super) async fn object(inner: &Arc<Inner>, key: &str, request: Request<Incoming>) -> Answer {
    let key = parse(key)?;
    match *request.method() {
        Method::GET => get(inner, key, range(request.headers())?).await,
        Method::HEAD => head(inner, key).await,
        Method::PUT => put(inner, key, request).await,
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "objects are read and put here")),
    }
}

async fn get(inner: &Arc<Inner>, key: Key, range: Option<Range<u64>>) -> Answer {
    let (shared, wanted) = (Arc::clone(inner), key.clone());
    let reading = blocking(move || shared.store.backend().read(&wanted, range)).await?;
    let reading = reading.ok_or_else(|| Refusal::not_found("such object"))?;
    let mut answer = Response::new(bodies::written(reading.body));
    answer.headers_mut().insert(CONTENT_LENGTH, reading.size.into());
    Ok(answer)
}

async fn head(inner: &Arc<Inner>, key: Key) -> Answer {
    let inner = Arc::clone(inner);
    let meta = blocking(move || inner.store.backend().head(&key)).await?;
    let Meta { size, modified } = meta.ok_or_else(|| Refusal::not_found("such object"))?;
    let mut answer = Response::new(full(""));
    answer.headers_mut().insert(CONTENT_LENGTH, size.into());
    answer.headers_mut().insert(MODIFIED, modified.into());
    Ok(answer)
}

/// Takes an object. What is a step of a service of ours is looked at at once.
async fn put(inner: &Arc<Inner>, key: Key, request: Request<Incoming>) -> Answer {
    let mode = match request.headers().get(IF_NONE_MATCH) {
        Some(any) if *any == HeaderValue::from_static("*") => PutMode::Create,
        _ => PutMode::Overwrite,
    };
    if key.as_str().starts_with("refs/") && !is_of_deployers(&key) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            format!("`{key}` is no ref of a deployer"),
        ));
    }
    // Those who send slowly do not keep others from the store.
    let _turn = inner.puts.acquire().await;
    let mut body = bodies::reader(request.into_body());
    let (shared, wanted) = (Arc::clone(inner), key.clone());
    let finished = blocking(move || shared.store.accept(&wanted, mode, &mut body, LARGEST));
    match finished.await? {
        PutResult::Written => {
            if let Some(service) = service(&key).filter(|service| inner.is_ours(service)) {
                let _ = inner.look(&service);
            }
            Ok(as_json(&true))
        }
        PutResult::AlreadyExists => {
            Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "it is there"))
        }
    }
}

/// Whether an object is a step of a service, or of what was built for the team.
fn is_of_deployers(key: &Key) -> bool {
    let name = key.as_str().strip_prefix("refs/").and_then(|rest| rest.split_once("/@/"));
    let name = name.and_then(|(name, _)| name.split_once('/'));
    name.is_some_and(|(kind, name)| ["wanted", "built"].contains(&kind) && !name.contains('/'))
}

/// The service of which an object is a step.
fn service(key: &Key) -> Option<String> {
    let name = key.as_str().strip_prefix("refs/wanted/")?.split_once("/@/")?.0;
    name.parse::<RefName>().is_ok().then(|| name.to_owned())
}

fn parse(key: &str) -> Result<Key, Refusal> {
    key.parse().map_err(|_| Refusal::bad(format!("`{key}` is no name of an object")))
}

/// The one range of bytes that is wanted (RFC 9110, section 14.1.2).
fn range(headers: &HeaderMap) -> Result<Option<Range<u64>>, Refusal> {
    let Some(value) = headers.get(RANGE) else { return Ok(None) };
    let bounds = value.to_str().ok().and_then(|text| text.strip_prefix("bytes=")?.split_once('-'));
    let range = bounds.and_then(|(first, last)| {
        let last: u64 = last.parse().ok()?;
        Some(first.parse().ok()?..last.checked_add(1)?)
    });
    range.map(Some).ok_or_else(|| Refusal::bad("one range of bytes is expected"))
}
