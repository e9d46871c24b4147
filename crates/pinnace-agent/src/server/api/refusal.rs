//! Refused requests.

use hyper::{Response, StatusCode};
use pinnace_store::ErrorKind;

use crate::server::body::Body;

/// The reason why a request is refused, with its HTTP status.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: String,
}

/// A response, or a refusal.
pub(super) type Answer = Result<Response<Body>, Refusal>;

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    pub(super) fn bad(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    pub(super) fn internal(error: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }
}

impl From<pinnace_store::Error> for Refusal {
    fn from(error: pinnace_store::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Lost { .. } | ErrorKind::Malformed { .. } | ErrorKind::Mismatch { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ErrorKind::Unacceptable { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

/// Runs work that blocks on a disk or a network, off the threads that serve requests.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, pinnace_store::Error> + Send + 'static,
) -> Result<T, Refusal> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(Refusal::internal)??)
}
