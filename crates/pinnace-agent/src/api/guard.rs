//! Who may speak to the agent.

use std::sync::PoisonError;

use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, HOST, HeaderValue, ORIGIN, WWW_AUTHENTICATE},
};

use super::Refusal;
use crate::{body::Body, inner::Inner};

/// Lets a request in that shows a token. Where there are none, one that comes from this machine and not from a page of
/// another site in its browser.
pub(super) fn admit(inner: &Inner, request: &Request<Incoming>) -> Result<(), Refusal> {
    let headers = request.headers();
    let host = request.uri().authority().map(|authority| authority.as_str());
    let host = host.or_else(|| text(headers.get(HOST))).unwrap_or_default();
    if text(headers.get(ORIGIN)).is_some_and(|origin| !is_of(origin, host)) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this is for no other site's pages"));
    }
    if text(headers.get("sec-fetch-site")).is_some_and(|site| site == "cross-site") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this is for no other site's pages"));
    }
    let tokens = inner.tokens.read().unwrap_or_else(PoisonError::into_inner);
    match tokens.are_open() {
        // A name that somebody else points to this machine is no name of it.
        true if !is_local(host) => {
            Err(Refusal::new(StatusCode::FORBIDDEN, "use this machine's own name: `localhost`"))
        }
        true => Ok(()),
        false if token(headers).is_some_and(|token| tokens.accept(&token)) => Ok(()),
        false => Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "a token is needed, and none was shown that is known",
        )),
    }
}

/// The agent's token, which a browser shows for all of its address, is not for its services.
pub(crate) fn keep_token(inner: &Inner, request: &mut Request<Incoming>) {
    let tokens = inner.tokens.read().unwrap_or_else(PoisonError::into_inner);
    if token(request.headers()).is_some_and(|token| tokens.accept(&token)) {
        request.headers_mut().remove(AUTHORIZATION);
    }
}

/// Asks a browser for the token, as a password.
pub(super) fn ask(answer: &mut Response<Body>) {
    if answer.status() == StatusCode::UNAUTHORIZED {
        let value =
            HeaderValue::from_static("Basic realm=\"pinnace: the token is the password\", Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

/// The token of an `Authorization`, as `Bearer` (RFC 6750) or as the password of `Basic` (RFC 7617).
pub(crate) fn shown(authorization: &str) -> Option<String> {
    let (scheme, value) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| decode(value.trim()))??;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

fn token(headers: &HeaderMap) -> Option<String> {
    shown(text(headers.get(AUTHORIZATION))?)
}

/// Base64 (RFC 4648).
fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for sign in text.trim_end_matches('=').bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

fn is_of(origin: &str, host: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, site)| site.eq_ignore_ascii_case(host))
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || port.starts_with(':') => name,
            _ => return false,
        },
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    let is_loopback = name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    is_loopback || name == "localhost" || name.ends_with(".localhost")
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known() {
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:4000",
            "127.8.8.8",
            "[::1]:80",
            "shop.localhost:1",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "10.0.0.1:80",
            "[fe80::1]:80",
            "[::1].evil.example",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn tokens_are_shown_in_two_ways() {
        assert_eq!(shown("Bearer abc").unwrap(), "abc");
        assert_eq!(shown("basic bWU6c2VjcmV0OjE=").unwrap(), "secret:1");
        assert_eq!(shown("Basic ***"), None);
        assert_eq!(shown("Digest x"), None);
    }

    #[test]
    fn a_page_of_the_same_site_is_one() {
        assert!(is_of("http://localhost:80", "localhost:80"));
        assert!(!is_of("http://evil.example", "localhost:80"));
        assert!(!is_of("null", "localhost:80"));
    }
}
