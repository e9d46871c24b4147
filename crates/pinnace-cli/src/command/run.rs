//! `pinnace run`: a service, a release or a PEX file, in the place of this process.

use std::{
    net::TcpListener, os::unix::process::CommandExt, path::Path, process::Command, sync::Arc,
    thread,
};

use pinnace_deploy::{Endpoint, Host, Laid, Machine, Process, Release, Variables};
use pinnace_store::parallel::join;

use super::releases::unseen;
use crate::{
    Failure, arguments::RunRelease, environment::Environment, interpreters::Interpreters,
    progress::Output, services, storage::Storage,
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
    let storage = Arc::new(Storage::open(&environment.cache_folder()?)?);
    let (named, surroundings) = (arguments.python.clone(), environment.clone());
    let pythons = Interpreters { named, environment: surroundings, storage: Arc::clone(&storage) };
    let host = Host::new(storage.machine(), &pythons, environment.threads);
    let job = Job { arguments, environment, output, machine: storage.machine(), host };
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
    machine: &'a Machine,
    host: Host<'a>,
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
                let release = services::release(&self.arguments.what, store, self.machine);
                (join(is_there), release)
            });
            is_there?;
            let release = release?;
            match self.host.laid(&release) {
                Some(laid) => Ok(laid),
                None => Ok(self.host.lay(&self.host.fetch(store, &release)?, None)?),
            }
        };
        lay().map_err(|failure: Failure| interrupt.explain(failure))
    }

    /// A release that is named by its whole digest, and laid out.
    fn known(&self) -> Option<Laid> {
        let what = &self.arguments.what;
        let digest = what.parse().ok().or_else(|| format!("sha256:{what}").parse().ok())?;
        self.host.laid(&digest)
    }

    /// Becomes the process, or the command in its environment.
    fn become_process(&self, laid: &Laid) -> Result<(), Failure> {
        let release = laid.release();
        let missing = release.lacks(|name| self.environment.variables.contains_key(name));
        // What a command of the user's needs is the user's to know.
        if !missing.is_empty() && self.arguments.command.is_empty() {
            return Err(Failure::job(format!(
                "the release needs environment variables that are not set: {}",
                missing.join(", ")
            ))
            .hint("set them where it runs; their values are never stored"));
        }
        let (words, endpoint) = match self.arguments.command.is_empty() {
            true => {
                let argv = &process(release, &self.arguments.process)?.argv;
                let endpoint = Endpoint::of_port(self.port(argv)?);
                (endpoint.fill(argv), endpoint)
            }
            false => {
                let port = self.given_port()?.unwrap_or(USUAL_PORT);
                (self.arguments.command.clone(), Endpoint::of_port(port))
            }
        };
        let path = self.environment.variable("PATH");
        let command = laid.command(&words, &endpoint, Variables::Inherited, path);
        let mut command = command.ok_or_else(|| Failure::usage("there is no command to run"))?;
        let error = command.exec();
        Err(Failure::io(&format!("cannot run `{}`", words[0]), &error))
    }

    /// The port of a process: what PORT says, else one that is free if its command asks for one.
    fn port(&self, argv: &[String]) -> Result<u16, Failure> {
        match self.given_port()? {
            Some(port) => Ok(port),
            None if !argv.iter().any(|word| word.contains("{port}")) => Ok(USUAL_PORT),
            None => {
                let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
                let free = free.map_err(|error| Failure::io("cannot find a free port", &error))?;
                self.output.say(format!("PORT is {}", free.port()));
                Ok(free.port())
            }
        }
    }

    fn given_port(&self) -> Result<Option<u16>, Failure> {
        let Some(port) = self.environment.variable("PORT") else { return Ok(None) };
        match port.parse::<u16>() {
            Ok(number) if number > 0 && number.to_string() == port => Ok(Some(number)),
            _ => Err(Failure::usage(format!("PORT is `{port}`, and no port"))),
        }
    }
}

/// What PORT is where nobody asks for one.
const USUAL_PORT: u16 = 8000;

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
