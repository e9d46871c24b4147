//! `pinnace run`: a service, a release or a PEX file, in the place of this process.

use std::{
    ffi::OsString,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use pinnace_deploy::{Contents, Laid, Machine, Process, Release};
use pinnace_store::{Digest, parallel::join};
use pinnace_wheel::{Interpreter, Target};

use super::releases::unseen;
use crate::{
    Failure, arguments::RunRelease, environment::Environment, platforms, progress::Output,
    services, storage::Storage,
};

pub(crate) fn run(
    arguments: &RunRelease,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let path = environment.folder.join(&arguments.what);
    if path.is_file() || path.join("__main__.py").is_file() {
        return run_file(&path, &arguments.command, environment);
    }
    let storage = Storage::open(&environment.cache_folder()?)?;
    let job = Job { arguments, environment, output, storage };
    let laid = job.laid()?;
    job.become_process(&laid)
}

/// Becomes a PEX file.
fn run_file(path: &Path, arguments: &[String], environment: &Environment) -> Result<(), Failure> {
    let is_program = std::fs::metadata(path).is_ok_and(|file| {
        file.is_file() && std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o111 != 0
    });
    let mut command = match is_program {
        true => Command::new(path),
        false => {
            let mut command = Command::new(crate::python::find(None, environment)?);
            command.arg(path);
            command
        }
    };
    let error = command.args(arguments).exec();
    Err(Failure::io(&format!("cannot run `{}`", path.display()), &error))
}

struct Job<'a> {
    arguments: &'a RunRelease,
    environment: &'a Environment,
    output: Output,
    storage: Storage,
}

impl Job<'_> {
    /// The release, laid out: one that is here already needs no store.
    fn laid(&self) -> Result<Laid, Failure> {
        if let Some(laid) = self.known() {
            return Ok(laid);
        }
        let (unseen, interrupt) = unseen(&self.arguments.store, self.environment, self.output)?;
        let store = &unseen.store;
        let lay = || {
            let (is_there, release) = thread::scope(|scope| {
                let is_there = scope.spawn(|| unseen.is_there());
                let release = services::release(&self.arguments.what, store, self.machine());
                (join(is_there), release)
            });
            is_there?;
            let release = release?;
            if let Some(laid) = self.find(&release) {
                return Ok(laid);
            }
            let contents = Contents::fetch(store, &release)?;
            let python = self.interpreter(contents.release())?;
            Ok(self.machine().lay(&contents, &release, &python, self.environment.threads)?)
        };
        lay().map_err(|failure: Failure| interrupt.explain(failure))
    }

    /// A release that is named by its whole digest, and laid out.
    fn known(&self) -> Option<Laid> {
        let what = &self.arguments.what;
        let digest = what.parse().ok().or_else(|| format!("sha256:{what}").parse().ok())?;
        self.find(&digest)
    }

    fn find(&self, release: &Digest) -> Option<Laid> {
        let platform = self.machine().platform(release)?;
        let python = self.interpreter_for(&platform).ok()?;
        self.machine().laid(release, &python)
    }

    fn interpreter(&self, release: &Release) -> Result<Interpreter, Failure> {
        self.interpreter_for(&release.platform)
    }

    fn machine(&self) -> &Machine {
        self.storage.machine()
    }

    /// The interpreter that is named, or one of the version that the platform says.
    fn interpreter_for(&self, platform: &str) -> Result<Interpreter, Failure> {
        let target: Target = platform.parse()?;
        let release = target.python().release();
        let version = release.iter().take(2).map(u64::to_string).collect::<Vec<_>>().join(".");
        let named = self.arguments.python.as_deref().unwrap_or(&version);
        platforms::interpreter(Some(named), self.environment, &self.storage)
    }

    /// Becomes the process, or the command in its environment.
    fn become_process(&self, laid: &Laid) -> Result<(), Failure> {
        let release = laid.release();
        let missing: Vec<&str> = release
            .environment
            .iter()
            .map(String::as_str)
            .filter(|name| !self.environment.variables.contains_key(*name))
            .collect();
        // What a command of the user's needs is the user's to know.
        if !missing.is_empty() && self.arguments.command.is_empty() {
            return Err(Failure::job(format!(
                "the release needs environment variables that are not set: {}",
                missing.join(", ")
            ))
            .hint("set them where it runs; their values are never stored"));
        }
        let (words, port) = match self.arguments.command.is_empty() {
            true => self.filled(&process(release, &self.arguments.process)?.argv)?,
            false => {
                let port = self.environment.variable("PORT").unwrap_or(USUAL_PORT);
                (self.arguments.command.clone(), port.to_owned())
            }
        };
        let [program, rest @ ..] = words.as_slice() else {
            return Err(Failure::usage("there is no command to run"));
        };
        let bin = laid.folder().join("bin");
        let error = Command::new(found(program, &bin))
            .args(rest)
            .current_dir(laid.code())
            .env("PATH", self.path(&bin))
            .env("VIRTUAL_ENV", laid.folder())
            .env("PORT", &port)
            .env_remove("PYTHONHOME")
            .exec();
        Err(Failure::io(&format!("cannot run `{program}`"), &error))
    }

    /// The words of a process with `{port}` filled in, and the port: what PORT says, else one that is free.
    fn filled(&self, argv: &[String]) -> Result<(Vec<String>, String), Failure> {
        let is_port = |port: &str| {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        };
        let port = match self.environment.variable("PORT") {
            Some(port) if is_port(port) => port.to_owned(),
            Some(port) => return Err(Failure::usage(format!("PORT is `{port}`, and no port"))),
            None if !argv.iter().any(|word| word.contains("{port}")) => USUAL_PORT.to_owned(),
            None => {
                let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
                let free = free.map_err(|error| Failure::io("cannot find a free port", &error))?;
                self.output.say(format!("PORT is {}", free.port()));
                free.port().to_string()
            }
        };
        Ok((argv.iter().map(|word| word.replace("{port}", &port)).collect(), port))
    }

    fn path(&self, bin: &Path) -> OsString {
        let rest = self.environment.variables.get("PATH");
        let rest = rest.map_or_else(String::new, |path| format!(":{path}"));
        let mut path = bin.as_os_str().to_owned();
        path.push(rest);
        path
    }
}

/// What PORT is where nobody asks for one.
const USUAL_PORT: &str = "8000";

fn process<'r>(release: &'r Release, name: &str) -> Result<&'r Process, Failure> {
    release.processes.get(name).ok_or_else(|| {
        let known: Vec<&str> = release.processes.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::job(format!("the release has no process `{name}`; it has: {known}")).hint(
            "`serve` in its `[tool.pinnace]` says what it runs; `--process` names another process, and a \
             command may stand behind `--`, as in `-- python -c 'print(1)'`",
        )
    })
}

/// A program of the environment, else as the system finds it.
fn found(program: &str, bin: &Path) -> PathBuf {
    let own = bin.join(program);
    match !program.contains('/') && own.exists() {
        true => own,
        false => program.into(),
    }
}
