//! `pinnace restart`: starts new processes of the live release.

use pinnace_build::Env;
use pinnace_deploy::Rollout;
use serde_json::{Map, Value, json};

use crate::{Failure, agents, arguments::Restart, interrupt::Interrupt, output::Output};

pub(crate) fn run(arguments: &Restart, env: &Env, output: Output) -> Result<(), Failure> {
    let _interrupt = Interrupt::listen_or_exit(output)?;
    let client = agents::required_client(&arguments.agent, env)?;
    let service = &arguments.service;
    let rollout = Rollout::from(client.restart(service)?);
    let Some(attempt) = &rollout.attempt else {
        return Err(Failure::job(format!("the agent reported no result for `{service}`")));
    };
    rollout.check(service, attempt.generation, client.url())?;
    let at = rollout.address.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
    let generation = attempt.generation;
    let timings = attempt.timings_ms.iter().map(|(name, took)| format!("{name} {took:.0} ms"));
    let phases = timings.collect::<Vec<_>>().join(" | ");
    let text = format!("{service} generation {generation} restarted, live{at}\n{phases}");
    let timings = attempt.timings_ms.iter();
    let timings: Map<String, Value> =
        timings.map(|(name, took)| (name.clone(), (*took).into())).collect();
    output.result(
        &text,
        &json!({ "service": service, "generation": generation, "release": attempt.release,
            "address": rollout.address, "live": true, "timings_ms": timings }),
    )
}
