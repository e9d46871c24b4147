//! The status page of an agent.

use hyper::{
    Response,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue},
};

use crate::server::body::{Body, full};

const PAGE: &str = include_str!("page.html");
/// The page loads nothing from other sites, and sends nothing to them.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn page() -> Response<Body> {
    let mut answer = Response::new(full(PAGE));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}
