use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
};

use crate::{Address, Error, ErrorKind};

/// The network client that an index needs: one blocking GET.
///
/// Several threads call it at once. Implementations follow redirects, but leave retries to the
/// caller. A response with any status is a [`Response`]; only a missing response is an error.
pub trait Fetch: Send + Sync {
    /// Makes the request.
    ///
    /// # Errors
    ///
    /// Returns an error if no response arrived.
    fn fetch(&self, get: &GetRequest<'_>) -> Result<Response, FetchError>;
}

impl<F: Fetch + ?Sized> Fetch for Arc<F> {
    fn fetch(&self, get: &GetRequest<'_>) -> Result<Response, FetchError> {
        (**self).fetch(get)
    }
}

/// A GET request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GetRequest<'a> {
    /// The address.
    pub address: &'a Address,
    /// The `Accept` header.
    pub accept: &'a str,
    /// The byte range; `None` for the whole file.
    pub part: Option<ByteRange>,
    /// The entity tag that the file must still have for the range to be valid (RFC 9110, section
    /// 13.1.5).
    pub if_range: Option<&'a str>,
}

impl<'a> GetRequest<'a> {
    /// Creates a request for the whole file.
    pub fn new(address: &'a Address, accept: &'a str) -> Self {
        Self { address, accept, part: None, if_range: None }
    }
}

/// A single byte range (RFC 9110, section 14).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ByteRange {
    /// The last bytes, this many.
    Last(u64),
    /// All bytes from an offset on.
    From(u64),
    /// A number of bytes from an offset on.
    Range {
        /// The first byte.
        offset: u64,
        /// The number of bytes.
        length: u64,
    },
}

impl fmt::Display for ByteRange {
    /// Formats the value of a `Range` header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(length) => write!(f, "bytes=-{length}"),
            Self::From(offset) => write!(f, "bytes={offset}-"),
            Self::Range { offset, length } => {
                write!(f, "bytes={offset}-{}", offset.saturating_add(length.saturating_sub(1)))
            }
        }
    }
}

/// A response to a [`GetRequest`].
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The final address, if redirects led elsewhere. References in the body are relative to it.
    pub redirected_to: Option<Address>,
    /// The `Content-Type` header; empty if there is none.
    pub content_type: String,
    /// The `Content-Length` header.
    pub content_length: Option<u64>,
    /// The `Content-Range` header of a partial answer.
    pub content_range: Option<String>,
    /// The strong entity tag, if there is one (RFC 9110, section 8.8.3).
    pub entity_tag: Option<String>,
    /// The seconds of a `Retry-After` header.
    pub retry_after: Option<u64>,
    /// The body, read as it arrives.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// Returns the size of the whole file, as in `Content-Range: bytes 5-9/10`.
    pub(crate) fn whole_size(&self) -> Option<u64> {
        self.content_range.as_ref()?.rsplit('/').next()?.parse().ok()
    }

    /// Checks whether a `Content-Range: bytes 5-9/10` starts at this byte.
    pub(crate) fn starts_at(&self, offset: u64) -> bool {
        let range = self.content_range.as_ref().and_then(|range| range.strip_prefix("bytes "));
        range.and_then(|range| range.split('-').next()?.parse().ok()) == Some(offset)
    }

    /// Reads the body into memory. Fails if it is longer than `limit` bytes.
    pub(crate) fn read(self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let n = self.body.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if n as u64 > limit {
            return Err(io::Error::other(format!("the answer is longer than {limit} bytes")));
        }
        Ok(bytes)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The error of a request that got no response. The source states the reason and holds no credentials.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct FetchError {
    source: Box<dyn std::error::Error + Send + Sync>,
    outlook: Outlook,
}

/// The outlook of a retry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outlook {
    Passing,
    Lasting,
}

impl FetchError {
    /// Creates an error with this source, for a failure that a retry may fix.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into(), outlook: Outlook::Passing }
    }

    /// Marks the error as lasting: a retry will not help, as with redirects in a circle.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.outlook = Outlook::Lasting;
        self
    }

    pub(crate) fn at(self, address: &Address) -> Error {
        let Self { source, outlook } = self;
        let retryable = outlook == Outlook::Passing;
        ErrorKind::Transport { url: address.to_string(), source, retryable }.into()
    }
}
