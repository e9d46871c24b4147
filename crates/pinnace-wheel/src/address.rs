use std::{
    fmt,
    path::{Path, PathBuf},
};

use url::Url;

use crate::Error;

/// A URL that may carry credentials and never shows them.
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
    /// Parses an absolute `http`, `https` or `file` URL.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not such a URL. The
    /// error shows the text only up to its scheme, because the rest may hold a secret.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let shown = text.split_once("://").map_or("…", |(scheme, _)| scheme);
        let refuse =
            |reason: &str| Error::parse("URL of an index", &format!("{shown}://…"), reason);
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(Self(url)),
            "file" => Ok(Self(url)),
            _ => Err(refuse("expected `https`, `http` or `file`")),
        }
    }

    /// Returns the address of a local file or folder.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the path is not absolute.
    pub fn of_path(path: &Path) -> Result<Self, Error> {
        let refuse =
            || Error::parse("absolute path", &path.display().to_string(), "it is relative");
        Url::from_file_path(path).map(Self).map_err(|()| refuse())
    }

    /// Returns the path of a local file or folder, or `None` for any other address.
    pub fn to_path(&self) -> Option<PathBuf> {
        self.is_file().then(|| self.0.to_file_path().ok()).flatten()
    }

    /// Returns the last part of the path, without escapes.
    pub(crate) fn file_name(&self) -> String {
        percent_decode(self.0.path().rsplit('/').next().unwrap_or_default())
    }

    /// Returns true if the URL has a user or a password.
    pub fn has_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// Returns the host, which is the key for looking up credentials.
    pub fn host(&self) -> Option<&str> {
        self.0.host_str()
    }

    /// Returns true if the URL has a query, which may be a secret.
    pub fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    /// Returns a copy with this user and password.
    #[must_use]
    pub fn with_userinfo(&self, user: &str, password: &str) -> Self {
        let mut url = self.0.clone();
        // Both calls fail only for URLs without a host, which take no credentials.
        let _ = url.set_username(user);
        let _ = url.set_password(Some(password).filter(|password| !password.is_empty()));
        Self(url)
    }

    /// Returns true if this is the address of a local file or folder.
    pub fn is_file(&self) -> bool {
        self.0.scheme() == "file"
    }

    /// Resolves a reference on the page at this address. Passes credentials on only to the same
    /// origin.
    pub(crate) fn join(&self, reference: &str) -> Option<Self> {
        let mut url = self.0.join(reference).ok()?;
        url.set_fragment(None);
        let mut joined = Self(url);
        // A remote page must not refer to local files.
        match joined.0.scheme() {
            "http" | "https" => {}
            "file" if self.is_file() => {}
            _ => return None,
        }
        joined.borrow_credentials(self);
        Some(joined)
    }

    /// Checks whether a URL has the origin and the credentials of this address.
    pub(crate) fn shares_credentials_with(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            url.origin() == self.0.origin()
                && (url.username(), url.password()) == (self.0.username(), self.0.password())
        })
    }

    /// Takes over the credentials of `other` if the origins are equal and this address has none.
    pub(crate) fn borrow_credentials(&mut self, other: &Self) {
        if !self.has_credentials() && self.0.origin() == other.0.origin() {
            // Both calls fail only for URLs without a host, which are never made.
            let _ = self.0.set_username(other.0.username());
            let _ = self.0.set_password(other.0.password());
        }
    }

    /// Returns a copy with a slash at its end, as addresses of folders have.
    pub(crate) fn with_slash(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/", self.0.path().trim_end_matches('/')));
        Self(url)
    }

    /// Returns the page of a project on the simple index at this address (PEP 503: with a slash).
    pub(crate) fn project_page(&self, project: &str) -> Self {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{project}/"));
        Self(url)
    }

    /// Returns the address of a wheel's metadata file (PEP 658).
    pub(crate) fn metadata_file(&self) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}.metadata", self.0.path()));
        Self(url)
    }

    /// Returns the URL without user and password. This form may be written to the user's own cache.
    pub(crate) fn without_credentials(&self) -> String {
        let mut url = self.0.clone();
        // Both calls fail only for URLs without a host, which are never made.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.into()
    }

    /// Returns the address without user, password, query and fragment. This form may be shown and shared.
    pub(crate) fn public(&self) -> Self {
        let mut url = self.0.clone();
        // Both calls fail only for URLs without a host, which have none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        // A query may hold a signature.
        url.set_query(None);
        url.set_fragment(None);
        Self(url)
    }

    /// Returns the URL with its credentials. Pass it only to the client that makes the request.
    pub fn with_credentials(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.public().0.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Decodes percent escapes. For example, the `+` of a local version is `%2B` in a file name.
pub(crate) fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
