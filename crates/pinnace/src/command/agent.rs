//! `pinnace agent`: runs an agent until a signal.

use std::{io::Read, sync::Arc, time::Duration};

use pinnace_agent::{Agent, Clock, Dependencies, Fetch, LogSink, Options, Tokens, VariablesFolder};
use pinnace_build::{Cache, Env, LocalInterpreters, http_options, unix_time};
use pinnace_store::{OnMissing, Store};
use pinnace_wheel::{Address, Fetch as _, GetRequest, HttpFetch};

use crate::{
    Failure, agents, arguments::RunAgent, interrupt::Interrupt, output::Output, progress::Reporter,
    stores,
};

pub(crate) fn run(arguments: &RunAgent, env: &Env, output: Output) -> Result<(), Failure> {
    let interrupt = Interrupt::listen(|| {})?;
    let reporter = Arc::new(Reporter::new(output.without_result(), Interrupt::default()));
    let url = arguments.store.as_deref();
    // An agent with services had a store. A missing store is unavailable, and must not be created empty.
    let has_services = env.folder.join(&arguments.data).join("services").is_dir();
    let on_missing = if has_services { OnMissing::Await } else { OnMissing::Create };
    let store = stores::unopened(url, on_missing, env, &reporter)?;
    // The services start even if the store cannot be reached.
    if let Err(error) = store.check() {
        output.say(format!("warning: {}", Failure::from(error).message()));
    }
    let dependencies = dependencies(store.store().clone(), arguments.python.clone(), env)?;
    let mut options = options(arguments, env)?;
    options.log_sink = Arc::new(AgentLog(output));
    let agent = Agent::start(dependencies, options)?;
    output.say(format!("listening at {}", agent.url()));
    interrupt.wait();
    output.say("stopping");
    agent.stop();
    Ok(())
}

/// Prints the messages of the agent itself, without those of its processes.
struct AgentLog(Output);

impl LogSink for AgentLog {
    fn line(&self, service: &str, who: &str, text: &str) {
        if who == "pinnace" {
            let service = if service.is_empty() { String::new() } else { format!("{service}: ") };
            self.0.say(format!("{service}{text}"));
        }
    }
}

/// Returns the dependencies of an agent.
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
        options.tokens = Tokens::parse(&agents::read_tokens(file)?, &file.display().to_string())?;
    }
    Ok(options)
}

/// Returns the host name, without the characters that a ref does not allow.
fn machine_name(env: &Env) -> String {
    let is_allowed = |symbol: &char| symbol.is_ascii_alphanumeric() || "._-".contains(*symbol);
    let name: String = env.host_name().chars().filter(is_allowed).take(100).collect();
    match name.trim_start_matches('.') {
        "" => "agent".to_owned(),
        name => name.to_owned(),
    }
}

/// Downloads wheels that deployers offer by URL.
struct Downloads(HttpFetch);

/// The connect timeout. It is short, because the deployer uploads a wheel that the agent cannot download.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

impl Downloads {
    fn new(env: &Env) -> Result<Self, Failure> {
        let mut options = http_options(env)?;
        options.connect_timeout = Some(CONNECT_TIMEOUT);
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
