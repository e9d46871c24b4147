//! Calls of a build backend's hooks, each in its own process (PEP 517, "Build backend interface").

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

/// A hook of a build backend, by its output.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Hook {
    Wheel,
    Metadata,
}

/// The recording of the files that a hook reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(into = "bool")]
pub(super) enum Recording {
    On,
    Off,
}

impl From<Recording> for bool {
    fn from(recording: Recording) -> Self {
        recording == Recording::On
    }
}

#[derive(Serialize)]
struct Call<'a> {
    backend: &'a str,
    path: &'a [String],
    given: &'a [String],
    wanted: Hook,
    watch: Recording,
    out: &'a Path,
}

/// The answer of a backend.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    /// Additional requirements. If there are any, the rest of the answer is empty.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    /// The file name of a wheel.
    pub(super) wheel: Option<String>,
    /// The name of a `.dist-info` folder.
    pub(super) metadata: Option<String>,
    /// True if the backend had access to the network.
    #[serde(default)]
    pub(super) network: bool,
    /// The files of the source that the backend read.
    #[serde(default)]
    pub(super) read: BTreeSet<String>,
    /// True if the backend ran other programs, which may have read any file.
    #[serde(default)]
    pub(super) runs_others: bool,
}

/// A run of a hook: its folders and variables.
pub(super) struct HookRun<'a> {
    /// The name of the source in messages.
    pub(super) what: &'a str,
    pub(super) source: &'a Path,
    pub(super) out: &'a Path,
    /// The scratch folder.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Path,
    /// The variables that the process inherits.
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) progress: &'a dyn Progress,
}

/// The interval at which a build is polled.
const POLL: Duration = Duration::from_millis(5);
/// The limits of the end of a log that errors show.
const SHOWN_LINES: usize = 20;
const SHOWN_BYTES: u64 = 8 << 10;

impl HookRun<'_> {
    /// Calls a hook, and returns the answer.
    pub(super) fn call(
        &self,
        system: &BuildSystem,
        given: &[String],
        wanted: Hook,
        watch: Recording,
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
        for folder in [&home, &scratch] {
            fs::create_dir_all(folder).map_err(Error::at("create the folder", folder))?;
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
            thread::sleep(POLL);
        }
        running.end().map_err(fault())
    }

    fn failed(&self, status: ExitStatus, log: &Path) -> Error {
        let log = end_of(log).unwrap_or_default();
        let reason = if status.success() {
            "its backend gave no answer".to_owned()
        } else {
            format!("its backend failed ({status})")
        };
        let is_cut_off = NETWORK.iter().any(|words| log.contains(words));
        let network = if is_cut_off { "; while it builds it has no network" } else { "" };
        self.refuse(&format!("{reason}{network}"), log)
    }

    pub(super) fn refuse(&self, reason: &str, log: String) -> Error {
        ErrorKind::Build { what: self.what.to_owned(), reason: reason.to_owned(), log }.into()
    }
}

/// A running hook and its process group.
struct Running(Child);

impl Running {
    /// Returns true if the process has exited; it is not reaped yet.
    fn has_ended(&self) -> io::Result<bool> {
        self.group()?.has_ended()
    }

    /// Kills the group, and reaps the process.
    fn end(mut self) -> io::Result<ExitStatus> {
        self.group()?.kill();
        self.0.wait()
    }

    fn group(&self) -> io::Result<ProcessGroup> {
        ProcessGroup::of(&self.0).ok_or_else(|| io::Error::other("it has no number"))
    }
}

/// Messages that programs print if they cannot reach the network.
const NETWORK: [&str; 6] = [
    "Connection refused",
    "Could not resolve host",
    "Name or service not known",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "failed to lookup address",
];

/// Variables that make builds reproducible.
const REPRODUCIBLE: [(&str, &str); 6] = [
    ("LANG", "C.UTF-8"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONNOUSERSITE", "1"),
    // 1980-01-01, the earliest time that a zip can store.
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
