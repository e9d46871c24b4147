//! The authentication of requests to the agent.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, HOST, HeaderValue, ORIGIN, WWW_AUTHENTICATE},
};

use super::refusal::Refusal;
use crate::{
    Tokens,
    server::{body::Body, context::Context},
};

/// Admits a request that shows a token. An agent without tokens admits requests that address this machine by a local name
/// and do not come from a page of another site.
pub(super) fn admit(context: &Context, request: &Request<Incoming>) -> Result<(), Refusal> {
    let headers = request.headers();
    let host = request.uri().authority().map(|authority| authority.as_str());
    let host = host.or_else(|| text(headers.get(HOST))).unwrap_or_default();
    if text(headers.get(ORIGIN)).is_some_and(|origin| !is_of(origin, host)) {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "pages of other sites are refused"));
    }
    if text(headers.get("sec-fetch-site")).is_some_and(|site| site == "cross-site") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "pages of other sites are refused"));
    }
    context.with_tokens(|tokens| {
        // Any site may point a name of its own to this machine (DNS rebinding).
        if tokens.are_open() && !is_local(host) {
            let reason = "use this machine's own name: `localhost`";
            return Err(Refusal::new(StatusCode::FORBIDDEN, reason));
        }
        if tokens.are_open() || shows_token(headers, tokens) {
            return Ok(());
        }
        let reason = "a token is needed, and none was shown that is known";
        Err(Refusal::new(StatusCode::UNAUTHORIZED, reason))
    })
}

/// Removes the agent's token from a request to a service. A browser sends it to all paths of the agent's address.
pub(crate) fn hide_token(context: &Context, request: &mut Request<Incoming>) {
    if context.with_tokens(|tokens| shows_token(request.headers(), tokens)) {
        request.headers_mut().remove(AUTHORIZATION);
    }
}

/// Makes a browser ask for the token, as a password.
pub(super) fn challenge(answer: &mut Response<Body>) {
    if answer.status() == StatusCode::UNAUTHORIZED {
        let value =
            HeaderValue::from_static("Basic realm=\"pinnace: the token is the password\", Bearer");
        answer.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
}

/// Returns the token of an `Authorization` header, from `Bearer` (RFC 6750) or the password of `Basic` (RFC 7617).
pub(crate) fn token_of(authorization: &str) -> Option<String> {
    let (scheme, value) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let pair = is_basic.then(|| BASE64.decode(value.trim()).ok())??;
    String::from_utf8(pair).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// Base64 (RFC 4648), with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn shows_token(headers: &HeaderMap, tokens: &Tokens) -> bool {
    let token = text(headers.get(AUTHORIZATION)).and_then(token_of);
    token.is_some_and(|token| tokens.accept(&token))
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
        assert_eq!(token_of("Bearer abc").unwrap(), "abc");
        assert_eq!(token_of("basic bWU6c2VjcmV0OjE=").unwrap(), "secret:1");
        assert_eq!(token_of("Basic ***"), None);
        assert_eq!(token_of("Digest x"), None);
    }

    #[test]
    fn a_page_of_the_same_site_is_one() {
        assert!(is_of("http://localhost:80", "localhost:80"));
        assert!(!is_of("http://evil.example", "localhost:80"));
        assert!(!is_of("null", "localhost:80"));
    }
}
