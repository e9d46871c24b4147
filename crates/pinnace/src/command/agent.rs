//! `pinnace agent`: keeps the services of a store running.

use std::{io::Read, sync::Arc, time::Duration};

use pinnace_agent::{Agent, Clock, Dependencies, Fetch, LogSink, Options, Tokens, VariablesFolder};
use pinnace_build::{Cache, Env, LocalInterpreters, http_options, unix_time};
use pinnace_store::{OnMissing, Store};
use pinnace_wheel::{Address, Fetch as _, GetRequest, HttpFetch};

use crate::{
    Failure, agents,
    arguments::RunAgent,
    interrupt::Interrupt,
    progress::{Output, Reporter},
    stores,
};

pub(crate) fn run(arguments: &RunAgent, env: &Env, output: Output) -> Result<(), Failure> {
    let interrupt = Interrupt::listen(|| {})?;
    let reporter = Arc::new(Reporter::new(output.without_result(), Interrupt::default()));
    let url = arguments.store.as_deref();
    // An agent that remembers services had a store, and a new one would not be that store.
    let remembers = env.folder.join(&arguments.data).join("services").is_dir();
    let on_missing = if remembers { OnMissing::Await } else { OnMissing::Create };
    let store = stores::unopened(url, on_missing, env, &reporter)?;
    // Services start again even if the store cannot be reached now.
    if let Err(error) = store.check() {
        output.say(format!("warning: {}", Failure::from(error).message()));
    }
    let dependencies = dependencies(store.store().clone(), arguments.python.clone(), env)?;
    let mut options = options(arguments, env)?;
    options.log_sink = Arc::new(Journal(output));
    let agent = Agent::start(dependencies, options)?;
    output.say(format!("the agent listens at {}", agent.url()));
    interrupt.wait();
    output.say("stopping");
    agent.stop();
    Ok(())
}

/// The agent's own messages, for its journal.
struct Journal(Output);

impl LogSink for Journal {
    fn line(&self, service: &str, who: &str, text: &str) {
        if who == "pinnace" {
            let service = if service.is_empty() { String::new() } else { format!("{service}: ") };
            self.0.say(format!("{service}{text}"));
        }
    }
}

/// Returns the dependencies of an agent that this command starts.
pub(crate) fn dependencies(
    store: Store,
    python: Option<String>,
    env: &Env,
) -> Result<Dependencies, Failure> {
    let cache = Arc::new(Cache::open(&env.cache_folder()?)?);
    let interpreters = LocalInterpreters::new(python, env.clone(), Arc::clone(&cache));
    Ok(Dependencies {
        store,
        cache,
        interpreters: Arc::new(interpreters),
        fetch: Some(Arc::new(Downloads::new(env)?)),
        clock: Clock(unix_time),
    })
}

fn options(arguments: &RunAgent, env: &Env) -> Result<Options, Failure> {
    let mut options = Options::new(env.folder.join(&arguments.data));
    options.listen = arguments.listen;
    options.name = match &arguments.name {
        Some(name) => name.clone(),
        None => machine_name(env),
    };
    options.routes.clone_from(&arguments.route);
    options.services.clone_from(&arguments.service);
    options.poll_interval = Duration::from_secs(arguments.poll);
    options.threads = env.threads;
    if let Some(folder) = &arguments.env {
        options.variables = Arc::new(VariablesFolder::new(env.folder.join(folder)));
    }
    options.token_file = agents::token_file(arguments.token_file.as_deref(), env);
    if let Some(file) = &options.token_file {
        options.tokens = Tokens::parse(&agents::read(file)?, &file.display().to_string())?;
    }
    Ok(options)
}

/// Returns the name of the machine, as far as it can be part of a ref.
fn machine_name(env: &Env) -> String {
    let is_good = |sign: &char| sign.is_ascii_alphanumeric() || "._-".contains(*sign);
    let name: String = env.host_name().chars().filter(is_good).take(100).collect();
    match name.trim_start_matches('.') {
        "" => "agent".to_owned(),
        name => name.to_owned(),
    }
}

/// Downloads of wheels that deployers offer by their addresses.
struct Downloads(HttpFetch);

/// The time to connect. An agent that cannot reach an address says so soon, and is sent the wheel.
const CONNECT: Duration = Duration::from_secs(3);

impl Downloads {
    fn new(env: &Env) -> Result<Self, Failure> {
        let mut options = http_options(env)?;
        options.connect_timeout = Some(CONNECT);
        Ok(Self(HttpFetch::new(options)))
    }
}

impl Fetch for Downloads {
    fn fetch(&self, url: &str) -> Result<Option<Box<dyn Read + Send>>, String> {
        let Some(address) = Address::parse(url).ok().filter(|address| !address.is_file()) else {
            return Ok(None);
        };
        let request = GetRequest::new(&address, "*/*");
        let answer = self.0.fetch(&request).map_err(|error| error.to_string())?;
        Ok((answer.status == 200).then_some(answer.body))
    }
}
