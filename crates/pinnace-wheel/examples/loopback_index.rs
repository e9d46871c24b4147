//! Resolves on a simple index over HTTP, with an HTTP client of its own.
//!
//! ```text
//! cargo run -p pinnace-wheel --example loopback_index
//! ```
//!
//! The example serves the index itself, on loopback. The client is thirty lines over a socket. The
//! cache and the downloaded wheels are in memory; a real program would keep them on disk.
#![expect(clippy::print_stdout, reason = "it is an example")]

use std::{
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use pinnace_wheel::{
    Address, Fetch, FetchError, GetRequest, Index, IndexOptions, IndexParts, Members, MemoryCache,
    MemoryWheels, Outcome, ReadAt, Request, Response, Silent, Target, resolve,
};

type BoxError = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}/simple/", listener.local_addr()?);
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream))));

    let (cache, wheels) = (MemoryCache::default(), MemoryWheels::default());
    let parts = IndexParts {
        fetch: &Client,
        cache: &cache,
        wheels: &wheels,
        members: &NoZips,
        progress: &Silent,
        credentials: None,
    };
    let index = Index::new(parts, IndexOptions::new(vec![Address::parse(&base)?], 0));
    let (request, target) =
        (Request::new(["app".parse()?]), "linux_x86_64-cp312".parse::<Target>()?);
    // Threads prefetch the pages and metadata that the solver will soon need.
    match index.reading_ahead(&request, &target, || resolve(&index, &request, &target))? {
        Outcome::Solved(resolution) => {
            resolution
                .pins()
                .iter()
                .for_each(|pin| println!("{} {}", pin.project(), pin.version()));
        }
        Outcome::Unsolvable(why) => println!("{why}"),
    }
    Ok(())
}

/// A client that supports just enough HTTP for this index.
struct Client;

impl Fetch for Client {
    fn fetch(&self, get: &GetRequest<'_>) -> Result<Response, FetchError> {
        ask(get).map_err(FetchError::new)
    }
}

fn ask(get: &GetRequest<'_>) -> Result<Response, BoxError> {
    let url = get.address.with_credentials();
    let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("no path")?;
    let mut stream = TcpStream::connect(host)?;
    let request = format!("GET /{path} HTTP/1.0\r\nAccept: {}\r\n\r\n", get.accept);
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let header = |name: &str| {
        head.iter().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned)
    };
    let status = head.first().and_then(|line| line.split(' ').nth(1)).ok_or("no status")?;
    Ok(Response {
        status: status.parse()?,
        redirected_to: None,
        content_type: header("Content-Type:").unwrap_or_default(),
        content_length: None,
        content_range: None,
        entity_tag: None,
        retry_after: None,
        body: Box::new(reader),
    })
}

/// A zip reader that is never called, because the index announces metadata files.
struct NoZips;

impl Members for NoZips {
    fn read(
        &self,
        _zip: &dyn ReadAt,
        _wanted: &dyn Fn(&str) -> bool,
        _limit: u64,
    ) -> Result<Option<Vec<u8>>, BoxError> {
        Err("this program reads no zips".into())
    }
}

const APP: &str = r#"{"meta": {"api-version": "1.0"}, "files": [{"filename": "app-1.0-py3-none-any.whl",
    "url": "/files/app-1.0-py3-none-any.whl", "hashes": {}, "core-metadata": true}]}"#;
const LIB: &str = r#"<a href="/files/lib-2.0-py3-none-any.whl" data-core-metadata="true">lib</a>"#;

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut first = String::new();
    BufReader::new((&stream).take(4096)).read_line(&mut first)?;
    let json = "application/vnd.pypi.simple.v1+json";
    let (status, kind, body) = match first.split(' ').nth(1).unwrap_or_default() {
        "/simple/app/" => (200, json, APP),
        "/simple/lib/" => (200, "text/html", LIB),
        "/files/app-1.0-py3-none-any.whl.metadata" => {
            (200, "text/plain", "Name: app\nVersion: 1.0\nRequires-Dist: lib>=2\n")
        }
        "/files/lib-2.0-py3-none-any.whl.metadata" => {
            (200, "text/plain", "Name: lib\nVersion: 2.0\n")
        }
        _ => (404, "text/plain", ""),
    };
    write!(stream, "HTTP/1.0 {status} X\r\nContent-Type: {kind}\r\n\r\n{body}")
}
