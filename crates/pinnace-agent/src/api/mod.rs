//! The agent's own interface, under `/-/pinnace`.

mod bodies;
mod guard;
mod logs;
mod objects;
mod page;
mod services;
mod wheels;

use std::sync::Arc;

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, LOCATION},
};
use serde::Serialize;

use crate::{
    body::{Body, full},
    inner::Inner,
    route::OWN,
};

pub(crate) use guard::{keep_token, shown};

/// Why a request is not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: String,
}

/// What is answered.
type Answer = Result<Response<Body>, Refusal>;

impl Refusal {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    fn bad(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }
}

/// Answers a request for the agent itself.
pub(crate) async fn answer(inner: &Arc<Inner>, request: Request<Incoming>) -> Response<Body> {
    let answer = match guard::admit(inner, &request) {
        Ok(()) => dispatch(inner, request).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| {
        let mut answer = json(&serde_json::json!({ "error": refusal.reason }));
        *answer.status_mut() = refusal.status;
        guard::ask(&mut answer);
        answer
    })
}

async fn dispatch(inner: &Arc<Inner>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().strip_prefix(OWN).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, []) => Ok(redirect(&format!("{OWN}/"))),
        (&Method::GET, [""]) => Ok(page::page()),
        (&Method::GET, ["v1", "agent"]) => Ok(json(&inner.status())),
        (&Method::GET, ["v1", "platforms"]) => Ok(json(&inner.can_run())),
        (_, ["v1", "services", name, rest @ ..]) => {
            services::answer(inner, name, rest, request).await
        }
        (&Method::POST, ["v1", "wheels"]) => wheels::take(inner, request).await,
        (&Method::POST, ["v1", "missing"]) => objects::missing(inner, request).await,
        (&Method::GET, ["v1", "list"]) => objects::list(inner, &request).await,
        (&Method::GET, ["v1", "now"]) => objects::now(inner).await,
        (_, ["v1", "objects", key @ ..]) => objects::object(inner, &key.join("/"), request).await,
        _ => Err(Refusal::not_found("such thing here")),
    }
}

/// Nobody has this path.
pub(crate) fn nothing(path: &str) -> Response<Body> {
    if path == "/" {
        return redirect(&format!("{OWN}/"));
    }
    let mut answer = Response::new(full("no service has this host or path\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

fn redirect(path: &str) -> Response<Body> {
    let mut answer = Response::new(full(""));
    *answer.status_mut() = StatusCode::FOUND;
    if let Ok(path) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
    answer
}

fn json(value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(full(bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A parameter of a request's query; what is asked for here needs no escapes.
fn parameter<'r>(request: &'r Request<Incoming>, name: &str) -> Option<&'r str> {
    let pairs = request.uri().query().unwrap_or_default().split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Does what waits for a disk or a network, off the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, pinnace_store::Error> + Send + 'static,
) -> Result<T, Refusal> {
    use pinnace_store::ErrorKind::{Lost, Malformed, Mismatch, Unacceptable};
    let done = tokio::task::spawn_blocking(work).await;
    let done =
        done.map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    done.map_err(|error| {
        let status = match error.kind() {
            Lost { .. } | Malformed { .. } | Mismatch { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Unacceptable { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal::new(status, error.to_string())
    })
}
