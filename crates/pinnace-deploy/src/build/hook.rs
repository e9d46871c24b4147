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
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde::{Deserialize, Serialize};

use super::system::BuildSystem;
use crate::{Error, ErrorKind};

const PROGRAM: &str = include_str!("../../python/hook.py");

/// What a backend is asked for.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wanted {
    Wheel,
    Metadata,
}

/// Whether what the backend reads is watched.
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

/// What a backend said.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    /// What it requires beside what it was given; then it said nothing else.
    #[serde(default)]
    pub(super) needs: Vec<String>,
    /// The file name of a wheel.
    pub(super) wheel: Option<String>,
    /// The name of a `.dist-info` folder.
    pub(super) metadata: Option<String>,
    /// Whether it could reach the network.
    #[serde(default)]
    pub(super) network: bool,
    /// What it read of the source.
    #[serde(default)]
    pub(super) read: BTreeSet<String>,
    /// Whether it ran other programs, which may have read anything.
    #[serde(default)]
    pub(super) runs_others: bool,
}

/// Where a hook is called: a folder for what it needs beside the source.
pub(super) struct Place<'a> {
    /// How messages call the source.
    pub(super) what: &'a str,
    pub(super) source: &'a Path,
    pub(super) out: &'a Path,
    /// A folder that goes when the build is done.
    pub(super) folder: &'a Path,
    pub(super) environment: &'a Path,
    /// All that the process inherits.
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) progress: &'a dyn Progress,
}

/// How often is looked whether a build has ended, or is to.
const GLANCE: Duration = Duration::from_millis(5);
/// So much of the end of a log is shown.
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
        let (program, order) = (self.folder.join("hook.py"), self.folder.join("order.json"));
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

/// A process and all that it starts, of which none outlives the build.
struct Running(Child);

impl Running {
    /// Whether it has ended. It is not waited for, so that its number stays its own.
    fn has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.leader()?), options)?.is_some())
    }

    /// Ends all that is left of it, and waits for it.
    fn end(mut self) -> io::Result<ExitStatus> {
        // Mostly there is nobody left but itself.
        let _ = kill_process_group(self.leader()?, Signal::KILL);
        self.0.wait()
    }

    fn leader(&self) -> io::Result<Pid> {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| io::Error::other("it has no number"))
    }
}

/// What is said where a name could not be found, or a connection not be made.
const NETWORK: [&str; 6] = [
    "Connection refused",
    "Could not resolve host",
    "Name or service not known",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "failed to lookup address",
];

/// The same source gives the same bytes, as far as the backend has a say.
const REPRODUCIBLE: [(&str, &str); 6] = [
    ("LANG", "C.UTF-8"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONNOUSERSITE", "1"),
    // 1980-01-01, the earliest time that a zip can hold.
    ("SOURCE_DATE_EPOCH", "315532800"),
    ("TZ", "UTC"),
];

/// The last lines of a log.
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
