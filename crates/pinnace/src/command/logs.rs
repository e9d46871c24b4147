//! `pinnace logs`: what the processes of a service say.

use std::{
    io::{BufRead, BufReader},
    process,
};

use pinnace_agent::Follow;
use pinnace_build::Env;
use serde_json::json;

use crate::{
    Failure, agents,
    arguments::Logs,
    interrupt::Interrupt,
    progress::{Output, Style},
};

pub(crate) fn run(arguments: &Logs, env: &Env, output: Output) -> Result<(), Failure> {
    if arguments.follow && output.style == Style::Json {
        return Err(Failure::usage("`--follow` has no end at which there is one JSON object"));
    }
    // Ctrl-C is how this is ended.
    let _interrupt = Interrupt::listen(|| process::exit(130))?;
    let client = agents::named(&arguments.agent, env)?;
    let follow = if arguments.follow { Follow::Yes } else { Follow::No };
    let said = BufReader::new(client.logs(&arguments.service, arguments.lines, follow)?);
    let cut = |error: std::io::Error| Failure::job(format!("the agent tells no more: {error}"));
    if arguments.follow {
        for line in said.lines() {
            if !output.line(&line.map_err(cut)?)? {
                break;
            }
        }
        return Ok(());
    }
    let lines: Vec<String> = said.lines().collect::<Result<_, _>>().map_err(cut)?;
    match lines.is_empty() {
        true => output.result("", &json!({ "service": arguments.service, "lines": lines })),
        false => {
            output.raw(&lines.join("\n"), &json!({ "service": arguments.service, "lines": lines }))
        }
    }
}
