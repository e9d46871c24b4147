//! Bodies of requests and responses.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;

/// A body of any origin.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a body of bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// Makes a body of one that a connection receives.
pub(crate) fn incoming(body: Incoming) -> Body {
    body.map_err(Into::into).boxed_unsync()
}
