//! The forwarding of one request to the process that is live.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode, Uri, Version,
    body::{Body as _, Incoming},
    header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER},
    http::{request::Parts, uri::PathAndQuery},
    upgrade,
};
use hyper_util::rt::TokioIo;

use super::{headers, in_flight_body::in_flight_body};
use crate::server::{
    body::{Body, full, incoming},
    gate::{Gate, InFlight},
};

/// The origin of a request.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The client's address.
    pub(crate) peer: IpAddr,
    /// The prefix of the path that the process does not see.
    pub(crate) prefix: Option<String>,
}

/// Forwards a request to the live process, and returns the response.
pub(crate) async fn forward(
    gate: &Gate,
    mut request: Request<Incoming>,
    origin: &Origin,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "the agent is no proxy for other hosts");
    }
    let upgrading = headers::upgrade(request.headers());
    let client = upgrading.is_some().then(|| upgrade::on(&mut request));
    let is_grpc = is_grpc(&request);
    let (mut parts, body) = request.into_parts();
    prepare(&mut parts, origin, upgrading);
    if is_grpc {
        // Over HTTP/2 the authority stands for it.
        parts.headers.remove(HOST);
    }
    // A safe request without a body may be sent twice (RFC 9110, section 9.2.1).
    let is_repeatable = body.is_end_stream() && parts.method.is_safe() && client.is_none();
    let repeat = is_repeatable.then(|| parts.clone());
    let Some(in_flight) = gate.wait().await else { return unavailable() };
    let answer = send(&in_flight, Request::from_parts(parts, incoming(body)), is_grpc).await;
    match (answer, repeat) {
        (Ok(answer), _) => pass(answer, in_flight, client),
        (Err(_), Some(parts)) => send_again(gate, in_flight, parts, is_grpc).await,
        (Err(_), None) => broken(),
    }
}

/// The time in which the agent notices that a process has ended.
const NOTICE: Duration = Duration::from_millis(20);

/// Sends a request again, to the process that is live by now.
async fn send_again(gate: &Gate, first: InFlight, parts: Parts, is_grpc: bool) -> Response<Body> {
    drop(first);
    tokio::time::sleep(NOTICE).await;
    let Some(in_flight) = gate.wait().await else { return unavailable() };
    match send(&in_flight, Request::from_parts(parts, full(Bytes::new())), is_grpc).await {
        Ok(answer) => pass(answer, in_flight, None),
        Err(_) => broken(),
    }
}

async fn send(
    in_flight: &InFlight,
    request: Request<Body>,
    is_grpc: bool,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    let clients = &in_flight.upstream().clients;
    let client = if is_grpc { &clients.http2 } else { &clients.http1 };
    client.request(request).await
}

/// Rewrites the headers and the URI of a request for the process.
fn prepare(parts: &mut Parts, origin: &Origin, upgrading: Option<HeaderValue>) {
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(HOST).or_insert(host);
    }
    // HTTP/1.1 requires a host, which a client of HTTP/1.0 need not send.
    parts.headers.entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    headers::strip(&mut parts.headers);
    headers::join_cookies(&mut parts.headers);
    headers::set_forwarded(&mut parts.headers, origin.peer, origin.prefix.as_deref());
    if let Some(protocol) = upgrading {
        headers::set_upgrade(&mut parts.headers, protocol);
    }
    parts.uri = process_uri(&parts.uri, origin.prefix.as_deref());
    parts.version = Version::HTTP_11;
}

/// Returns the URI without the prefix. The host is a constant, because each process has its own client.
fn process_uri(uri: &Uri, prefix: Option<&str>) -> Uri {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let path = prefix.and_then(|prefix| path.strip_prefix(prefix)).unwrap_or(path);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Uri::builder()
        .scheme("http")
        .authority("process")
        .path_and_query(path)
        .build()
        .unwrap_or_default()
}

/// Passes a response on. The request is in flight until its body ends, or until the protocol that it switched to does.
fn pass(
    mut answer: Response<Incoming>,
    in_flight: InFlight,
    client: Option<upgrade::OnUpgrade>,
) -> Response<Body> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::strip(answer.headers_mut());
        return answer.map(|body| in_flight_body(body, in_flight));
    }
    let (Some(client), Some(protocol)) = (client, headers::upgrade(answer.headers())) else {
        return broken();
    };
    let process = upgrade::on(&mut answer);
    tokio::spawn(async move {
        let (Ok(client), Ok(process)) = (client.await, process.await) else { return };
        let (mut client, mut process) = (TokioIo::new(client), TokioIo::new(process));
        let _ = tokio::io::copy_bidirectional(&mut client, &mut process).await;
        drop(in_flight);
    });
    headers::strip(answer.headers_mut());
    headers::set_upgrade(answer.headers_mut(), protocol);
    answer.map(|_| full(Bytes::new()))
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    request.version() == Version::HTTP_2
        && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn unavailable() -> Response<Body> {
    let mut answer = plain(StatusCode::SERVICE_UNAVAILABLE, "the service is not running");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn broken() -> Response<Body> {
    plain(StatusCode::BAD_GATEWAY, "the service closed the connection without an answer")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(full(format!("{text}\n")));
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_away() {
        let uri = |uri: &str, prefix| process_uri(&uri.parse().unwrap(), prefix).to_string();
        assert_eq!(uri("/a/b?c=d", None), "http://process/a/b?c=d");
        assert_eq!(uri("/shop/b?c=d", Some("/shop")), "http://process/b?c=d");
        assert_eq!(uri("/shop", Some("/shop")), "http://process/");
        assert_eq!(uri("/shop?x", Some("/shop")), "http://process/?x");
    }
}
