//! `pinnace up`: the whole system for one project, on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use pinnace_agent::{Agent, Client, Hearer, Options, Route};
use pinnace_deploy::{Index, Rules, Scan, Settings, TreeFile};
use pinnace_store::{Digest, Durability, LocalStore, Store, parallel::join};
use sha2::{Digest as _, Sha256};

use super::{
    agent::parts,
    deploy::{self, Done},
};
use crate::{
    Failure, agents,
    arguments::{AgentArguments, Deploy, StoreArguments, Up},
    dotenv::Surroundings,
    environment::Environment,
    interrupt::Interrupt,
    progress::{Output, Style},
    services,
    session::Session,
};

pub(crate) fn run(arguments: Up, environment: &Environment, output: Output) -> Result<(), Failure> {
    if output.style == Style::Json {
        return Err(Failure::usage("`up` has no end at which there is one JSON object")
            .hint("`deploy --agent URL --json` has; `up` says where its agent is"));
    }
    let interrupt = Interrupt::listen(|| {})?;
    let project = project(&arguments, environment)?;
    let home = home(&project, environment)?;
    let store = Store::open(LocalStore::open(home.join("store"), Durability::Volatile)?)?;
    let parts = parts(store, None, environment)?;
    let mut options = options(&arguments, &project, &home, environment)?;
    options.hearer = Arc::new(Voices(output));
    let agent = Agent::start(parts, options)?;
    output.say(format!("agent at {}, which has a page that shows what it does", agent.url()));
    let watching = Watching {
        arguments: deploy_arguments(&arguments, &project, &home, &agent),
        project,
        client: Client::new(&agent.url(), None)?,
        output,
        interrupt: interrupt.clone(),
    };
    // What waits for a network, or a program of the project's, does not keep Ctrl-C from stopping all.
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

/// How long what is under way may take to stop by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(20);

fn project(arguments: &Up, environment: &Environment) -> Result<PathBuf, Failure> {
    let folder = environment.folder.join(&arguments.project);
    folder.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
        Failure::usage(format!("`{}` is no folder that is there", arguments.project.display()))
    })
}

/// Where the store and the agent of a project are: in the cache, since all of it can be made again.
fn home(project: &Path, environment: &Environment) -> Result<PathBuf, Failure> {
    let digest = Digest::new(Sha256::digest(project.as_os_str().as_encoded_bytes()).into());
    Ok(environment.cache_folder()?.join("up").join(&digest.to_hex()[..16]))
}

