use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// Sends a request on a connection of its own, and returns the status and the body of the response.
///
/// The server is a host and a port. The request lacks the empty line that ends its headers.
///
/// ```
/// use pinnace_test::{Response, Server, ask};
///
/// let server = Server::start(|_| Response::ok("text/plain", "hello"));
/// let response = ask(&server.address().to_string(), "GET / HTTP/1.1\r\nHost: x\r\n");
/// assert_eq!(response, (200, "hello".to_owned()));
/// ```
pub fn ask(server: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    (head.split(' ').nth(1).unwrap_or("0").parse().unwrap(), body.to_owned())
}
