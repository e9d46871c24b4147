use std::{
    io::BufReader,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use crate::{request::Request, response::Response};

/// An HTTP/1.1 server on loopback, which runs until the process ends.
///
/// ```
/// use pinnace_test::{Response, Server};
///
/// let server = Server::start(|request| match request.path() {
///     "/hello" => Response::ok("text/plain", "hello"),
///     _ => Response::status(404),
/// });
/// assert!(server.url("/hello").starts_with("http://127.0.0.1:"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// Starts a server that answers each GET request with what the closure returns.
    pub fn start(respond: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let respond = Arc::new(respond);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let respond = Arc::clone(&respond);
                thread::spawn(move || serve(&stream, &*respond));
            }
        });
        Self { address }
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL of a path, which begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Answers the requests of a connection. A client that goes away in the middle is part of some
/// tests, so it ends the connection and nothing else.
fn serve(stream: &TcpStream, respond: &dyn Fn(&Request) -> Response) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader) {
        let stays_open = respond(&request).send(stream).unwrap_or(false);
        if !stays_open || request.is_last() {
            return;
        }
    }
}
