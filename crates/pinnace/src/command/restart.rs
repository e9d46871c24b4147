//! `pinnace restart`: new processes of the live release.

use pinnace_build::Env;
use pinnace_deploy::Rollout;
use serde_json::{Map, Value, json};

use crate::{Failure, agents, arguments::Restart, interrupt::Interrupt, progress::Output};

pub(crate) fn run(arguments: &Restart, env: &Env, output: Output) -> Result<(), Failure> {
    let _interrupt = Interrupt::listen_for_good(output)?;
    let client = agents::named(&arguments.agent, env)?;
    let service = &arguments.service;
    let rollout = Rollout::from(client.restart(service)?);
    let Some(attempt) = &rollout.attempt else {
        return Err(Failure::job(format!("the agent does not tell what became of `{service}`")));
    };
    rollout.check(service, attempt.generation, client.url())?;
    let at = rollout.address.as_ref().map_or_else(String::new, |one| format!(" at {one}"));
    let steps = attempt.timings_ms.iter().map(|(step, took)| format!("{step} {took:.0} ms"));
    let steps = steps.collect::<Vec<_>>().join(" | ");
    let generation = attempt.generation;
    let text = format!("{service} generation {generation} started anew, live{at}\n{steps}");
    let timings: Map<String, Value> =
        attempt.timings_ms.iter().map(|(step, took)| (step.clone(), (*took).into())).collect();
    output.result(
        &text,
        &json!({ "service": service, "generation": generation, "release": attempt.release,
            "address": rollout.address, "live": true, "timings_ms": timings }),
    )
}
