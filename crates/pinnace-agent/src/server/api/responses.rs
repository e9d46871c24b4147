//! Small responses, and the parameters of requests.

use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue, LOCATION},
};
use serde::Serialize;

use crate::{
    server::body::{Body, full},
    wire::PREFIX,
};

/// Returns the response to a path that no route leads to.
pub(crate) fn no_service(path: &str) -> Response<Body> {
    if path == "/" {
        return redirect(&format!("{PREFIX}/"));
    }
    let mut answer = Response::new(full("no service has this host or path\n"));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

pub(super) fn redirect(path: &str) -> Response<Body> {
    let mut answer = Response::new(full(""));
    *answer.status_mut() = StatusCode::FOUND;
    if let Ok(path) = HeaderValue::from_str(path) {
        answer.headers_mut().insert(LOCATION, path);
    }
    answer
}

pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    let mut answer = Response::new(full(bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Returns a parameter of a request's query.
pub(super) fn parameter(request: &Request<Incoming>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
