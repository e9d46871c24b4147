//! The agent that the user means.

use std::path::{Path, PathBuf};

use pinnace_agent::{Client, Tokens};
use pinnace_build::Env;

use crate::{Failure, arguments::AgentArguments};

/// Returns the agent of `--agent`, else of the project, else of PINNACE_AGENT; `None` if none is named.
pub(crate) fn client(
    arguments: &AgentArguments,
    project: Option<&str>,
    env: &Env,
) -> Result<Option<Client>, Failure> {
    let url = arguments.agent.as_deref().or(project);
    let Some(url) = url.or_else(|| env.variable("PINNACE_AGENT")) else { return Ok(None) };
    let file = token_file(arguments.token_file.as_deref(), env);
    let token = file.map(|file| read(&file)).transpose()?;
    let first = token.as_deref().and_then(Tokens::first);
    Ok(Some(Client::new(url, first)?))
}

/// Returns the agent for a command that needs one.
pub(crate) fn named(arguments: &AgentArguments, env: &Env) -> Result<Client, Failure> {
    client(arguments, None, env)?.ok_or_else(|| {
        Failure::usage("no agent is named").hint(
            "name one with `--agent`, as in `--agent http://127.0.0.1:4000`, or set PINNACE_AGENT",
        )
    })
}

/// Returns the file of the tokens.
pub(crate) fn token_file(given: Option<&Path>, env: &Env) -> Option<PathBuf> {
    let named = env.variable("PINNACE_TOKEN_FILE").map(Path::new);
    given.or(named).map(|file| env.folder.join(file))
}

/// Reads a file of tokens.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::io(&format!("cannot read the token `{}`", file.display()), &error)
    })
}
