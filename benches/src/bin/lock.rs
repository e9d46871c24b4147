//! Races `pinnace lock` against a peer and against the physical limit, in turn, in one run.
//!
//! ```text
//! cargo build --release
//! target/release/lock --python PY [--runs N] [--peer NAME=COMMAND]… [--index URL REQUIREMENT…]
//! ```
//!
//! Without `--index` it serves an index of its own on loopback: 150 projects with 40 versions each,
//! each of which requires four others. All are asked from the same Python, cold (an empty cache
//! before every run) and warm (whatever the run before left). In a peer's COMMAND, which is a shell's,
//! `{index}`, `{requirements}` (a file) and `{cache}` are put in. The floor makes the same requests
//! with the same number of connections, and does nothing with the answers.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pinnace_test::{Page, Request, Response, Server, sha256_hex};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROJECTS: usize = 150;
const VERSIONS: usize = 40;
/// The number of connections of `pinnace`.
const CONNECTIONS: usize = 24;

fn main() -> Result<()> {
    let race = Race::parse(std::env::args().skip(1))?;
    let site = race.index.is_none().then(Site::start);
    let index = match (&race.index, &site) {
        (Some(index), _) => index.clone(),
        (None, Some(site)) => site.server.url("/simple/"),
        (None, None) => return Err("there is no index".into()),
    };
    let folder = tempfile::tempdir()?;
    let mut lanes = lanes(&race, &index, folder.path())?;
    for run in 0..=race.runs {
        for lane in &mut lanes {
            if let Temperature::Cold = lane.temperature {
                let _ = fs::remove_dir_all(&lane.cache);
            }
            let before = site.as_ref().map(Site::requests).unwrap_or_default();
            let started = Instant::now();
            lane.run()?;
            // The first round warms up.
            if run > 0 {
                lane.times.push(started.elapsed());
            }
            lane.requests = site.as_ref().map_or(0, |site| site.requests() - before);
        }
    }
    let mut floor = None;
    if let Some(site) = &site {
        let times: Result<Vec<Duration>> = (0..race.runs).map(|_| site.floor()).collect();
        floor = Some(median(&times?));
    }
    report(&lanes, floor);
    Ok(())
}

struct Race {
    python: String,
    runs: usize,
    peers: Vec<(String, String)>,
    index: Option<String>,
    requirements: Vec<String>,
}

#[derive(Clone, Copy)]
enum Temperature {
    Cold,
    Warm,
}

struct Lane {
    name: String,
    command: String,
    cache: PathBuf,
    temperature: Temperature,
    times: Vec<Duration>,
    requests: usize,
}

impl Race {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut race = Self {
            python: "python3".to_owned(),
            runs: 5,
            peers: Vec::new(),
            index: None,
            requirements: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} has no value"));
            match argument.as_str() {
                "--python" => race.python = value()?,
                "--runs" => race.runs = value()?.parse()?,
                "--index" => race.index = Some(value()?),
                "--peer" => {
                    let value = value()?;
                    let (name, command) = value.split_once('=').ok_or("a peer is NAME=COMMAND")?;
                    race.peers.push((name.to_owned(), command.to_owned()));
                }
                _ => race.requirements.push(argument),
            }
        }
        if race.requirements.is_empty() {
            race.requirements.push("p0".to_owned());
        }
        Ok(race)
    }
}

fn lanes(race: &Race, index: &str, folder: &Path) -> Result<Vec<Lane>> {
    let requirements = folder.join("requirements.in");
    let text: String = race.requirements.iter().map(|one| format!("{one}\n")).collect();
    let mut file = fs::File::create(&requirements)?;
    file.write_all(text.as_bytes())?;
    let own = std::env::current_exe()?.with_file_name("pinnace");
    let own = format!(
        "PINNACE_CACHE_DIR={{cache}} {} lock -r {{requirements}} -i {{index}} --python {} \
         --only-binary :all: -U -q -o {}",
        own.display(),
        race.python,
        folder.join("pylock.toml").display(),
    );
    let mut lanes = Vec::new();
    let commands = [("pinnace".to_owned(), own)].into_iter().chain(race.peers.iter().cloned());
    for (name, command) in commands {
        for (temperature, word) in [(Temperature::Cold, "cold"), (Temperature::Warm, "warm")] {
            let cache = folder.join(format!("{name}-{word}"));
            let command = command
                .replace("{cache}", &cache.display().to_string())
                .replace("{index}", index)
                .replace("{requirements}", &requirements.display().to_string());
            let name = format!("{name}, {word}");
            lanes.push(Lane { name, command, cache, temperature, times: Vec::new(), requests: 0 });
        }
    }
    Ok(lanes)
}

