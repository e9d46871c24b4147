//! `pinnace run`: replaces this process by a service, a release or a PEX file.

use std::{
    net::TcpListener, os::unix::process::CommandExt, path::Path, process::Command, sync::Arc,
    thread,
};

use pinnace_build::{Cache, Env, LocalInterpreters, Process, find_python};
use pinnace_deploy::{Endpoint, Environment, Installer, Release, Variables, find_release};
use pinnace_store::parallel::join;

use super::releases::unopened;
use crate::{Failure, arguments::RunRelease, output::Output};

pub(crate) fn run(arguments: &RunRelease, env: &Env, output: Output) -> Result<(), Failure> {
    let path = env.folder.join(&arguments.what);
    if path.is_file() || path.join("__main__.py").is_file() {
        return run_file(&path, &arguments.command, env);
    }
    let cache = Arc::new(Cache::open(&env.cache_folder()?)?);
    let named = arguments.python.clone();
    let interpreters = LocalInterpreters::new(named, env.clone(), Arc::clone(&cache));
    let installer = Installer::new(&cache, &interpreters, env.threads);
    let job = Job { arguments, env, output, cache: &cache, installer };
    let environment = job.environment()?;
    job.become_process(&environment)
}

/// Replaces this process by a PEX file.
fn run_file(path: &Path, arguments: &[String], env: &Env) -> Result<(), Failure> {
    let is_program = std::fs::metadata(path).is_ok_and(|file| {
        file.is_file() && std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o111 != 0
    });
    let mut command = if is_program {
        Command::new(path)
    } else {
        let mut command = Command::new(find_python(None, env)?);
        command.arg(path);
        command
    };
    let error = command.args(arguments).exec();
    Err(Failure::io(&format!("cannot run `{}`", path.display()), &error))
}

/// The run of a release.
struct Job<'a> {
    arguments: &'a RunRelease,
    env: &'a Env,
    output: Output,
    cache: &'a Cache,
    installer: Installer<'a>,
}

impl Job<'_> {
    /// Returns the environment of the release. A materialized one needs no store.
    fn environment(&self) -> Result<Environment, Failure> {
        if let Some(found) = self.materialized() {
            return Ok(found);
        }
        let (unopened, interrupt) = unopened(&self.arguments.store, self.env, self.output)?;
        let store = unopened.store();
        let install = || -> Result<Environment, Failure> {
            let (checked, release) = thread::scope(|scope| {
                let checked = scope.spawn(|| unopened.check());
                let release = find_release(&self.arguments.what, store, self.cache);
                (join(checked), release)
            });
            checked?;
            let release = release?;
            if let Some(found) = self.installer.find(&release) {
                return Ok(found);
            }
            let fetched = self.installer.fetch(store, &release)?;
            Ok(self.installer.materialize(&fetched, None)?)
        };
        install().map_err(|failure| interrupt.explain(failure))
    }

    /// Returns the environment of a release that is given by its digest, if it is on this machine.
    fn materialized(&self) -> Option<Environment> {
        let what = &self.arguments.what;
        let digest = what.parse().ok().or_else(|| format!("sha256:{what}").parse().ok())?;
        self.installer.find(&digest)
    }

    /// Replaces this process by a process of the release, or by a command in its environment.
    fn become_process(&self, environment: &Environment) -> Result<(), Failure> {
        let release = environment.release();
        let missing = release.lacks(|name| self.env.variables.contains_key(name));
        // A command of the user may not need the variables of the release.
        if !missing.is_empty() && self.arguments.command.is_empty() {
            return Err(Failure::job(format!(
                "the release needs environment variables that are not set: {}",
                missing.join(", ")
            ))
            .hint("set them in this environment; their values are never stored"));
        }
        let (words, endpoint) = if self.arguments.command.is_empty() {
            let argv = &process(release, &self.arguments.process)?.argv;
            let endpoint = Endpoint::of_port(self.port(argv)?);
            (endpoint.fill(argv), endpoint)
        } else {
            let port = self.given_port()?.unwrap_or(DEFAULT_PORT);
            (self.arguments.command.clone(), Endpoint::of_port(port))
        };
        let path = self.env.variable("PATH");
        let command = environment.command(&words, &endpoint, Variables::Inherited, path);
        let mut command = command.ok_or_else(|| Failure::usage("no command to run"))?;
        let error = command.exec();
        Err(Failure::io(&format!("cannot run `{}`", words[0]), &error))
    }

    /// Returns the port of a process: PORT, or else a free one if its command has `{port}`.
    fn port(&self, argv: &[String]) -> Result<u16, Failure> {
        match self.given_port()? {
            Some(port) => Ok(port),
            None if !argv.iter().any(|word| word.contains("{port}")) => Ok(DEFAULT_PORT),
            None => {
                let free =
                    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
                let free = free.map_err(|error| Failure::io("cannot find a free port", &error))?;
                self.output.say(format!("PORT is {}", free.port()));
                Ok(free.port())
            }
        }
    }

    fn given_port(&self) -> Result<Option<u16>, Failure> {
        let Some(port) = self.env.variable("PORT") else { return Ok(None) };
        match port.parse::<u16>() {
            Ok(number) if number > 0 && number.to_string() == port => Ok(Some(number)),
            _ => Err(Failure::usage(format!("PORT is not a port number: `{port}`"))),
        }
    }
}

/// The value of PORT for a command that has no `{port}`.
const DEFAULT_PORT: u16 = 8000;

fn process<'r>(release: &'r Release, name: &str) -> Result<&'r Process, Failure> {
    release.processes.get(name).ok_or_else(|| {
        let known: Vec<&str> = release.processes.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::job(format!("no process `{name}` in the release; it has: {known}")).hint(
            "choose another process with `--process`, pass a command after `--`, as in `-- python -c 'print(1)'`, or \
             set `serve` in `[tool.pinnace]` and deploy again",
        )
    })
}
