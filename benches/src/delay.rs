//! A proxy that delays requests, like a distant server.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Starts a proxy on loopback that delays the bytes of clients; returns its address.
///
/// # Errors
///
/// Returns an error if no port is free.
pub fn delayed(server: String, delay: Duration) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(upstream) = TcpStream::connect(&server) else { continue };
            let (Ok(from), Ok(to)) = (client.try_clone(), upstream.try_clone()) else { continue };
            let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
            thread::spawn(move || pump(from, to, delay));
            thread::spawn(move || pump(upstream, client, Duration::ZERO));
        }
    });
    Ok(address)
}

/// Forwards each piece after the delay. Pieces that come together arrive together.
fn pump(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, pieces) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (due, piece) in pieces {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || sender.send((Instant::now() + delay, buffer[..n].to_vec())).is_err() {
            return;
        }
    }
}
