//! A connection that is no HTTP, led to the process that is live when it comes.

use std::time::Duration;

use tokio::{
    io::copy_bidirectional,
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::gate::Gate;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Speech {
    Http,
    Other,
}

/// How long somebody may say nothing. Whoever waits to be spoken to has a `tcp` route; a connection that is kept for later
/// is led nowhere before it says something, since it would be led to a process that may be another one by then.
const SILENCE: Duration = Duration::from_secs(600);
/// How long the rest of a word may take that was begun.
const REST: Duration = Duration::from_secs(1);
/// What a connection of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// No method of HTTP is longer, of those that are registered.
const LONGEST_METHOD: usize = 32;

/// Looks at the first bytes of a connection, and leaves them there; `None` if there are none.
pub(super) async fn listen_to(stream: &TcpStream) -> Option<Speech> {
    let mut bytes = [0; LONGEST_METHOD + 8];
    let mut until = Instant::now() + SILENCE;
    let mut known = 0;
    loop {
        let read = tokio::time::timeout_at(until, stream.peek(&mut bytes)).await;
        let length = read.ok()?.ok().filter(|length| *length > 0)?;
        if known == 0 {
            until = Instant::now() + REST;
        }
        match speech(&bytes[..length]) {
            Some(speech) => return Some(speech),
            // More of it is not there yet, which a look does not wait for.
            None if Instant::now() < until => sleep(Duration::from_millis(2)).await,
            None => return Some(Speech::Other),
        }
        known = length;
    }
}

/// What bytes begin: a preface of HTTP/2, or a method and what is asked for (RFC 9112, section 3), before which
/// there may be empty lines. `None` if it may become either.
pub(crate) fn speech(bytes: &[u8]) -> Option<Speech> {
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte))?;
    let bytes = &bytes[start..];
    let length = PREFACE.len().min(bytes.len());
    if bytes[..length] == PREFACE[..length] && length > 3 {
        return (length == PREFACE.len()).then_some(Speech::Http);
    }
    let end = bytes.iter().position(|byte| !byte.is_ascii_uppercase() && *byte != b'-');
    match end {
        None if bytes.len() <= LONGEST_METHOD => None,
        Some(end @ 1..=LONGEST_METHOD) if bytes[end] == b' ' => match bytes.get(end + 1) {
            None => None,
            Some(b'/' | b'*' | b'h') => Some(Speech::Http),
            Some(_) => Some(Speech::Other),
        },
        _ => Some(Speech::Other),
    }
}

/// Carries bytes both ways until both sides are done.
pub(super) async fn carry(gate: &Gate, mut stream: TcpStream) {
    let Some(visit) = gate.wait().await else { return };
    let Ok(link) = visit.upstream().place().connect().await else { return };
    let _ = copy_bidirectional(&mut stream, &mut link.into_socket()).await;
    drop(visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_known_by_its_first_word() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Speech::Http)),
            (b"\r\nPROPFIND /x", Some(Speech::Http)),
            (b"OPTIONS * HTTP/1.1", Some(Speech::Http)),
            (PREFACE, Some(Speech::Http)),
            (b"PRI * HT", None),
            (b"P", None),
            (b"GET ", None),
            (b"\r\n", None),
            (b"PING\r\n", Some(Speech::Other)),
            (b"SET key", Some(Speech::Other)),
            (b"\x00\x01", Some(Speech::Other)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Speech::Other)),
        ] {
            assert_eq!(speech(bytes), expected, "{bytes:?}");
        }
    }
}
