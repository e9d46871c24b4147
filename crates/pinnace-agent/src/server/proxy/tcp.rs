//! Connections of other protocols than HTTP.

use std::time::Duration;

use tokio::{
    io::copy_bidirectional,
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::server::gate::Gate;

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    Http,
    Other,
}

/// The time that a client has to send its first bytes. A connection is assigned to a process only then: an idle one would be
/// assigned to a process that may be replaced before the first request. Protocols in which the server speaks first need a
/// `tcp` route.
const SILENCE: Duration = Duration::from_secs(600);
/// The time for the rest of a first word that has begun.
const REST: Duration = Duration::from_secs(1);
/// The connection preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The length limit of a method. No registered method of HTTP is longer.
const LONGEST_METHOD: usize = 32;

/// Detects the protocol of a connection without consuming bytes; returns `None` if the client sends none.
pub(super) async fn detect_on(stream: &TcpStream) -> Option<Protocol> {
    let mut bytes = [0; LONGEST_METHOD + 8];
    let mut until = Instant::now() + SILENCE;
    let mut known = 0;
    loop {
        let read = tokio::time::timeout_at(until, stream.peek(&mut bytes)).await;
        let length = read.ok()?.ok().filter(|length| *length > 0)?;
        if known == 0 {
            until = Instant::now() + REST;
        }
        match detect(&bytes[..length]) {
            Some(protocol) => return Some(protocol),
            // `peek` does not wait for more bytes.
            None if Instant::now() < until => sleep(Duration::from_millis(2)).await,
            None => return Some(Protocol::Other),
        }
        known = length;
    }
}

/// Detects HTTP by the preface of HTTP/2, or by a method and a target after optional empty lines (RFC 9112, section 3).
/// Returns `None` if more bytes are needed.
pub(crate) fn detect(bytes: &[u8]) -> Option<Protocol> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let bytes = &bytes[start..];
    let length = PREFACE.len().min(bytes.len());
    if bytes[..length] == PREFACE[..length] && length > 3 {
        return (length == PREFACE.len()).then_some(Protocol::Http);
    }
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase() && *byte != b'-');
    match end {
        None if bytes.len() <= LONGEST_METHOD => None,
        Some(end @ 1..=LONGEST_METHOD) if bytes[end] == b' ' => match bytes.get(end + 1) {
            None => None,
            Some(b'/' | b'*' | b'h') => Some(Protocol::Http),
            Some(_) => Some(Protocol::Other),
        },
        _ => Some(Protocol::Other),
    }
}

/// Copies bytes in both directions until both sides are done.
pub(super) async fn carry(gate: &Gate, mut stream: TcpStream) {
    let Some(request) = gate.wait().await else { return };
    let Ok(link) = request.upstream().address().connect().await else { return };
    let _ = copy_bidirectional(&mut stream, &mut link.into_socket()).await;
    drop(request);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_known_by_its_first_word() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Protocol::Http)),
            (b"\r\nPROPFIND /x", Some(Protocol::Http)),
            (b"OPTIONS * HTTP/1.1", Some(Protocol::Http)),
            (PREFACE, Some(Protocol::Http)),
            (b"PRI * HT", None),
            (b"P", None),
            (b"GET ", None),
            (b"\r\n", None),
            (b"PING\r\n", Some(Protocol::Other)),
            (b"SET key", Some(Protocol::Other)),
            (b"\x00\x01", Some(Protocol::Other)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Protocol::Other)),
        ] {
            assert_eq!(detect(bytes), expected, "{bytes:?}");
        }
    }
}
