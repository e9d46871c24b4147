//! `pinnace restart`: new processes of what is live.

use serde_json::json;

use crate::{
    Failure, agents, arguments::Restart, environment::Environment, interrupt::Interrupt,
    progress::Output,
};

pub(crate) fn run(
    arguments: &Restart,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let _interrupt = Interrupt::listen_for_good(output)?;
    let client = agents::named(&arguments.agent, environment)?;
    let answered = client.restart(&arguments.service)?;
    let Some(attempt) = &answered.attempt else {
        return Err(Failure::job(format!(
            "the agent does not tell what became of `{}`",
            arguments.service
        )));
    };
    if let Some(failure) =
        agents::failed(&client, &arguments.service, attempt.generation, &answered)
    {
        return Err(failure);
    }
    let address = answered.address.as_ref();
    let at = address.map_or_else(String::new, |address| format!(" at {address}"));
    let steps = attempt.timings_ms.iter().map(|(step, took)| format!("{step} {took:.0} ms"));
    let steps = steps.collect::<Vec<_>>().join(" | ");
    let text = format!(
        "{} generation {} started anew, live{at}\n{steps}",
        arguments.service, attempt.generation
    );
    let timings: serde_json::Map<String, serde_json::Value> =
        attempt.timings_ms.iter().map(|(step, took)| (step.clone(), (*took).into())).collect();
    output.result(&text, &json!({ "service": arguments.service, "generation": attempt.generation,
        "release": attempt.release, "address": answered.address, "live": true, "timings_ms": timings }))
}
