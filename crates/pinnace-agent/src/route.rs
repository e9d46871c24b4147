//! Where services are found.

use std::{fmt, str::FromStr};

use hyper::header::HeaderName;

/// Where a service is found. One without a route has a port of its own, and keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Route {
    /// By a host name at the agent's address: `host:shop.example.org`.
    Host(String),
    /// By the beginning of the path at the agent's address, which the service does not see: `path:/shop`.
    Path(String),
    /// By a port of its own, whatever is spoken there: `port:8001`.
    Port(u16),
    /// By a port of its own on which nobody looks at what is spoken: `tcp:5432`.
    Tcp(u16),
}

/// The agent's own paths.
pub(crate) const OWN: &str = "/-/pinnace";
/// When an object was written, in seconds since 1970, as dates of HTTP are not.
pub(crate) const MODIFIED: HeaderName = HeaderName::from_static("x-pinnace-modified");

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is no route: `host:NAME`, `path:/PREFIX`, `port:N` or `tcp:N` is expected"
            )
        };
        let (kind, value) = text.split_once(':').ok_or_else(refused)?;
        let port = || value.parse().ok().filter(|port| *port > 0).ok_or_else(refused);
        let is_host = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        };
        match kind {
            "host" if is_host(value) => Ok(Self::Host(value.to_ascii_lowercase())),
            "path" if value.starts_with('/') && !value.contains(['?', '#', ' ']) => {
                let prefix = value.trim_end_matches('/');
                match prefix.starts_with(OWN) {
                    true => Err(format!("`{OWN}` is the agent's own")),
                    false => Ok(Self::Path(prefix.to_owned())),
                }
            }
            "port" => Ok(Self::Port(port()?)),
            "tcp" => Ok(Self::Tcp(port()?)),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => write!(f, "host:{name}"),
            Self::Path(prefix) => write!(f, "path:{prefix}/"),
            Self::Port(port) => write!(f, "port:{port}"),
            Self::Tcp(port) => write!(f, "tcp:{port}"),
        }
    }
}

impl Route {
    /// How well it fits a request, by the length of what fits: a host before any path.
    pub(crate) fn fit(&self, host: &str, path: &str) -> Option<usize> {
        const ANY_PATH: usize = 1 << 20;
        match self {
            Self::Host(name) => host.eq_ignore_ascii_case(name).then_some(ANY_PATH),
            Self::Path(prefix) => {
                let rest = path.strip_prefix(prefix.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some(prefix.len())
            }
            Self::Port(_) | Self::Tcp(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_and_written() {
        for (text, again) in [
            ("host:Shop.example", "host:shop.example"),
            ("path:/shop", "path:/shop/"),
            ("path:/", "path:/"),
            ("port:8001", "port:8001"),
            ("tcp:5432", "tcp:5432"),
        ] {
            assert_eq!(text.parse::<Route>().unwrap().to_string(), again);
        }
        for bad in
            ["", "shop", "host:", "host:a b", "path:shop", "port:0", "port:x", "path:/-/pinnace/x"]
        {
            assert!(bad.parse::<Route>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_that_fits_is_taken() {
        let fit = |route: &str, host, path| route.parse::<Route>().unwrap().fit(host, path);
        assert_eq!(fit("path:/shop", "x", "/shop/a"), Some(5));
        assert_eq!(fit("path:/shop", "x", "/shopping"), None);
        assert_eq!(fit("path:/", "x", "/a"), Some(0));
        assert!(fit("host:a.b", "A.b", "/") > fit("path:/shop", "A.b", "/shop"));
        assert_eq!(fit("port:1", "x", "/"), None);
    }
}
