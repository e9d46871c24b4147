use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use pinnace_wheel::{Fetch, FetchError, FileFetch, GetRequest, HttpFetch, HttpOptions, Response};

/// The network of a build. It opens lazily, since reading the system's certificates takes a while. Clones share one
/// connection pool.
#[derive(Clone, Default)]
pub struct Network {
    given: Option<Arc<dyn Fetch>>,
    http: Arc<OnceLock<HttpFetch>>,
}

impl Network {
    /// Creates a network that delegates all requests to `fetch`.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { given: Some(fetch), http: Arc::default() }
    }

    /// Aborts all running requests, and refuses new ones. It may be called from another thread, such as a signal
    /// handler's. A network that was created with [`Self::new`] is not affected.
    pub fn stop(&self) {
        if let Some(http) = self.http.get() {
            http.stop();
        }
    }

    /// Opens the network, once; only the first call uses its `options`.
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

/// An open network.
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
