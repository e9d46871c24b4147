//! The log of a service over HTTP.

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

use super::{bodies, responses::parameter};
use crate::server::{
    body::{Body, full},
    service::Service,
};

/// The default number of lines.
const DEFAULT: usize = 100;
const MOST: usize = 100_000;
const WAITING: usize = 64;

/// Returns the last lines, and with `follow=true` the next ones as they are written.
pub(super) fn answer(service: &Service, request: &Request<Incoming>) -> Response<Body> {
    let lines = parameter(request, "lines").and_then(|lines| lines.parse().ok()).unwrap_or(DEFAULT);
    let (lines, mut more) = service.log.subscribe(lines.min(MOST));
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let body = match parameter(request, "follow").as_deref() {
        Some("true") => {
            let (sender, pieces) = mpsc::channel(WAITING);
            tokio::spawn(async move {
                let mut piece = Bytes::from(text);
                while piece.is_empty() || sender.send(Ok(piece)).await.is_ok() {
                    let next = tokio::select! {
                        next = more.recv() => next,
                        () = sender.closed() => return,
                    };
                    piece = match next {
                        Ok(line) => format!("{line}\n").into(),
                        Err(RecvError::Lagged(lost)) => {
                            format!("… {lost} lines are not shown\n").into()
                        }
                        Err(RecvError::Closed) => return,
                    };
                }
            });
            bodies::stream(pieces)
        }
        _ => full(text),
    };
    let mut answer = Response::new(body);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
