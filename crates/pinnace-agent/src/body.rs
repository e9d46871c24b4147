//! Bodies of requests and answers.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming, SizeHint};

use crate::gate::Visit;

/// Any body.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// These bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// What comes in.
pub(crate) fn incoming(body: Incoming) -> Body {
    body.map_err(Into::into).boxed_unsync()
}

/// What a process answers: as long as it comes, somebody is with the process.
pub(crate) fn visiting(body: Incoming, visit: Visit) -> Body {
    Visiting { body, _visit: visit }.map_err(Into::into).boxed_unsync()
}

struct Visiting {
    body: Incoming,
    _visit: Visit,
}

impl hyper::body::Body for Visiting {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
