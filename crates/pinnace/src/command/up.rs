//! `pinnace up`: a store and an agent for one project on this machine, with a deployment per change.

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
    output::{Output, Style},
    session::Session,
};

pub(crate) fn run(arguments: Up, env: &Env, output: Output) -> Result<(), Failure> {
    if output.style == Style::Json {
        return Err(Failure::usage("`up` does not support `--json`")
            .hint("use `pinnace deploy --agent URL --json` with the agent that `up` starts"));
    }
    let interrupt = Interrupt::listen(|| {})?;
    let project = project_folder(&arguments, env)?;
    let data = data_folder(&project, env)?;
    let store = Store::open(LocalStore::open(data.join("store"), Durability::Volatile)?)?;
    let dependencies = dependencies(store, None, env)?;
    let mut options = options(&arguments, &project, &data, env)?;
    options.log_sink = Arc::new(UpOutput(output));
    let agent = Agent::start(dependencies, options)?;
    output.say(format!("agent at {}; open it in a browser for a status page", agent.url()));
    let up_loop = UpLoop {
        arguments: deploy_arguments(&arguments, &project, &data, &agent),
        watcher: Watcher::new(project),
        client: Client::new(&agent.url(), None)?,
        output,
        interrupt: interrupt.clone(),
    };
    // A thread, so that a wait for the network or for a program of the project does not delay Ctrl-C.
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(up_loop.run()));
    let outcome = loop {
        match ended.recv_timeout(POLL_INTERVAL) {
            Ok(outcome) => break outcome,
            Err(mpsc::RecvTimeoutError::Timeout) if !interrupt.is_set() => {}
            Err(_) => {
                let _ = ended.recv_timeout(GRACE_PERIOD);
                break Ok(());
            }
        }
    };
    output.say("stopping");
    agent.stop();
    outcome
}

/// The time in which a deployment must stop by itself.
const GRACE_PERIOD: Duration = Duration::from_secs(2);
/// The pause between two checks for an interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

fn project_folder(arguments: &Up, env: &Env) -> Result<PathBuf, Failure> {
    let folder = env.folder.join(&arguments.project);
    folder
        .canonicalize()
        .ok()
        .filter(|folder| folder.is_dir())
        .ok_or_else(|| Failure::usage(format!("no such folder: `{}`", arguments.project.display())))
}

/// Returns the folder for the store and the agent of a project. It is in the cache, since all of its
/// contents can be created again.
fn data_folder(project: &Path, env: &Env) -> Result<PathBuf, Failure> {
    let digest = Digest::of(project.as_os_str().as_encoded_bytes());
    Ok(env.cache_folder()?.join("up").join(&digest.to_hex()[..16]))
}

fn options(arguments: &Up, project: &Path, data: &Path, env: &Env) -> Result<Options, Failure> {
    let mut options = Options::new(data.join("agent"));
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

fn deploy_arguments(arguments: &Up, project: &Path, data: &Path, agent: &Agent) -> Deploy {
    Deploy {
        project: project.to_owned(),
        service: arguments.service.clone(),
        store: StoreArguments {
            store: Some(data.join("store").display().to_string()),
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

/// Prints the output of the project's processes.
struct UpOutput(Output);

impl LogSink for UpOutput {
    fn line(&self, _: &str, who: &str, text: &str) {
        // The report of the deployment has the state of its generation.
        let is_reported = who == "pinnace" && text.starts_with("generation ");
        if !is_reported {
            self.0.say(format!("{who} | {text}"));
        }
    }
}

/// A project that is deployed on every change.
struct UpLoop {
    arguments: Deploy,
    watcher: Watcher,
    client: Client,
    output: Output,
    interrupt: Interrupt,
}

impl UpLoop {
    /// Deploys, and waits for a change, until an interrupt.
    fn run(&self) -> Result<(), Failure> {
        let mut seen = self.watcher.snapshot();
        let mut changed = None;
        while !self.interrupt.is_set() {
            let (now, path) = self.deploy_and_wait(seen, changed.as_deref());
            seen = now;
            if let Some(path) = &path {
                self.output.say(format!("{path} changed"));
            }
            changed = path;
        }
        Ok(())
    }

    /// Deploys, and waits for a change. A change during the deployment cancels it. Returns the path that
    /// changed.
    fn deploy_and_wait(&self, seen: Snapshot, changed: Option<&str>) -> (Snapshot, Option<String>) {
        // Files that the `prepare` command writes in the project are not changes of the user.
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
            // The next deployment reports instead.
            _ if interrupt.is_set() => return,
            Ok(text) => self.output.say(text),
            Err(failure) => self.output.fail(&failure),
        }
        self.output.say("waiting for changes; stop with Ctrl-C");
    }

    fn try_deploy(&self, interrupt: Interrupt) -> Result<Report, Failure> {
        let env = Env::read()?;
        let session = Session::with_interrupt(&env, self.output, interrupt)?;
        let done = deploy::deploy(&self.arguments, &session);
        session.reporter.clear();
        let done = done?;
        done.notes.iter().for_each(|note| self.output.say(format!("warning: {note}")));
        Ok(Report { done, now: env.now })
    }

    /// Restarts the live release, with the new variables.
    fn restart(&self, service: &str) -> Result<String, Failure> {
        let rollout = Rollout::from(self.client.restart(service)?);
        let generation = rollout.live.unwrap_or_default();
        rollout.check(service, generation, self.client.url())?;
        Ok(format!("{service} generation {generation} restarted"))
    }
}
