//! Headers of one connection, and headers that tell a process of the client (RFC 9110, section 7.6).

use std::net::IpAddr;

use hyper::{
    HeaderMap,
    header::{
        CONNECTION, COOKIE, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
        TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

/// The headers of one connection that `Connection` need not name.
static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Returns the protocol that a connection is to switch to, or switches to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = list(headers, &CONNECTION).any(|value| value.eq_ignore_ascii_case("upgrade"));
    headers.get(UPGRADE).filter(|_| asks).cloned()
}

/// Removes the headers of one connection.
pub(super) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<String> = list(headers, &CONNECTION).map(str::to_owned).collect();
        named.iter().for_each(|name| drop(headers.remove(name)));
    }
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
    // gRPC needs it (its specification, "Requests").
    let trailers = list(headers, &TE).any(|value| value.eq_ignore_ascii_case("trailers"));
    headers.remove(TE);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Joins the parts of a cookie, which HTTP/2 may split (RFC 9113, section 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let parts: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if parts.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&parts.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Sets the headers that switch to another protocol.
pub(super) fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Sets the headers that tell a process of the client's address, its host, and the prefix.
pub(super) fn set_forwarded(headers: &mut HeaderMap, peer: IpAddr, prefix: Option<&str>) {
    let before: Vec<&str> = list(headers, &FORWARDED_FOR).collect();
    let all = before.into_iter().map(str::to_owned).chain([peer.to_string()]);
    if let Ok(value) = HeaderValue::from_str(&all.collect::<Vec<_>>().join(", ")) {
        headers.insert(FORWARDED_FOR, value);
    }
    // A TLS proxy in front of the agent runs on this machine. Headers of other clients cannot be trusted.
    if !peer.is_loopback() {
        [FORWARDED_HOST, FORWARDED_PROTO].iter().for_each(|name| drop(headers.remove(name)));
    }
    if let Some(host) = headers.get(HOST).cloned() {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    headers.remove(FORWARDED_PREFIX);
    if let Some(Ok(prefix)) = prefix.map(HeaderValue::from_str) {
        headers.insert(FORWARDED_PREFIX, prefix);
    }
}

fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_one_connection_is_not_passed_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Own"),
            ("x-own", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip, trailers"),
            ("accept", "text/html"),
            ("host", "shop.example"),
            ("x-forwarded-for", "10.0.0.1"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip(&mut headers);
        set_forwarded(&mut headers, IpAddr::from([127, 0, 0, 1]), Some("/shop"));
        let mut left: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "accept: text/html",
                "host: shop.example",
                "te: trailers",
                "x-forwarded-for: 10.0.0.1, 127.0.0.1",
                "x-forwarded-host: shop.example",
                "x-forwarded-prefix: /shop",
                "x-forwarded-proto: http",
            ]
        );
    }

    #[test]
    fn an_upgrade_is_one_only_if_the_connection_says_so() {
        let mut headers = HeaderMap::new();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        assert_eq!(upgrade(&headers), None);
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        assert_eq!(upgrade(&headers).unwrap(), "websocket");
    }
}
