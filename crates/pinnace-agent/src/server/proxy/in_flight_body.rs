//! Response bodies that keep their process in use.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};

use crate::server::{body::Body, gate::InFlight};

/// Makes the body of a process's response. Its request counts as in flight until the body ends.
pub(super) fn in_flight_body(body: Incoming, request: InFlight) -> Body {
    InFlightBody { body, _request: request }.map_err(Into::into).boxed_unsync()
}

struct InFlightBody {
    body: Incoming,
    _request: InFlight,
}

impl hyper::body::Body for InFlightBody {
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
