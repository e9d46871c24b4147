//! A hook of a build backend, called in a process of its own (PEP 517, "Build backend interface").

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use pinnace_wheel::Progress;
use serde::{Deserialize, Serialize};

use super::system::BuildSystem;
use crate::{Error, ErrorKind, process_group::ProcessGroup};

const PROGRAM: &str = include_str!("../../python/hook.py");

/// The output that a backend is asked for.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    Wheel,
    Metadata,
}

/// A choice whether the files that a backend reads are recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(into = "bool")]
pub(super) enum Watch {
    Watched,
    Unwatched,
}

impl From<Watch> for bool {
    fn from(watch: Watch) -> Self {
        watch == Watch::Watched
    }
}

#[derive(Serialize)]
struct Call<'a> {
    backend: &'a str,
    path: &'a [String],
    given: &'a [String],
    wanted: Wanted,
    watch: Watch,
    out: &'a Path,
}

/// The answer of a backend.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    /// Requirements beside the given ones; then the rest of the answer is empty.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    /// The file name of a wheel.
    pub(super) wheel: Option<String>,
    /// The name of a `.dist-info` folder.
    pub(super) metadata: Option<String>,
    /// True if it could reach the network.
    #[serde(default)]
    pub(super) network: bool,
    /// The files of the source that it read.
    #[serde(default)]
    pub(super) read: BTreeSet<String>,
    /// True if it ran other programs, which may have read anything.
    #[serde(default)]
    pub(super) runs_others: bool,
}

/// The folders and variables of a hook.
pub(super) struct Place<'a> {
    /// The name of the source in messages.
    pub(super) what: &'a str,
    pub(super) source: &'a Path,
    pub(super) out: &'a Path,
    /// A folder that is removed after the build.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Path,
    /// All variables that the process inherits.
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) progress: &'a dyn Progress,
}

/// The pause between two looks at a build.
const GLANCE: Duration = Duration::from_millis(5);
/// The part of a log that errors show: its end.
const SHOWN_LINES: usize = 20;
const SHOWN_BYTES: u64 = 8 << 10;

impl Place<'_> {
    /// Calls the backend.
    pub(super) fn call(
        &self,
        system: &BuildSystem,
        given: &[String],
        wanted: Wanted,
        watch: Watch,
    ) -> Result<Answer, Error> {
        let (program, order) = (self.folder.join("hook.py"), self.folder.join("request.json"));
        let (answer, log) = (self.folder.join("answer.json"), self.folder.join("log"));
        let call = Call {
            backend: &system.build_backend,
            path: &system.backend_path,
            given,
            wanted,
            watch,
            out: self.out,
        };
        let text = serde_json::to_vec(&call).map_err(io::Error::other);
        write(&program, PROGRAM.as_bytes())?;
        write(&order, &text.map_err(Error::at("write", &order))?)?;
        let running = self.start(&program, &[&order, &answer], &log)?;
        let status = self.wait(running)?;
        let said = fs::read(&answer).ok().filter(|_| status.success());
        let said = said.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        said.ok_or_else(|| self.failed(status, &log))
    }

    fn start(&self, program: &Path, arguments: &[&PathBuf], log: &Path) -> Result<Running, Error> {
        let file = File::create(log).map_err(Error::at("create", log))?;
        let copy = file.try_clone().map_err(Error::at("create", log))?;
        let bin = self.environment.join("bin");
        let path = self.variables.get("PATH").map_or("", String::as_str);
        let (home, scratch) = (self.folder.join("home"), self.folder.join("tmp"));
        for one in [&home, &scratch] {
            fs::create_dir_all(one).map_err(Error::at("create the folder", one))?;
        }
        let python = bin.join("python");
        Command::new(&python)
            .arg("-I")
            .arg(program)
            .args(arguments)
            .current_dir(self.source)
            .env_clear()
            .envs(self.variables)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", &home)
            .env("TMPDIR", &scratch)
            .env("VIRTUAL_ENV", self.environment)
            .envs(REPRODUCIBLE)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .process_group(0)
            .spawn()
            .map(Running)
            .map_err(Error::at("run", &python))
    }

    fn wait(&self, running: Running) -> Result<ExitStatus, Error> {
        let fault = || Error::at("wait for the build of", Path::new(self.what));
        while !running.has_ended().map_err(fault())? {
            if self.progress.is_cancelled() {
                running.end().map_err(fault())?;
                return Err(self.refuse("it was interrupted", String::new()));
            }
            thread::sleep(GLANCE);
        }
        running.end().map_err(fault())
    }

    fn failed(&self, status: ExitStatus, log: &Path) -> Error {
        let log = end_of(log).unwrap_or_default();
        let reason = match status.success() {
            true => "its backend gave no answer".to_owned(),
            false => format!("its backend failed ({status})"),
        };
        let is_cut_off = NETWORK.iter().any(|words| log.contains(words));
        let network = if is_cut_off { "; while it builds it has no network" } else { "" };
        self.refuse(&format!("{reason}{network}"), log)
    }

    pub(super) fn refuse(&self, reason: &str, log: String) -> Error {
        ErrorKind::Build { what: self.what.to_owned(), reason: reason.to_owned(), log }.into()
    }
}

/// A process and its group, which ends with the build.
struct Running(Child);

impl Running {
    /// Returns true if the process has ended; it is not reaped yet.
    fn has_ended(&self) -> io::Result<bool> {
        self.group()?.has_ended()
    }

    /// Ends the group, and reaps the process.
    fn end(mut self) -> io::Result<ExitStatus> {
        self.group()?.kill();
        self.0.wait()
    }

    fn group(&self) -> io::Result<ProcessGroup> {
        ProcessGroup::of(&self.0).ok_or_else(|| io::Error::other("it has no number"))
    }
}

/// Messages of programs that could not reach the network.
const NETWORK: [&str; 6] = [
    "Connection refused",
    "Could not resolve host",
    "Name or service not known",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "failed to lookup address",
];

/// Variables that make backends write the same bytes for the same source.
const REPRODUCIBLE: [(&str, &str); 6] = [
    ("LANG", "C.UTF-8"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONNOUSERSITE", "1"),
    // 1980-01-01, the earliest time that a zip can hold.
    ("SOURCE_DATE_EPOCH", "315532800"),
    ("TZ", "UTC"),
];

/// Returns the last lines of a log.
fn end_of(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(SHOWN_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(SHOWN_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().rev().take(SHOWN_LINES).collect();
    Ok(lines.into_iter().rev().map(|line| format!("\n  {line}")).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = File::create(path).and_then(|mut file| io::Write::write_all(&mut file, bytes));
    written.map_err(Error::at("write", path))
}
