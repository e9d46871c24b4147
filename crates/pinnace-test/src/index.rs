use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::{Delivery, Page, Request, Response, Sdist, Server, Wheel};

/// A simple index on loopback that serves what is added to it, and records the requests.
///
/// Pages are JSON and files are served whole, unless [`serve_html`](Self::serve_html) or
/// [`serve_ranges`](Self::serve_ranges) say otherwise.
///
/// ```
/// use pinnace_test::{Fault, Index, Wheel};
///
/// let index = Index::start();
/// index.add(&Wheel::new("voice", "1.5").file("voice.py", "VOICE = 'moo'\n"));
/// index.set_fault(Fault::Status(503)); // `voice` cannot be had ...
/// index.set_fault(None); // ... until now
/// ```
#[derive(Debug)]
pub struct Index {
    server: Server,
    state: Arc<State>,
}

/// A way in which an [`Index`] misbehaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Files have other bytes than their pages promise, of the same length.
    WrongBytes,
    /// Files end after half of their bytes.
    Truncated,
    /// Files arrive a byte at a time.
    Slow,
    /// Every response has this status.
    Status(u16),
    /// Every request without the user `anna` and the password `s3cret` gets 401.
    Private,
}

impl Index {
    /// Starts an index that has nothing.
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        Self { server: Server::start(move |request| shared.respond(request)), state }
    }

    /// Starts an index that has two small projects: `moo` 1.0, which has a module and a program of
    /// its name, and `voice` 1.5, which `moo` requires. `moo a b` prints `moo a b`.
    pub fn with_moo() -> Self {
        let index = Self::start();
        let main = "def main():\n    import sys, voice\n    print(voice.say(sys.argv[1:]))\n";
        let moo = Wheel::new("moo", "1.0")
            .requires("voice>=1")
            .file("moo/__init__.py", main)
            .file("moo/__main__.py", "from moo import main\nmain()\n")
            .console_script("moo", "moo:main");
        let say = "def say(words):\n    return 'moo ' + ' '.join(words)\n";
        index.add(&moo);
        index.add(&Wheel::new("voice", "1.5").file("voice.py", say));
        index
    }

    /// Returns the URL of the index.
    pub fn url(&self) -> String {
        self.server.url("/simple")
    }

    /// Returns the URL of a file, whether the index has it or not.
    pub fn file_url(&self, project: &str, file_name: &str) -> String {
        self.server.url(&format!("/files/{project}/{file_name}"))
    }

    /// Adds a wheel, in the place of one of its file name.
    pub fn add(&self, wheel: &Wheel) {
        self.put(&wheel.project(), &wheel.file_name(), wheel.bytes());
    }

    /// Adds a source distribution, in the place of one of its file name.
    pub fn add_sdist(&self, sdist: &Sdist) {
        self.put(&sdist.project(), &sdist.file_name(), sdist.bytes());
    }

    /// Adds a file with any bytes to a project.
    pub fn put(&self, project: &str, file_name: &str, bytes: Vec<u8>) {
        let mut projects = self.state.projects.lock().unwrap();
        projects.entry(project.to_owned()).or_default().insert(file_name.to_owned(), bytes);
    }

    /// Returns the paths of the requests so far, with their queries, and forgets them.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.requests.lock().unwrap())
    }

    /// Makes the index misbehave, or behave again after `None`.
    pub fn set_fault(&self, fault: impl Into<Option<Fault>>) {
        self.state.settings.lock().unwrap().fault = fault.into();
    }

    /// Makes the pages HTML from now on.
    pub fn serve_html(&self) {
        self.state.settings.lock().unwrap().pages_are_html = true;
    }

    /// Makes the index heed the header `Range` in requests of files from now on.
    pub fn serve_ranges(&self) {
        self.state.settings.lock().unwrap().heeds_ranges = true;
    }
}

#[derive(Debug, Default)]
struct State {
    /// The files by project and file name.
    projects: Mutex<BTreeMap<String, BTreeMap<String, Vec<u8>>>>,
    requests: Mutex<Vec<String>>,
    settings: Mutex<Settings>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settings {
    fault: Option<Fault>,
    pages_are_html: bool,
    heeds_ranges: bool,
}

impl State {
    fn respond(&self, request: &Request) -> Response {
        self.requests.lock().unwrap().push(request.target().to_owned());
        let settings = *self.settings.lock().unwrap();
        let response = match settings.fault {
            Some(Fault::Private) if !is_anna(request) => Response::status(401),
            Some(Fault::Status(status)) => Response::status(status),
            _ => self.find(request, settings).unwrap_or(Response::status(404)),
        };
        match settings.fault {
            Some(Fault::Truncated) if is_file(request) => response.delivered(Delivery::Truncated),
            Some(Fault::Slow) if is_file(request) => response.delivered(Delivery::Slow),
            _ => response.delivered(Delivery::Close),
        }
    }

    /// Returns the page or the file that is requested.
    fn find(&self, request: &Request, settings: Settings) -> Option<Response> {
        let projects = self.projects.lock().unwrap();
        let parts: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        match parts[..] {
            ["simple", project] => Some(page(project, projects.get(project)?, settings)),
            ["files", project, name] => {
                Some(file(projects.get(project)?.get(name)?, request, settings))
            }
            _ => None,
        }
    }
}

fn page(project: &str, files: &BTreeMap<String, Vec<u8>>, settings: Settings) -> Response {
    let page = files.iter().fold(Page::new(project), |page, (name, bytes)| {
        page.content(name, &format!("/files/{project}/{name}"), bytes)
    });
    if settings.pages_are_html {
        Response::ok(Page::HTML, page.html())
    } else {
        Response::ok(Page::JSON, page.json())
    }
}

fn file(bytes: &[u8], request: &Request, settings: Settings) -> Response {
    let body = match settings.fault {
        Some(Fault::WrongBytes) => vec![0; bytes.len()],
        _ => bytes.to_vec(),
    };
    let response = Response::ok("application/zip", body);
    if settings.heeds_ranges { response.cut_for(request) } else { response }
}

fn is_file(request: &Request) -> bool {
    request.path().starts_with("/files/")
}

/// Checks for the credentials of `anna` and `s3cret`.
fn is_anna(request: &Request) -> bool {
    let given = request.header("authorization").unwrap_or_default();
    given.eq_ignore_ascii_case("basic YW5uYTpzM2NyZXQ=")
}
