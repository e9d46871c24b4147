//! `pinnace agent`: keeps the services of a store running.

use std::{sync::Arc, time::Duration};

use pinnace_agent::{Agent, Clock, Hearer, Options, Parts, Tokens, VariablesFolder};
use pinnace_store::Store;

use crate::{
    Failure, agents,
    arguments::RunAgent,
    environment::{self, Environment},
    interpreters::Interpreters,
    interrupt::Interrupt,
    progress::{Output, Reporter},
    session::Reading,
    storage::Storage,
    stores::{self, Absent},
};

pub(crate) fn run(
    arguments: &RunAgent,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let interrupt = Interrupt::listen(|| {})?;
    let reporter = Arc::new(Reporter::new(output.without_result(), Interrupt::default()));
    let url = arguments.store.as_deref();
    // One that has something to remember had a store, and a new one would not be that.
    let remembers = environment.folder.join(&arguments.data).join("services").is_dir();
    let absent = if remembers { Absent::Await } else { Absent::Make };
    let store = stores::unseen(url, absent, environment, &reporter)?;
    // One that cannot be reached now does not keep what is live from being started again.
    if let Err(failure) = store.is_there() {
        output.say(format!("warning: {}", failure.message()));
    }
    let parts = parts(store.store, arguments.python.clone(), environment)?;
    let mut options = options(arguments, environment)?;
    options.hearer = Arc::new(Journal(output));
    let agent = Agent::start(parts, options)?;
    output.say(format!("the agent listens at {}", agent.url()));
    interrupt.wait();
    output.say("stopping");
    agent.stop();
    Ok(())
}

/// What the agent itself says, for whoever keeps its output.
struct Journal(Output);

impl Hearer for Journal {
    fn hear(&self, service: &str, who: &str, text: &str) {
        if who == "pinnace" {
            let service = if service.is_empty() { String::new() } else { format!("{service}: ") };
            self.0.say(format!("{service}{text}"));
        }
    }
}

/// What any agent of this command works with.
pub(crate) fn parts(
    store: Store,
    python: Option<String>,
    environment: &Environment,
) -> Result<Parts, Failure> {
    let storage = Arc::new(Storage::open(&environment.cache_folder()?)?);
    let pythons = Interpreters {
        named: python,
        environment: environment.clone(),
        storage: Arc::clone(&storage),
    };
    Ok(Parts {
        store,
        machine: storage.machine_of_all(),
        pythons: Arc::new(pythons),
        fetch: Some(Arc::new(Reading::new(environment)?)),
        clock: Clock(environment::seconds),
    })
}

fn options(arguments: &RunAgent, environment: &Environment) -> Result<Options, Failure> {
    let mut options = Options::new(environment.folder.join(&arguments.data));
    options.listen = arguments.listen;
    options.name = match &arguments.name {
        Some(name) => name.clone(),
        None => machine_name(environment),
    };
    options.routes.clone_from(&arguments.route);
    options.only.clone_from(&arguments.service);
    options.poll = Duration::from_secs(arguments.poll);
    options.threads = environment.threads;
    if let Some(folder) = &arguments.env {
        options.variables = Arc::new(VariablesFolder::new(environment.folder.join(folder)));
    }
    options.token_file = agents::token_file(arguments.token_file.as_deref(), environment);
    if let Some(file) = &options.token_file {
        options.tokens = Tokens::parse(&agents::read(file)?, &file.display().to_string())?;
    }
    Ok(options)
}

/// The name of the machine, as far as it is one of a ref.
fn machine_name(environment: &Environment) -> String {
    let name = environment.variable("HOSTNAME").map(str::to_owned);
    let name = name.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let name = name.unwrap_or_default();
    let is_good = |sign: &char| sign.is_ascii_alphanumeric() || "._-".contains(*sign);
    let name: String = name.trim().chars().filter(is_good).take(100).collect();
    match name.trim_start_matches('.') {
        "" => "agent".to_owned(),
        name => name.to_owned(),
    }
}
