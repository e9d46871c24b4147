//! One request, led to the process that is live when it comes.

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

use super::headers;
use crate::{
    body::{Body, full, incoming, visiting},
    gate::{Gate, Visit},
};

/// How a request has come.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    /// Who asks.
    pub(crate) peer: IpAddr,
    /// What its path has before what the process knows of it.
    pub(crate) prefix: Option<String>,
}

/// Forwards a request, and its answer.
pub(crate) async fn forward(
    gate: &Gate,
    mut request: Request<Incoming>,
    via: &Via,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return say(StatusCode::METHOD_NOT_ALLOWED, "this is no proxy for other places");
    }
    let upgrading = headers::upgrade(request.headers());
    let client = upgrading.is_some().then(|| upgrade::on(&mut request));
    let is_grpc = is_grpc(&request);
    let (mut parts, body) = request.into_parts();
    prepare(&mut parts, via, upgrading);
    if is_grpc {
        // It would contradict the authority of HTTP/2.
        parts.headers.remove(HOST);
    }
    // What has no body may be asked again, where it is known that asking twice is asking once.
    let is_spare = body.is_end_stream() && parts.method.is_safe() && client.is_none();
    let spare = is_spare.then(|| parts.clone());
    let Some(visit) = gate.wait().await else { return unavailable() };
    let answer = send(&visit, Request::from_parts(parts, incoming(body)), is_grpc).await;
    match (answer, spare) {
        (Ok(answer), _) => pass(answer, visit, client),
        (Err(_), Some(parts)) => again(gate, visit, parts, is_grpc).await,
        (Err(_), None) => broken(),
    }
}

/// How long it takes to notice that a process has ended.
const MOMENT: Duration = Duration::from_millis(20);

/// A second try, at the process that is live by now.
async fn again(gate: &Gate, first: Visit, parts: Parts, is_grpc: bool) -> Response<Body> {
    drop(first);
    // It is noticed in a moment that a process has ended.
    tokio::time::sleep(MOMENT).await;
    let Some(visit) = gate.wait().await else { return unavailable() };
    match send(&visit, Request::from_parts(parts, full(Bytes::new())), is_grpc).await {
        Ok(answer) => pass(answer, visit, None),
        Err(_) => broken(),
    }
}

async fn send(
    visit: &Visit,
    request: Request<Body>,
    is_grpc: bool,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    let clients = &visit.upstream().clients;
    let client = if is_grpc { &clients.http2 } else { &clients.http1 };
    client.request(request).await
}

/// Makes a request one to the process.
fn prepare(parts: &mut Parts, via: &Via, upgrading: Option<HeaderValue>) {
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(HOST).or_insert(host);
    }
    // HTTP/1.0 has none, and HTTP/1.1 must.
    parts.headers.entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    headers::strip(&mut parts.headers);
    headers::join_cookies(&mut parts.headers);
    headers::tell(&mut parts.headers, via.peer, via.prefix.as_deref());
    if let Some(protocol) = upgrading {
        headers::set_upgrade(&mut parts.headers, protocol);
    }
    parts.uri = inner(&parts.uri, via.prefix.as_deref());
    parts.version = Version::HTTP_11;
}

/// The address as the process knows it. The host is one for all: each process has its clients.
fn inner(uri: &Uri, prefix: Option<&str>) -> Uri {
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

/// Passes an answer on: as long as it comes, or as long as what it became lives, somebody is with the process.
fn pass(
    mut answer: Response<Incoming>,
    visit: Visit,
    client: Option<upgrade::OnUpgrade>,
) -> Response<Body> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::strip(answer.headers_mut());
        return answer.map(|body| visiting(body, visit));
    }
    let (Some(client), Some(protocol)) = (client, headers::upgrade(answer.headers())) else {
        return broken();
    };
    let process = upgrade::on(&mut answer);
    tokio::spawn(async move {
        let (Ok(client), Ok(process)) = (client.await, process.await) else { return };
        let (mut client, mut process) = (TokioIo::new(client), TokioIo::new(process));
        let _ = tokio::io::copy_bidirectional(&mut client, &mut process).await;
        drop(visit);
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
    let mut answer = say(StatusCode::SERVICE_UNAVAILABLE, "the service does not run now");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn broken() -> Response<Body> {
    say(StatusCode::BAD_GATEWAY, "the service closed the connection without an answer")
}

fn say(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(full(format!("{text}\n")));
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_away() {
        let inner = |uri: &str, prefix| inner(&uri.parse().unwrap(), prefix).to_string();
        assert_eq!(inner("/a/b?c=d", None), "http://process/a/b?c=d");
        assert_eq!(inner("/shop/b?c=d", Some("/shop")), "http://process/b?c=d");
        assert_eq!(inner("/shop", Some("/shop")), "http://process/");
        assert_eq!(inner("/shop?x", Some("/shop")), "http://process/?x");
    }
}
