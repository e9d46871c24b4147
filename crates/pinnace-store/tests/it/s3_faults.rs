//! A server on loopback that speaks as much of S3 as is needed, and fails as networks and servers
//! do.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use pinnace_store::{Deployment, Digest, ErrorKind, Manifest, Published, S3Backend, Store};

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Answers with this status, and does nothing.
    Status(u16),
    /// Does nothing, and closes the connection.
    Reset,
    /// Sends half of the response.
    Truncated,
    /// Flips a bit in the response.
    Flipped,
    /// Does the request, and closes the connection before the response.
    DoneThenReset,
    /// Does the request, and never responds.
    Silent,
}

#[derive(Clone, Default)]
struct Server {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// The faults of the next requests whose first line begins with the text.
    faults: Arc<Mutex<VecDeque<(&'static str, Fault)>>>,
    fired: Arc<Mutex<usize>>,
}

impl Server {
    fn start(&self) -> Store {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                thread::spawn(move || while server.answer(&stream).is_some() {});
            }
        });
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ];
        let variables: Vec<(String, String)> =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let patience = Duration::from_secs(3);
        Store::open(S3Backend::with_patience("s3://bucket", &variables, patience).unwrap()).unwrap()
    }

    fn fail(&self, what: &'static str, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults.iter().map(|fault| (what, *fault)));
    }

    /// Takes the fault of this request, if there is one.
    fn take(&self, line: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let (_, fault) = *faults.front().filter(|(what, _)| line.starts_with(what))?;
        faults.pop_front();
        *self.fired.lock().unwrap() += 1;
        Some(fault)
    }

    /// Answers one request; returns `None` if no more will come on this connection.
    fn answer(&self, stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length =
            headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let faulty = self.take(&line);
        match faulty {
            Some(Fault::Status(status)) => {
                return respond(stream, status, "Retry-After: 0\r\n", b"");
            }
            Some(Fault::Reset) => return stream.shutdown(Shutdown::Both).ok().and(None),
            _ => {}
        }
        let (status, more, mut content) = self.act(&line, &headers, body);
        match faulty {
            Some(Fault::DoneThenReset) => stream.shutdown(Shutdown::Both).ok().and(None),
            Some(Fault::Silent) => {
                thread::sleep(Duration::from_secs(20));
                None
            }
            Some(Fault::Truncated) => {
                let mut stream = stream;
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{more}\r\n",
                    content.len()
                );
                stream.write_all(head.as_bytes()).ok()?;
                stream.write_all(&content[..content.len() / 2]).ok()?;
                stream.shutdown(Shutdown::Both).ok().and(None)
            }
            Some(Fault::Flipped) => {
                content[0] ^= 1;
                respond(stream, status, &more, &content)
            }
            _ if line.starts_with("HEAD") => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{more}\r\n",
                    content.len()
                );
                let mut stream = stream;
                stream.write_all(head.as_bytes()).ok()
            }
            _ => respond(stream, status, &more, &content),
        }
    }

    fn act(
        &self,
        line: &str,
        headers: &BTreeMap<String, String>,
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        let mut parts = line.split(' ');
        let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches("/bucket").trim_start_matches('/').replace("%40", "@");
        let mut objects = self.objects.lock().unwrap();
        let dated = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nETag: \"x\"\r\n".to_owned();
        match method {
            "PUT" if headers.contains_key("if-none-match") && objects.contains_key(&key) => {
                (412, String::new(), Vec::new())
            }
            "PUT" => {
                objects.insert(key, body);
                (200, dated, Vec::new())
            }
            "GET" if key.is_empty() => (200, String::new(), listing(&objects, query)),
            "GET" | "HEAD" => match objects.get(&key) {
                Some(content) => (200, dated, content.clone()),
                None => (404, String::new(), Vec::new()),
            },
            _ => (501, String::new(), Vec::new()),
        }
    }
}

