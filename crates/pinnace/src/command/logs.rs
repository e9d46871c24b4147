//! `pinnace logs`: the output of the processes of a service.

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
    output::{Output, Style},
};

pub(crate) fn run(arguments: &Logs, env: &Env, output: Output) -> Result<(), Failure> {
    if arguments.follow && output.style == Style::Json {
        return Err(Failure::usage("`--follow` does not support `--json`"));
    }
    // Ctrl-C is the normal end of `--follow`.
    let _interrupt = Interrupt::listen(|| process::exit(130))?;
    let client = agents::required_client(&arguments.agent, env)?;
    let follow = if arguments.follow { Follow::Yes } else { Follow::No };
    let log = BufReader::new(client.logs(&arguments.service, arguments.lines, follow)?);
    let cut = |error: std::io::Error| Failure::job(format!("cannot read the log further: {error}"));
    if arguments.follow {
        for line in log.lines() {
            if !output.line(&line.map_err(cut)?)? {
                break;
            }
        }
        return Ok(());
    }
    let lines: Vec<String> = log.lines().collect::<Result<_, _>>().map_err(cut)?;
    let json = json!({ "service": arguments.service, "lines": lines });
    if lines.is_empty() { output.result("", &json) } else { output.raw(&lines.join("\n"), &json) }
}
