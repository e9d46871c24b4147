//! Retries of requests that failed for a transient reason, with a growing delay.

use std::{io, time::Duration};

use super::Index;
use crate::{
    Address, ByteRange, Error, ErrorKind, Event, FetchError, GetRequest, Response,
    error::is_retryable_status,
};

/// A failed attempt, with the delay in seconds that the server asked for.
pub(super) struct Failure {
    error: Error,
    retry_after: Option<u64>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

/// The longest delay before a retry, even if the server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const FIRST_WAIT: Duration = Duration::from_millis(200);

pub(super) fn with_retries<T>(
    index: &Index<'_>,
    address: &Address,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Error> {
    let mut wait = FIRST_WAIT;
    for _ in 0..index.options.retries {
        index.check_cancelled()?;
        match attempt() {
            Ok(value) => return Ok(value),
            Err(failure) if !failure.error.is_retryable() => return Err(failure.error),
            Err(Failure { error, retry_after }) => {
                let url = address.to_string();
                index.parts.progress.event(Event::Retry { url: &url, reason: &error });
                sleep(index, retry_after.map_or(wait, Duration::from_secs).min(LONGEST_WAIT))?;
                wait *= 3;
            }
        }
    }
    index.check_cancelled()?;
    attempt().map_err(|failure| failure.error)
}

/// Sleeps in short naps, so that a cancellation does not wait for the longest delay.
fn sleep(index: &Index<'_>, mut left: Duration) -> Result<(), Error> {
    const NAP: Duration = Duration::from_millis(100);
    while !left.is_zero() {
        index.check_cancelled()?;
        let nap = left.min(NAP);
        std::thread::sleep(nap);
        left -= nap;
    }
    Ok(())
}

pub(super) fn get(
    index: &Index<'_>,
    address: &Address,
    accept: &str,
    part: Option<ByteRange>,
) -> Result<Response, Failure> {
    request(index, GetRequest { part, ..GetRequest::new(address, accept) })
}

/// Makes one request, with the credentials that are known for its address.
pub(super) fn request(index: &Index<'_>, get: GetRequest<'_>) -> Result<Response, Failure> {
    let address = get.address;
    let known = index.parts.credentials.and_then(|known| known.find(address));
    let with_credentials = known.map(|(user, password)| address.with_userinfo(&user, &password));
    let address = with_credentials.as_ref().unwrap_or(address);
    let response = index.parts.fetch.fetch(&GetRequest { address, ..get });
    response.map_err(|error: FetchError| error.at(address).into())
}

/// Returns the failure for a response whose status is not a success.
pub(super) fn refused(address: &Address, status: u16, retry_after: Option<u64>) -> Failure {
    let url = address.to_string();
    let error = match status {
        404 if address.is_file() => {
            ErrorKind::Page { url, reason: "there is no such file or folder".to_owned() }
        }
        401 | 403 => ErrorKind::Unauthorized { url, status },
        _ => ErrorKind::Status { url, status },
    };
    let retry_after = retry_after.filter(|_| is_retryable_status(status));
    Failure { error: error.into(), retry_after }
}

/// Returns the failure for a body that broke off.
pub(super) fn broken(address: &Address, error: io::Error) -> Failure {
    FetchError::new(error).at(address).into()
}
