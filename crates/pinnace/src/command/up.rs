//! `pinnace up`: the whole system for one project, on this machine.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use pinnace_agent::{Agent, Client, LogSink, Options, Route};
use pinnace_build::Env;
use pinnace_deploy::{DOTENV, Rollout, ServiceName, Snapshot, Watcher};
use pinnace_store::{Digest, Durability, LocalStore, Store, parallel::join};

use super::{
    agent::dependencies,
    deploy::{self, Report},
};
use crate::{
    Failure,
    arguments::{AgentArguments, Deploy, StoreArguments, Up},
    dotenv::DotenvVariables,
    interrupt::Interrupt,
    progress::{Output, Style},
    session::Session,
};

pub(crate) fn run(arguments: Up, env: &Env, output: Output) -> Result<(), Failure> {
    if output.style == Style::Json {
        return Err(Failure::usage("`up` has no end at which there is one JSON object")
            .hint("`deploy --agent URL --json` has; `up` says where its agent is"));
    }
    let interrupt = Interrupt::listen(|| {})?;
    let project = project(&arguments, env)?;
    let home = home(&project, env)?;
    let store = Store::open(LocalStore::open(home.join("store"), Durability::Volatile)?)?;
    let dependencies = dependencies(store, None, env)?;
    let mut options = options(&arguments, &project, &home, env)?;
    options.log_sink = Arc::new(UpOutput(output));
    let agent = Agent::start(dependencies, options)?;
    output.say(format!("agent at {}, which has a page that shows what it does", agent.url()));
    let watching = Watching {
        arguments: deploy_arguments(&arguments, &project, &home, &agent),
        watcher: Watcher::new(project),
        client: Client::new(&agent.url(), None)?,
        output,
        interrupt: interrupt.clone(),
    };
    // Work that waits for a network or a program of the project does not delay Ctrl-C.
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(watching.watch()));
    let outcome = loop {
        match ended.recv_timeout(LOOK) {
            Ok(outcome) => break outcome,
            Err(mpsc::RecvTimeoutError::Timeout) if !interrupt.is_set() => {}
            Err(_) => {
                let _ = ended.recv_timeout(PATIENCE);
                break Ok(());
            }
        }
    };
    output.say("stopping");
    agent.stop();
    outcome
}

/// The time that work may take to stop by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two looks whether to stop.
const LOOK: Duration = Duration::from_millis(20);

fn project(arguments: &Up, env: &Env) -> Result<PathBuf, Failure> {
    let folder = env.folder.join(&arguments.project);
    folder
        .canonicalize()
        .ok()
        .filter(|folder| folder.is_dir())
        .ok_or_else(|| Failure::usage(format!("no such folder: `{}`", arguments.project.display())))
}

/// Returns the folder of a project's store and agent, in the cache, since all of it can be made again.
fn home(project: &Path, env: &Env) -> Result<PathBuf, Failure> {
    let digest = Digest::of(project.as_os_str().as_encoded_bytes());
    Ok(env.cache_folder()?.join("up").join(&digest.to_hex()[..16]))
}

fn options(arguments: &Up, project: &Path, home: &Path, env: &Env) -> Result<Options, Failure> {
    let mut options = Options::new(home.join("agent"));
    options.name = "up".to_owned();
    options.threads = env.threads;
    options.shutdown_timeout = Duration::from_secs(5);
    options.variables = Arc::new(DotenvVariables::new(env, project));
    if let (Some(port), Some(service)) = (arguments.port, &arguments.service) {
        let service: ServiceName = service.parse()?;
        options.routes.push((service.to_string(), Route::Port(port)));
    } else if let Some(port) = arguments.port {
        options.default_route = Some(Route::Port(port));
    }
    Ok(options)
}

fn deploy_arguments(arguments: &Up, project: &Path, home: &Path, agent: &Agent) -> Deploy {
    Deploy {
        project: project.to_owned(),
        service: arguments.service.clone(),
        store: StoreArguments {
            store: Some(home.join("store").display().to_string()),
            agent: AgentArguments { agent: Some(agent.url()), token_file: None },
        },
        release: None,
        full: false,
        locked: false,
        upgrade: false,
        dry_run: false,
        reason: None,
        platform: arguments.platform.clone(),
        solve: arguments.solve.clone(),
        index: arguments.index.clone(),
    }
}

/// The output of the project's processes.
struct UpOutput(Output);

impl LogSink for UpOutput {
    fn line(&self, _: &str, who: &str, text: &str) {
        // The deployment reports on its generation itself.
        let is_told = who == "pinnace" && text.starts_with("generation ");
        if !is_told {
            self.0.say(format!("{who} | {text}"));
        }
    }
}

/// A project that is deployed whenever it changes.
struct Watching {
    arguments: Deploy,
    watcher: Watcher,
    client: Client,
    output: Output,
    interrupt: Interrupt,
}

impl Watching {
    /// Deploys, and waits for a change, until the user interrupts.
    fn watch(&self) -> Result<(), Failure> {
        let mut seen = self.watcher.snapshot();
        let mut changed = None;
        while !self.interrupt.is_set() {
            let (now, path) = self.turn(seen, changed.as_deref());
            seen = now;
            if let Some(path) = &path {
                self.output.say(format!("{path} changed"));
            }
            changed = path;
        }
        Ok(())
    }

    /// Deploys, and waits for a change, which ends a deployment under way. Returns the path that changed.
    fn turn(&self, seen: Snapshot, changed: Option<&str>) -> (Snapshot, Option<String>) {
        // The `prepare` command may write in the project, which is no change of the user's.
        if !seen.settings().prepare.is_empty() {
            self.deploy(&self.interrupt, changed);
            return self.wait(self.watcher.snapshot());
        }
        let newer = Arc::new(AtomicBool::new(false));
        thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let found = self.wait(seen);
                newer.store(true, Ordering::Relaxed);
                found
            });
            self.deploy(&self.interrupt.or(Arc::clone(&newer)), changed);
            join(watcher)
        })
    }

    fn wait(&self, seen: Snapshot) -> (Snapshot, Option<String>) {
        self.watcher.wait(seen, &|| self.interrupt.is_set())
    }

    fn deploy(&self, interrupt: &Interrupt, changed: Option<&str>) {
        let done = self.try_deploy(interrupt.clone()).and_then(|report| {
            if changed == Some(DOTENV) && !report.done.is_new() {
                return self.restart(report.done.service.as_str());
            }
            Ok(report.as_line())
        });
        match done {
            // A newer deployment replaces it.
            _ if interrupt.is_set() => return,
            Ok(text) => self.output.say(text),
            Err(failure) => self.output.fail(&failure),
        }
        self.output.say("waiting for a change; Ctrl-C stops all");
    }

    fn try_deploy(&self, interrupt: Interrupt) -> Result<Report, Failure> {
        let env = Env::read()?;
        let session = Session::under(&env, self.output, interrupt)?;
        let done = deploy::deploy(&self.arguments, &session);
        session.reporter.clear();
        let done = done?;
        done.notes.iter().for_each(|note| self.output.say(format!("warning: {note}")));
        Ok(Report { done, now: env.now })
    }

    /// Starts the same release with other variables.
    fn restart(&self, service: &str) -> Result<String, Failure> {
        let rollout = Rollout::from(self.client.restart(service)?);
        let generation = rollout.live.unwrap_or_default();
        rollout.check(service, generation, self.client.url())?;
        Ok(format!("{service} generation {generation} started anew"))
    }
}
