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

/// How long somebody may say nothing before it is taken for one who waits to be spoken to.
const SILENCE: Duration = Duration::from_secs(1);
/// What a connection of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"OPTIONS ",
    b"TRACE ",
    b"CONNECT ",
];

/// Looks at the first bytes of a connection, and leaves them there.
pub(super) async fn listen_to(stream: &TcpStream) -> Speech {
    let (mut bytes, until) = ([0; PREFACE.len()], Instant::now() + SILENCE);
    loop {
        let read = tokio::time::timeout_at(until, stream.peek(&mut bytes)).await;
        let Ok(Ok(length @ 1..)) = read else { return Speech::Other };
        match speech(&bytes[..length]) {
            Some(speech) => return speech,
            // More of it is not there yet, which a look does not wait for.
            None if Instant::now() < until => sleep(Duration::from_millis(2)).await,
            None => return Speech::Other,
        }
    }
}

/// `None` if it may become either.
pub(crate) fn speech(bytes: &[u8]) -> Option<Speech> {
    let all = METHODS.iter().copied().chain([PREFACE]);
    let mut open = false;
    for known in all {
        let length = known.len().min(bytes.len());
        if bytes[..length] == known[..length] {
            match bytes.len() >= known.len() {
                true => return Some(Speech::Http),
                false => open = true,
            }
        }
    }
    if open { None } else { Some(Speech::Other) }
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
            (PREFACE, Some(Speech::Http)),
            (b"PRI * HT", None),
            (b"P", None),
            (b"GETX", Some(Speech::Other)),
            (b"\x00\x01", Some(Speech::Other)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Speech::Other)),
        ] {
            assert_eq!(speech(bytes), expected, "{bytes:?}");
        }
    }
}