impl Lane {
    fn run(&self) -> Result<()> {
        let output =
            Command::new("sh").args(["-c", &self.command]).stdin(Stdio::null()).output()?;
        match output.status.success() {
            true => Ok(()),
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(format!("{} failed: {said}", self.name).into())
            }
        }
    }
}

fn report(lanes: &[Lane], floor: Option<Duration>) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    if let Some(floor) = floor {
        println!("{:24} {:8.1} ms", "floor, the same requests", milliseconds(floor));
    }
    for lane in lanes {
        let (least, most) = (lane.times.iter().min(), lane.times.iter().max());
        println!(
            "{:24} {:8.1} ms   ({:.1} to {:.1}), {} requests",
            lane.name,
            milliseconds(median(&lane.times)),
            milliseconds(least.copied().unwrap_or_default()),
            milliseconds(most.copied().unwrap_or_default()),
            lane.requests,
        );
    }
    let own = &lanes[..2];
    for (at, lane) in lanes.iter().enumerate().skip(2) {
        let ratio = milliseconds(median(&own[at % 2].times)) / milliseconds(median(&lane.times));
        println!("{} is {ratio:.2} times {}", own[at % 2].name, lane.name);
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// An index on loopback.
struct Site {
    server: Server,
    state: Arc<State>,
}

struct State {
    /// The content type and body of each path.
    pages: BTreeMap<String, (&'static str, Vec<u8>)>,
    requests: AtomicUsize,
    /// The requested paths, each once.
    paths: Mutex<BTreeSet<String>>,
}

impl Site {
    fn start() -> Self {
        let state = Arc::new(State {
            pages: pages(),
            requests: AtomicUsize::new(0),
            paths: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        Self { server: Server::start(move |request| shared.respond(request)), state }
    }

    fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Makes each request that was made before, once.
    fn floor(&self) -> Result<Duration> {
        let paths = self.state.paths.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let paths: Vec<String> = paths.into_iter().collect();
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let Ok(mut stream) = TcpStream::connect(self.server.address()) else { return };
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let _ = ask(&mut stream, path);
                    }
                });
            }
        });
        Ok(started.elapsed())
    }
}

fn ask(stream: &mut TcpStream, path: &str) -> Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())?;
    let mut reader = BufReader::new(&*stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(())
}

impl State {
    fn respond(&self, request: &Request) -> Response {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let path = request.target();
        let Some((kind, body)) = self.pages.get(path) else { return Response::status(404) };
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
        Response::ok(kind, body.as_slice()).header("Cache-Control", "max-age=600")
    }
}

/// Makes the pages of the index and the metadata file of every wheel.
fn pages() -> BTreeMap<String, (&'static str, Vec<u8>)> {
    let mut pages = BTreeMap::new();
    for project in 0..PROJECTS {
        let mut files = Vec::new();
        for version in 1..=VERSIONS {
            let metadata = metadata(project, version);
            let hash = sha256_hex(metadata.as_bytes());
            let name = format!("p{project}-{version}.0-py3-none-any.whl");
            files.push(format!(
                r#"{{"filename":"{name}","url":"/files/{name}","hashes":{{"sha256":"{:064x}"}},"core-metadata":{{"sha256":"{hash}"}},"size":1000,"upload-time":"2024-03-24T00:00:00Z","requires-python":">=3.8","yanked":false}}"#,
                project * 1000 + version
            ));
            pages.insert(
                format!("/files/{name}.metadata"),
                ("application/octet-stream", metadata.into_bytes()),
            );
        }
        let page = format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"p{project}","files":[{}]}}"#,
            files.join(",")
        );
        pages.insert(format!("/simple/p{project}/"), (Page::JSON, page.into_bytes()));
    }
    pages
}

/// Returns the requirements of a project: the next one, and three further ones in versions older than there are.
fn metadata(project: usize, version: usize) -> String {
    let mut text = format!(
        "Metadata-Version: 2.1\nName: p{project}\nVersion: {version}.0\nRequires-Python: >=3.8\n"
    );
    for (step, least) in [(1, 1), (7, 2), (13, 3), (29, 4)] {
        let next = project + step;
        if next < PROJECTS {
            let most = VERSIONS + 1 - next % 5;
            let _ = writeln!(text, "Requires-Dist: p{next}<{most},>={least}");
        }
    }
    text
}
