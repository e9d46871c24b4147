use std::fmt;

use url::Url;

use crate::Error;

/// A URL that may carry credentials, and never shows them.
///
/// ```
/// use pinnace_wheel::Address;
///
/// let address = Address::parse("https://user:secret@pypi.example/simple")?;
/// assert_eq!(address.to_string(), "https://pypi.example/simple");
/// assert_eq!(format!("{address:?}"), "https://pypi.example/simple");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Address(Url);

impl Address {
    /// Parses an absolute `http` or `https` URL.
    ///
    /// # Errors
    ///
    /// If it is none. The error shows the text only up to its scheme, since it may hold a secret.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shown = text.split_once("://").map_or("…", |(scheme, _)| scheme);
        let refuse =
            |reason: &str| Error::parse("URL of an index", &format!("{shown}://…"), reason);
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            _ => Err(refuse("`http` or `https` and a host are expected")),
        }
    }

    /// The URL of a reference on the page at this address; credentials go along only to the same
    /// origin.
    pub(crate) fn join(&self, reference: &str) -> Option<Self> {
        let mut url = self.0.join(reference).ok()?;
        url.set_fragment(None);
        let mut joined = Self(url);
        if !matches!(joined.0.scheme(), "http" | "https") {
            return None;
        }
        joined.borrow_credentials(self);
        Some(joined)
    }

    /// Takes over the credentials of `other` if it is of the same origin and this has none.
    pub(crate) fn borrow_credentials(&mut self, other: &Self) {
        let own = !self.0.username().is_empty() || self.0.password().is_some();
        if !own && self.0.origin() == other.0.origin() {
            // Both calls fail only for URLs without a host, which are never made.
            let _ = self.0.set_username(other.0.username());
            let _ = self.0.set_password(other.0.password());
        }
    }

    /// The page of a project on the simple index at this address (PEP 503: with a slash).
    pub(crate) fn project_page(&self, project: &str) -> Self {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{project}/"));
        Self(url)
    }

    /// The address of a wheel's metadata file (PEP 658).
    pub(crate) fn metadata_file(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}.metadata", self.0.path()));
        Self(url)
    }

    /// The whole URL but for user and password: what may be written to a cache of this user.
    pub(crate) fn without_credentials(&self) -> String {
        let mut url = self.0.clone();
        // Both calls fail only for URLs without a host, which are never made.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.into()
    }

    /// The URL with its credentials: for the client that makes the request, and for nobody else.
    pub fn with_credentials(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        // A query may hold a signature.
        url.set_query(None);
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
