use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use pinnace_wheel::{Fetch, FetchError, FileFetch, GetRequest, HttpFetch, HttpOptions, Response};

/// The network of a build. It is opened at the first request, since reading the certificates of the
/// system takes a while. Clones share one connection pool.
#[derive(Clone, Default)]
pub struct Network {
    given: Option<Arc<dyn Fetch>>,
    http: Arc<OnceLock<HttpFetch>>,
}

impl Network {
    /// Returns a network that makes its requests by `fetch`.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { given: Some(fetch), http: Arc::default() }
    }

    /// Ends all requests under way, and refuses new ones. Call it from a signal handler's thread; a
    /// fetch of the caller's is the caller's to stop.
    pub fn stop(&self) {
        if let Some(http) = self.http.get() {
            http.stop();
        }
    }

    /// Opens the network, once. `options` are those of the first call.
    pub(crate) fn open(
        &self,
        options: impl FnOnce() -> Result<HttpOptions, crate::Error>,
    ) -> Result<FileFetch<Opened>, crate::Error> {
        if self.given.is_none() && self.http.get().is_none() {
            let options = options()?;
            self.http.get_or_init(|| HttpFetch::new(options));
        }
        Ok(FileFetch(Opened(self.clone())))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("is_given", &self.given.is_some()).finish_non_exhaustive()
    }
}

/// A network that was opened.
#[derive(Debug)]
pub(crate) struct Opened(Network);

impl Fetch for Opened {
    fn fetch(&self, get: &GetRequest<'_>) -> Result<Response, FetchError> {
        match (&self.0.given, self.0.http.get()) {
            (Some(fetch), _) => fetch.fetch(get),
            (None, Some(http)) => http.fetch(get),
            (None, None) => Err(FetchError::new("the network is not open")),
        }
    }
}
