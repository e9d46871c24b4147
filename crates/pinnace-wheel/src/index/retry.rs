//! Requests that fail for a passing reason are made again, later each time.

use std::{io, time::Duration};

use super::Index;
use crate::{
    Address, ByteRange, Error, ErrorKind, Event, FetchError, GetRequest, Response,
    error::is_retryable_status,
};

/// A failed try, and how long the server asked to wait.
pub(super) struct Failure {
    error: Error,
    retry_after: Option<u64>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, retry_after: None }
    }
}

/// A server may ask for patience, but not for more than this.
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

/// Sleeps in short naps, so that cancelling does not wait for the longest one.
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

/// One request, with the credentials that are known for its address.
pub(super) fn request(index: &Index<'_>, get: GetRequest<'_>) -> Result<Response, Failure> {
    let address = get.address;
    let known = index.parts.credentials.and_then(|known| known.find(address));
    let with_credentials = known.map(|(user, password)| address.with_userinfo(&user, &password));
    let address = with_credentials.as_ref().unwrap_or(address);
    let response = index.parts.fetch.fetch(&GetRequest { address, ..get });
    response.map_err(|error: FetchError| error.at(address).into())
}

/// The failure of an answer with a status that is no success.
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

/// The failure of a body that broke off.
pub(super) fn broken(address: &Address, error: io::Error) -> Failure {
    FetchError::new(error).at(address).into()
}