/// Lists the first keys of a folder.
fn listing(objects: &BTreeMap<String, Vec<u8>>, query: &str) -> Vec<u8> {
    let value = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_default().replace("%2F", "/").replace("%40", "@")
    };
    let limit = value("max-keys").parse().unwrap_or(1000);
    let prefix = value("prefix");
    let entries = objects.iter().filter(|(key, _)| key.starts_with(&prefix)).take(limit);
    let entries: String = entries
        .map(|(key, content)| {
            let size = content.len();
            format!("<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>x</ETag><Size>{size}</Size></Contents>")
        })
        .collect();
    format!("<ListBucketResult>{entries}</ListBucketResult>").into_bytes()
}

fn respond(mut stream: &TcpStream, status: u16, more: &str, content: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{more}\r\n", content.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(content).ok()
}

fn content() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n % 251) as u8).collect()
}

#[test]
fn what_passes_is_tried_again() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Reset,
        Fault::DoneThenReset,
    ] {
        let server = Server::default();
        let store = server.start();
        server.fail("PUT", &[fault; 2]);
        let digest =
            store.put(&mut content().as_slice()).unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        server.fail("GET", &[fault; 2]);
        let mut back = Vec::new();
        let blob = store.get(&digest).unwrap_or_else(|e| panic!("{fault:?}: {e}"));
        blob.unwrap().read_to_end(&mut back).unwrap();
        assert!(back == content(), "{fault:?}");
        assert_eq!(*server.fired.lock().unwrap(), 4, "{fault:?}");
    }
}

#[test]
fn what_was_damaged_on_the_way_is_never_handed_out() {
    for fault in [Fault::Truncated, Fault::Flipped] {
        let server = Server::default();
        let store = server.start();
        let digest = store.put(&mut content().as_slice()).unwrap();
        server.fail("GET", &[fault]);
        match store.get(&digest) {
            Ok(blob) => {
                let mut back = Vec::new();
                blob.unwrap().read_to_end(&mut back).unwrap();
                assert!(back == content(), "{fault:?}");
            }
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Damaged { .. } | ErrorKind::Backend { .. }),
                "{error}"
            ),
        }
        assert_eq!(*server.fired.lock().unwrap(), 1, "{fault:?}");
        let mut back = Vec::new();
        store.get(&digest).unwrap().unwrap().read_to_end(&mut back).unwrap();
        assert!(back == content());
    }
}

#[test]
fn what_does_not_pass_is_an_error_that_names_the_object() {
    for fault in [Fault::Status(403), Fault::Silent] {
        let server = Server::default();
        let store = server.start();
        let digest = Digest::new([7; 32]);
        server.fail("GET", &[fault; 40]);
        let error = store.get(&digest).unwrap_err();
        let hex = digest.to_hex();
        assert!(
            error.to_string().contains(&format!("blobs/07/{}", &hex[2..])),
            "{fault:?}: {error}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(*server.fired.lock().unwrap() > 0, "{fault:?}");
    }
}

/// Checks that a deployment that was written, although the server reported a failure, counts as the
/// writer's own.
#[test]
fn a_step_that_was_done_all_the_same_is_not_lost() {
    for fault in [Fault::DoneThenReset, Fault::Silent, Fault::Status(500)] {
        let server = Server::default();
        let store = server.start();
        let manifest = Manifest::new("release", serde_json::json!({})).unwrap();
        let release = store.put_manifest(&manifest, &Default::default()).unwrap();
        let mut deployment = Deployment::default();
        deployment.release = Some(release);
        server.fail("PUT /bucket/refs", &[fault]);
        let published = store.publish(&"x".parse().unwrap(), None, deployment.clone()).unwrap();
        assert!(matches!(published, Published::Done(_)), "{fault:?}: {published:?}");
        assert_eq!(*server.fired.lock().unwrap(), 1, "{fault:?}");
        deployment.by = "another".to_owned();
        let other = store.publish(&"x".parse().unwrap(), None, deployment).unwrap();
        assert!(matches!(other, Published::Lost(Some(_))), "{fault:?}: {other:?}");
    }
}
