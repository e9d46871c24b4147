use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use pinnace_test::{Fault, Index, Response, Sdist, Server, Wheel};

/// Returns the head and the body of the response to a request with these headers.
fn get(url: &str, headers: &str) -> (String, Vec<u8>) {
    let (place, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(place).unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {place}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), bytes[end..].to_vec())
}

fn index() -> (Index, Vec<u8>, String) {
    let (index, wheel) = (Index::start(), Wheel::new("voice", "1.5"));
    index.add(&wheel);
    let url = index.file_url("voice", &wheel.file_name());
    (index, wheel.bytes(), url)
}

#[test]
fn pages_and_files_are_served_and_requests_recorded() {
    let (index, bytes, url) = index();
    index.add_sdist(&Sdist::new("voice", "2.0").file("PKG-INFO", "Name: voice\n"));
    let page = format!("{}/voice/", index.url());
    let (head, body) = get(&page, "");
    assert!(head.contains("application/vnd.pypi.simple.v1+json"), "{head}");
    let body = String::from_utf8(body).unwrap();
    let size = format!("\"size\":{},", bytes.len());
    assert!(body.contains(&size) && body.contains("\"voice-2.0.tar.gz\""), "{body}");
    assert_eq!(get(&url, "Range: bytes=0-9\r\n").1, bytes);
    index.serve_html();
    let (head, body) = get(&page, "");
    assert!(head.contains("text/html"), "{head}");
    assert!(body.starts_with(b"<!DOCTYPE html>"));
    assert!(get(&format!("{}/none/", index.url()), "").0.starts_with("HTTP/1.1 404"));
    let asked = index.take_requests();
    assert_eq!((asked.len(), asked[0].as_str()), (4, "/simple/voice/"));
    assert_eq!(index.take_requests(), [""; 0]);
}

#[test]
fn ranges_are_heeded_on_demand() {
    let (index, bytes, url) = index();
    index.serve_ranges();
    let length = bytes.len();
    for (range, expected) in
        [("2-5", 2..6), ("7-", 7..length), ("-3", length - 3..length), ("0-99999", 0..length)]
    {
        let (head, body) = get(&url, &format!("Range: bytes={range}\r\n"));
        let told = format!("bytes {}-{}/{length}", expected.start, expected.end - 1);
        assert!(head.starts_with("HTTP/1.1 206") && head.contains(&told), "{head}");
        assert_eq!(body, bytes[expected]);
    }
    let (head, body) = get(&url, "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, bytes);
}

#[test]
fn faults_last_until_they_are_taken_away() {
    let (index, bytes, url) = index();
    index.set_fault(Fault::WrongBytes);
    assert_eq!(get(&url, "").1, vec![0; bytes.len()]);
    index.set_fault(Fault::Truncated);
    let (head, body) = get(&url, "");
    assert_eq!(body, bytes[..bytes.len() / 2]);
    assert!(head.contains(&format!("Content-Length: {}", bytes.len())), "{head}");
    index.set_fault(Fault::Status(503));
    assert!(get(&url, "").0.starts_with("HTTP/1.1 503"));
    index.set_fault(Fault::Private);
    assert!(get(&url, "").0.starts_with("HTTP/1.1 401"));
    assert_eq!(get(&url, "Authorization: Basic YW5uYTpzM2NyZXQ=\r\n").1, bytes);
    index.set_fault(None);
    assert_eq!(get(&url, "").1, bytes);
    index.put("voice", "small", vec![1, 2, 3]);
    index.set_fault(Fault::Slow);
    let started = Instant::now();
    assert_eq!(get(&index.file_url("voice", "small"), "").1, [1, 2, 3]);
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_connection_takes_many_requests() {
    let server = Server::start(|request| Response::ok("text/plain", request.target()));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    for path in ["/a", "/b?c"] {
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut response = String::new();
        while !response.ends_with(path) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            response.push(byte[0].into());
        }
    }
}