fn options(
    arguments: &Up,
    project: &Path,
    home: &Path,
    environment: &Environment,
) -> Result<Options, Failure> {
    let mut options = Options::new(home.join("agent"));
    options.name = "up".to_owned();
    options.threads = environment.threads;
    options.farewell = Duration::from_secs(5);
    options.variables = Arc::new(Surroundings::new(environment, project));
    if let (Some(port), Some(service)) = (arguments.port, &arguments.service) {
        services::wanted(service)?;
        options.routes.push((service.clone(), Route::Port(port)));
    } else if let Some(port) = arguments.port {
        options.any_route = Some(Route::Port(port));
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

/// What the processes of the project say.
struct Voices(Output);

impl Hearer for Voices {
    fn hear(&self, _: &str, who: &str, text: &str) {
        // What becomes of a release is told by who deploys it.
        let is_told = who == "pinnace" && text.starts_with("generation ");
        if !is_told {
            self.0.say(format!("{who} | {text}"));
        }
    }
}

/// A project that is deployed whenever it changes.
struct Watching {
    arguments: Deploy,
    project: PathBuf,
    client: Client,
    output: Output,
    interrupt: Interrupt,
}

/// How often the project is looked at, if a look is cheap; and how much of the time looking may take.
const OFTEN: Duration = Duration::from_millis(40);
const SHARE: u32 = 20;
/// How long a project must be at rest: editors write a file in several steps.
const REST: Duration = Duration::from_millis(15);

impl Watching {
    /// Deploys, and waits for a change, for ever.
    fn watch(&self) -> Result<(), Failure> {
        let mut seen = Seen::of(&self.project);
        let mut changed = None;
        while !self.interrupt.is_set() {
            let (now, what) = self.turn(seen, changed.as_deref());
            seen = now;
            if let Some(what) = &what {
                self.output.say(format!("{what} changed"));
            }
            changed = what;
        }
        Ok(())
    }

    /// Deploys, and waits for a change, which ends what is still being tried; tells what it is.
    fn turn(&self, seen: Seen, changed: Option<&str>) -> (Seen, Option<String>) {
        // What runs before a project is looked at may write in it, and that is no change.
        let settings = Settings::of_project(&self.project, None).unwrap_or_default();
        if !settings.prepare.is_empty() {
            self.deploy(&self.interrupt, changed);
            return self.wait(Seen::of(&self.project));
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

    fn deploy(&self, interrupt: &Interrupt, changed: Option<&str>) {
        let done = self.try_deploy(interrupt.clone()).and_then(|done| {
            match changed == Some(DOTENV) && !done.is_new() {
                true => self.restart(&done.service),
                false => Ok(done.as_line()),
            }
        });
        match done {
            // Whatever became of it is of no account any more.
            _ if interrupt.is_set() => return,
            Ok(text) => self.output.say(text),
            Err(failure) => self.output.fail(&failure),
        }
        self.output.say("waiting for a change; Ctrl-C stops all");
    }

    fn try_deploy(&self, interrupt: Interrupt) -> Result<Done, Failure> {
        let environment = Environment::read()?;
        let index = &self.arguments.index;
        let session = Session::under(&environment, index, self.output, interrupt)?;
        let done = deploy::deploy(&self.arguments, &session);
        session.reporter.clear();
        let done = done?;
        done.notes.iter().for_each(|note| self.output.say(format!("warning: {note}")));
        Ok(done)
    }

    /// Starts the same release with other variables.
    fn restart(&self, service: &str) -> Result<String, Failure> {
        let answered = self.client.restart(service)?;
        let generation = answered.generation.unwrap_or_default();
        match agents::failed(&self.client, service, generation, &answered) {
            Some(failure) => Err(failure),
            None => Ok(format!("{service} generation {generation} started anew")),
        }
    }

    /// Waits until the project has changed and is at rest again; the answer names something that changed.
    fn wait(&self, mut seen: Seen) -> (Seen, Option<String>) {
        while !self.interrupt.is_set() {
            let started = Instant::now();
            let now = Seen::again(&self.project, &seen);
            let took = started.elapsed();
            if let Some(what) = now.differs_from(&seen) {
                return (self.at_rest(now), Some(what));
            }
            seen.index = now.index;
            thread::sleep(OFTEN.max(took * SHARE));
        }
        (seen, None)
    }

    fn at_rest(&self, mut seen: Seen) -> Seen {
        loop {
            thread::sleep(REST);
            let now = Seen::again(&self.project, &seen);
            if now.differs_from(&seen).is_none() || self.interrupt.is_set() {
                return now;
            }
            seen = now;
        }
    }
}

/// A file that never ships.
const DOTENV: &str = ".env";

/// What a look at a project has found.
#[derive(Default)]
struct Seen {
    files: Vec<TreeFile>,
    index: Index,
    /// The variables of the project, which do not ship.
    dotenv: Option<Vec<u8>>,
    /// Why it could not be looked at.
    fault: Option<String>,
}

impl Seen {
    fn of(project: &Path) -> Self {
        Self::again(project, &Self::default())
    }

    /// The same look once more, which reads only what has changed.
    fn again(project: &Path, before: &Self) -> Self {
        let settings = Settings::of_project(project, None).unwrap_or_default();
        let folder = settings.folder.as_deref().unwrap_or(project);
        let rules = Rules::new(&settings.include, &settings.exclude);
        let scan = rules.and_then(|rules| Scan::of(folder, &rules, &before.index, 1));
        match scan {
            Ok(scan) => Self {
                files: scan.files,
                index: scan.index,
                dotenv: fs::read(project.join(DOTENV)).ok(),
                fault: None,
            },
            Err(error) => Self { fault: Some(error.to_string()), ..Self::default() },
        }
    }

    /// Something that is not as it was.
    fn differs_from(&self, before: &Self) -> Option<String> {
        if self.fault.is_some() || before.fault.is_some() {
            let is_other = self.fault != before.fault;
            return is_other.then(|| "the project".to_owned());
        }
        if self.dotenv != before.dotenv {
            return Some(DOTENV.to_owned());
        }
        if self.files == before.files {
            return None;
        }
        let new = self.files.iter().find(|file| !before.files.contains(file));
        let gone = before.files.iter().find(|file| !self.files.contains(file));
        new.or(gone).map(|file| file.path.clone())
    }
}
