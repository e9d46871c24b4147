//! The choice of the agent: from the command line, the project or the environment.

use std::path::{Path, PathBuf};

use pinnace_agent::{Client, Tokens};
use pinnace_build::Env;

use crate::{Failure, arguments::AgentArguments};

/// Returns a client of the agent of `--agent`, or else of the project, or else of PINNACE_AGENT.
pub(crate) fn client(
    arguments: &AgentArguments,
    project: Option<&str>,
    env: &Env,
) -> Result<Option<Client>, Failure> {
    let url = arguments.agent.as_deref().or(project);
    let Some(url) = url.or_else(|| env.variable("PINNACE_AGENT")) else { return Ok(None) };
    let file = token_file(arguments.token_file.as_deref(), env);
    let token = file.map(|file| read_tokens(&file)).transpose()?;
    let first = token.as_deref().and_then(Tokens::first);
    Ok(Some(Client::new(url, first)?))
}

/// Like [`client`], but fails if no agent is given.
pub(crate) fn required_client(arguments: &AgentArguments, env: &Env) -> Result<Client, Failure> {
    client(arguments, None, env)?.ok_or_else(|| {
        Failure::usage("no agent given").hint(
            "pass one with `--agent`, as in `--agent http://127.0.0.1:4000`, or set PINNACE_AGENT",
        )
    })
}

/// Returns the token file of `--token-file`, or else of PINNACE_TOKEN_FILE.
pub(crate) fn token_file(given: Option<&Path>, env: &Env) -> Option<PathBuf> {
    let default = env.variable("PINNACE_TOKEN_FILE").map(Path::new);
    given.or(default).map(|file| env.folder.join(file))
}

/// Reads a token file.
pub(crate) fn read_tokens(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::io(&format!("cannot read the token file `{}`", file.display()), &error)
    })
}
