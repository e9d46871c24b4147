//! The agent that the user means.

use std::{path::Path, time::Duration};

use pinnace_agent::{Answered, Client, ErrorKind, Outcome, Tokens};
use pinnace_store::Digest;
use serde_json::json;

use crate::{Failure, arguments::AgentArguments, environment::Environment, interrupt::Interrupt};

/// The agent of `--agent`, else of the project, else of PINNACE_AGENT; `None` if none is named.
pub(crate) fn client(
    arguments: &AgentArguments,
    project: Option<&str>,
    environment: &Environment,
) -> Result<Option<Client>, Failure> {
    let url = arguments.agent.as_deref().or(project);
    let Some(url) = url.or_else(|| environment.variable("PINNACE_AGENT")) else { return Ok(None) };
    let file = token_file(arguments.token_file.as_deref(), environment);
    let token = file.map(|file| read(&file)).transpose()?;
    let first = token.as_deref().and_then(Tokens::first);
    Ok(Some(Client::new(url, first)?))
}

/// The same, where nothing can be done without one.
pub(crate) fn named(
    arguments: &AgentArguments,
    environment: &Environment,
) -> Result<Client, Failure> {
    client(arguments, None, environment)?.ok_or_else(|| {
        Failure::usage("no agent is named").hint(
            "name one with `--agent`, as in `--agent http://127.0.0.1:4000`, or set PINNACE_AGENT",
        )
    })
}

/// The file of the token, or of the tokens.
pub(crate) fn token_file(
    given: Option<&Path>,
    environment: &Environment,
) -> Option<std::path::PathBuf> {
    let named = environment.variable("PINNACE_TOKEN_FILE").map(Path::new);
    given.or(named).map(|file| environment.folder.join(file))
}

pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::io(&format!("cannot read the token `{}`", file.display()), &error)
    })
}

/// Waits until a generation is live on an agent, and tells what keeps it.
pub(crate) fn wait(
    client: &Client,
    service: &str,
    generation: u64,
    release: Option<&Digest>,
    interrupt: &Interrupt,
    tell: &dyn Fn(&str),
) -> Result<Answered, Failure> {
    // So often somebody who waits looks whether to go on.
    const LOOK: Duration = Duration::from_secs(1);
    let mut told: Option<String> = None;
    while !interrupt.is_set() {
        let answered = client.attempt(service, generation, release, LOOK)?;
        let is_live = answered.generation == Some(generation)
            && answered.release == release.map(Digest::to_string);
        if answered.attempt.is_some() || is_live {
            return Ok(answered);
        }
        if let Some(what) = answered.waiting.as_ref().filter(|what| told.as_ref() != Some(*what)) {
            tell(what);
        }
        told = answered.waiting;
    }
    Err(Failure::interrupted().hint(format!(
        "generation {generation} is still being tried; `pinnace status {service} --agent {}` tells",
        client.url()
    )))
}

/// Why a generation did not go live, if it did not.
pub(crate) fn failed(
    client: &Client,
    service: &str,
    generation: u64,
    answered: &Answered,
) -> Option<Failure> {
    /// More than that is in the log.
    const LINES: usize = 30;
    let attempt = answered.attempt.as_ref()?;
    let number = attempt.generation;
    let failure = match &attempt.outcome {
        Outcome::Live if number == generation => return None,
        Outcome::Failed { reason } => {
            let last = attempt.log.iter().skip(attempt.log.len().saturating_sub(LINES));
            let log: String = last.flat_map(|line| ["\n  ", line.as_str()]).collect();
            let url = client.url();
            let before = answered
                .generation
                .map_or_else(String::new, |live| format!("generation {live} is live as before; "));
            let message = format!("generation {number} of `{service}` is not live: {reason}{log}");
            Failure::job(message)
                .hint(format!("{before}`pinnace logs {service} --agent {url}` shows more"))
        }
        Outcome::Superseded if number == generation => Failure::job(format!(
            "generation {generation} of `{service}` is not live: something newer came before it was"
        )),
        _ => Failure::job(format!(
            "generation {generation} of `{service}` was passed over: {number} came before it was live"
        )),
    };
    Some(failure.with_json(json!({
        "service": service, "generation": generation, "live": false, "log": attempt.log,
    })))
}

impl From<pinnace_agent::Error> for Failure {
    fn from(error: pinnace_agent::Error) -> Self {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Malformed { .. } | ErrorKind::NoToken { .. } => Self::usage(message),
            ErrorKind::Refused { status: 401, .. } => Self::job(message)
                .hint("name the file of its token with `--token-file`, or set PINNACE_TOKEN_FILE"),
            ErrorKind::Unreachable { .. } => Self::job(message).hint(
                "is it running, and at this address? `pinnace agent --help` says how it starts",
            ),
            ErrorKind::Io { source, .. } => Self::io_at(message, source),
            _ => Self::job(message),
        }
    }
}
