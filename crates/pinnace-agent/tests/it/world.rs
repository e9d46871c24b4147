//! A store, an agent over it, and projects that are published to it.

use std::{sync::Arc, time::Duration};

use pinnace_agent::{Agent, Client, Clock, Dependencies, Options, Outcome, RolloutStatus};
use pinnace_deploy::{
    Cache, Interpreters, Process, ReleaseInputs, Rules, Scan, ScanIndex, Service, SourceFolder,
    WheelLayer,
};
use pinnace_store::{Deployment, MemoryBackend, Published, Store};
use pinnace_test::{Folder, ask, python, write};
use pinnace_wheel::{Interpreter, MemoryCache};

/// Answers with its version; HTTP/1.1 with connections that stay, so that each test swaps below them.
pub(crate) const SERVER: &str = r#"
import http.server, os, socketserver, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(0.6)
        if self.path == "/die":
            os._exit(3)
        if self.path.startswith("/env/"):
            text = os.environ.get(self.path[5:], "(none)")
        elif self.path == "/headers":
            text = str(self.headers)
        elif self.path == "/pid":
            text = str(os.getpid())
        else:
            text = VERSION + " " + self.path
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128
print("listening", flush=True)
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

pub(crate) struct World {
    pub(crate) folder: Folder,
    pub(crate) backend: MemoryBackend,
    pub(crate) store: Store,
    machine: Arc<Cache>,
    python: Interpreter,
}

struct OnePython(Interpreter);

impl Interpreters for OnePython {
    fn find(&self, _: &str) -> Result<Interpreter, String> {
        Ok(self.0.clone())
    }

    fn all(&self) -> Vec<Interpreter> {
        vec![self.0.clone()]
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let backend = MemoryBackend::new();
        Self {
            store: Store::open(backend.clone()).unwrap(),
            backend,
            machine: Arc::new(Cache::open(&folder.join("cache")).unwrap()),
            python: Interpreter::probe(&python(), &MemoryCache::default()).unwrap(),
            folder,
        }
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::new(self.folder.join("agent"));
        options.poll_interval = Duration::from_millis(100);
        options.shutdown_timeout = Duration::from_secs(3);
        options
    }

    pub(crate) fn agent(&self, options: Options) -> Agent {
        Agent::start(self.dependencies(), options).unwrap()
    }

    pub(crate) fn dependencies(&self) -> Dependencies {
        Dependencies {
            store: self.store.clone(),
            cache: Arc::clone(&self.machine),
            interpreters: Arc::new(OnePython(self.python.clone())),
            fetch: None,
            clock: Clock(|| 1_800_000_000),
        }
    }

    /// A project that serves this version of itself.
    pub(crate) fn version(&self, version: &str) -> Project<'_> {
        self.project(&format!("VERSION = {version:?}\n{SERVER}"))
    }

    pub(crate) fn project(&self, code: &str) -> Project<'_> {
        let folder = self.folder.join("project");
        write(&folder.join("app.py"), code);
        let rules = Rules::new(&[], &[]).unwrap();
        let scan = Scan::of(&folder, &rules, &ScanIndex::default(), 1).unwrap();
        let target = self.python.target().clone();
        let set = WheelLayer::new(target.to_string(), Vec::new());
        let mut inputs =
            ReleaseInputs::new(target, set).with_source(SourceFolder::new("shop", &folder, scan));
        let mut web = Process::new(["python", "app.py", "{port}"].map(str::to_owned).into());
        web.drain = "5s".parse().unwrap();
        inputs.processes.insert("web".to_owned(), web);
        Project { world: self, inputs, store: self.store.clone() }
    }
}

pub(crate) struct Project<'w> {
    world: &'w World,
    pub(crate) inputs: ReleaseInputs,
    pub(crate) store: Store,
}

impl Project<'_> {
    pub(crate) fn web(&mut self) -> &mut Process {
        self.inputs.processes.get_mut("web").unwrap()
    }

    /// Makes it live in the store; the answer is its generation.
    pub(crate) fn publish(&self, service: &str) -> u64 {
        let name = format!("wanted/{service}").parse().unwrap();
        let service = Service::new(&self.store, &self.world.machine, &name);
        let head = service.look().unwrap();
        let draft = self.inputs.draft(&head, &self.world.machine, 1).unwrap();
        service.put(&head, &draft).unwrap();
        match service.go_live(&head, &draft.digest(), Deployment::default()).unwrap() {
            Published::Done(step) => step.generation,
            Published::Lost(_) => panic!("nobody else publishes"),
        }
    }

    /// Deploys the project, and waits until it is live on an agent.
    pub(crate) fn deploy(&self, service: &str, agent: &Agent) -> RolloutStatus {
        let generation = self.publish(service);
        let name = format!("wanted/{service}").parse().unwrap();
        let release = self.store.latest(&name).unwrap().unwrap().release;
        let wait = Duration::from_secs(30);
        let answered =
            client(agent).wait_for_attempt(service, generation, release.as_ref(), wait).unwrap();
        assert!(answered.attempt.is_some(), "it takes too long");
        answered
    }
}

pub(crate) fn client(agent: &Agent) -> Client {
    Client::new(&agent.url(), None).unwrap()
}

pub(crate) fn landed(client: &Client, service: &str, generation: u64) -> RolloutStatus {
    let answered =
        client.wait_for_attempt(service, generation, None, Duration::from_secs(30)).unwrap();
    assert!(answered.attempt.is_some(), "it takes too long");
    answered
}

pub(crate) fn is_live(answered: &RolloutStatus) -> bool {
    answered.attempt.as_ref().unwrap().outcome == Outcome::Live
}

/// Why a generation failed.
pub(crate) fn reason(answered: &RolloutStatus) -> String {
    match &answered.attempt.as_ref().unwrap().outcome {
        Outcome::Failed { reason } => reason.clone(),
        other => panic!("it did not fail: {other:?}"),
    }
}

/// The host and port of an address.
pub(crate) fn place(address: Option<&String>) -> String {
    address.unwrap().split("://").nth(1).unwrap().trim_end_matches('/').to_owned()
}

/// The body of an answer to a GET on a connection of its own.
pub(crate) fn get(place: &str, path: &str) -> String {
    let (status, body) = ask(place, &format!("GET {path} HTTP/1.1\r\nHost: {place}\r\n"));
    assert_eq!(status, 200, "{body}");
    body
}
