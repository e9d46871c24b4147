//! A simple index on loopback.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use pinnace_archive::{ArchivePath, Mode, Writer};

/// An index that serves wheels, and records the requests.
pub(crate) struct TestIndex {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The names and bytes of the files, by project.
    wheels: Mutex<BTreeMap<String, BTreeMap<String, Vec<u8>>>>,
    requests: Mutex<Vec<String>>,
    trouble: Mutex<Trouble>,
}

/// A fault of the index.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// Files have wrong bytes of the right length.
    WrongBytes,
    /// Files end after half of their bytes.
    Truncated,
    /// Files arrive byte by byte.
    Slow,
    /// Every response has this status.
    Status(u16),
    /// Requests without the credentials `anna` and `s3cret` get 401.
    Private,
}

impl TestIndex {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || state.answer(stream));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/simple", self.address)
    }

    pub(crate) fn set_trouble(&self, trouble: Trouble) {
        *self.state.trouble.lock().unwrap() = trouble;
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.requests.lock().unwrap())
    }

    /// Adds a wheel, and returns its bytes.
    pub(crate) fn wheel(&self, name: &str) -> Vec<u8> {
        self.add(name, &[], &[("voice.py", "def say(words):\n    return 'oi'\n")]);
        self.bytes(name)
    }

    /// Returns the bytes of a wheel.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let project = name.split('-').next().unwrap();
        self.state.wheels.lock().unwrap()[project][name].clone()
    }

    /// Adds a wheel with these files; `requires` are its requirements.
    pub(crate) fn add(&self, name: &str, requires: &[&str], files: &[(&str, &str)]) {
        let parts: Vec<&str> = name.split('-').collect();
        let info = format!("{}-{}.dist-info", parts[0], parts[1]);
        let mut metadata =
            format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", parts[0], parts[1]);
        requires
            .iter()
            .for_each(|requirement| writeln!(metadata, "Requires-Dist: {requirement}").unwrap());
        let mut members: BTreeMap<String, String> = files
            .iter()
            .map(|(path, text)| (path.replace("{info}", &info), (*text).to_owned()))
            .collect();
        members.insert(format!("{info}/METADATA"), metadata);
        members.insert(
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_owned(),
        );
        members.insert(format!("{info}/RECORD"), String::new());
        let mut writer = Writer::new(Vec::new());
        for (path, text) in &members {
            writer.bytes(&ArchivePath::parse(path).unwrap(), Mode::File, text.as_bytes()).unwrap();
        }
        let project = parts[0].replace(['_', '.'], "-").to_lowercase();
        self.put(&project, name, writer.finish().unwrap().0);
    }

    /// Adds a source distribution with these files.
    pub(crate) fn add_sdist(&self, project: &str, version: &str, files: &[(&str, &str)]) {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(encoder);
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            let path = format!("{project}-{version}/{path}");
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        self.put(project, &format!("{project}-{version}.tar.gz"), bytes);
    }

    fn put(&self, project: &str, name: &str, bytes: Vec<u8>) {
        let mut wheels = self.state.wheels.lock().unwrap();
        wheels.entry(project.to_owned()).or_default().insert(name.to_owned(), bytes);
    }

    /// Adds `moo`, a small cowsay: a script, a module and a dependency.
    pub(crate) fn with_moo(self) -> Self {
        self.add(
            "moo-1.0-py3-none-any.whl",
            &["voice>=1"],
            &[
                (
                    "moo/__init__.py",
                    "def main():\n    import sys, voice\n    print(voice.say(sys.argv[1:]))\n",
                ),
                ("moo/__main__.py", "from moo import main\nmain()\n"),
                ("{info}/entry_points.txt", "[console_scripts]\nmoo = moo:main\n"),
            ],
        );
        self.add(
            "voice-1.5-py3-none-any.whl",
            &[],
            &[("voice.py", "def say(words):\n    return 'moo ' + ' '.join(words)\n")],
        );
        self
    }
}

impl State {
    fn answer(&self, mut stream: TcpStream) {
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let Some(Ok(first)) = lines.next() else { return };
        let mut allowed = false;
        while let Some(Ok(line)) =
            lines.next().filter(|line| line.as_ref().is_ok_and(|l| !l.is_empty()))
        {
            // The credentials `anna:s3cret` in base64.
            allowed |= line.eq_ignore_ascii_case("authorization: basic YW5uYTpzM2NyZXQ=");
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(path.clone());
        let trouble = *self.trouble.lock().unwrap();
        // Some tests close the connection early.
        let _ = match (trouble, self.find(&path)) {
            (Trouble::Private, _) if !allowed => respond(&mut stream, 401, "", b""),
            (Trouble::Status(status), _) => respond(&mut stream, status, "", b""),
            (_, None) => respond(&mut stream, 404, "", b""),
            (_, Some((kind, bytes))) if !path.starts_with("/files/") => {
                respond(&mut stream, 200, kind, &bytes)
            }
            (Trouble::WrongBytes, Some((kind, bytes))) => {
                respond(&mut stream, 200, kind, &vec![0; bytes.len()])
            }
            (Trouble::Truncated, Some((kind, bytes))) => head(&mut stream, 200, kind, bytes.len())
                .and_then(|()| stream.write_all(&bytes[..bytes.len() / 2])),
            (Trouble::Slow, Some((kind, bytes))) => head(&mut stream, 200, kind, bytes.len())
                .and_then(|()| {
                    bytes.iter().try_for_each(|byte| {
                        thread::sleep(Duration::from_millis(100));
                        stream.write_all(&[*byte])
                    })
                }),
            (Trouble::None | Trouble::Private, Some((kind, bytes))) => {
                respond(&mut stream, 200, kind, &bytes)
            }
        };
    }

    fn find(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let wheels = self.wheels.lock().unwrap();
        let path = path.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match parts[..] {
            ["simple", project] => {
                let files: Vec<String> = wheels.get(project)?.iter().map(|(name, bytes)| {
                    let sha256: String = pinnace_archive::sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                    format!(r#"{{"filename":"{name}","url":"/files/{project}/{name}","size":{},"hashes":{{"sha256":"{sha256}"}}}}"#, bytes.len())
                }).collect();
                let page =
                    format!(r#"{{"meta":{{"api-version":"1.1"}},"files":[{}]}}"#, files.join(","));
                Some(("application/vnd.pypi.simple.v1+json", page.into_bytes()))
            }
            ["files", project, name] => {
                Some(("application/zip", wheels.get(project)?.get(name)?.clone()))
            }
            _ => None,
        }
    }
}

fn respond(stream: &mut TcpStream, status: u16, kind: &str, body: &[u8]) -> std::io::Result<()> {
    head(stream, status, kind, body.len())?;
    stream.write_all(body)
}

fn head(stream: &mut TcpStream, status: u16, kind: &str, length: usize) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
}
