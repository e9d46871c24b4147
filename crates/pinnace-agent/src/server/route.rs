//! The routes of services.

use std::{fmt, str::FromStr};

use crate::wire::PREFIX;

/// A route to a service. A service without one gets a port of its own, and keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Route {
    /// A host name at the agent's address: `host:shop.example.org`.
    Host(String),
    /// A prefix of the path at the agent's address: `path:/shop`. The agent removes it from requests.
    Path(String),
    /// A port of its own, for HTTP and any other protocol: `port:8001`.
    Port(u16),
    /// A port of its own, without detection of HTTP: `tcp:5432`.
    Tcp(u16),
}

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
                if prefix.starts_with(PREFIX) {
                    return Err(format!("`{PREFIX}` is the agent's own"));
                }
                Ok(Self::Path(prefix.to_owned()))
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
    /// Returns the rank of the route for a request, or `None` if it does not match. A host ranks above any path, a longer
    /// path above a shorter one.
    pub(crate) fn rank(&self, host: &str, path: &str) -> Option<usize> {
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
        let rank = |route: &str, host, path| route.parse::<Route>().unwrap().rank(host, path);
        assert_eq!(rank("path:/shop", "x", "/shop/a"), Some(5));
        assert_eq!(rank("path:/shop", "x", "/shopping"), None);
        assert_eq!(rank("path:/", "x", "/a"), Some(0));
        assert!(rank("host:a.b", "A.b", "/") > rank("path:/shop", "A.b", "/shop"));
        assert_eq!(rank("port:1", "x", "/"), None);
    }
}
