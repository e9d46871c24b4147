//! `pinnace status`: what an agent runs.

use pinnace_agent::{Attempt, Cause, Outcome, ServiceStatus, State};
use pinnace_build::Env;
use serde_json::json;

use crate::{
    Failure, agents, arguments::Status, deployments, interrupt::Interrupt, progress::Output,
};

pub(crate) fn run(arguments: &Status, env: &Env, output: Output) -> Result<(), Failure> {
    let _interrupt = Interrupt::listen_for_good(output)?;
    let client = agents::named(&arguments.agent, env)?;
    let status = client.status()?;
    let services: Vec<&ServiceStatus> = match &arguments.service {
        None => status.services.iter().collect(),
        Some(name) => {
            vec![status.services.iter().find(|one| one.service == *name).ok_or_else(|| {
                Failure::job(format!("no service `{name}` runs on the agent at {}", client.url()))
            })?]
        }
    };
    let width = services.iter().map(|one| one.service.len()).max().unwrap_or_default();
    let mut lines: Vec<String> = services.iter().map(|one| line(one, width)).collect();
    let is_one = arguments.service.is_some();
    for (line, one) in lines.iter_mut().zip(&services).filter(|_| !is_one) {
        let last = one.attempts.front().filter(|one| one.outcome != Outcome::Live);
        last.into_iter().for_each(|last| line.push_str(&format!("\n{}", told(last, env.now))));
    }
    for (line, one) in lines.iter_mut().zip(&services) {
        one.waiting.iter().for_each(|what| line.push_str(&format!("\n  waiting for {what}")));
    }
    if let ([one], true) = (services.as_slice(), is_one) {
        let processes = one.processes.iter().map(|one| format!("{} ({})", one.name, one.id));
        lines.push(format!("  {}", processes.collect::<Vec<_>>().join(", ")));
        lines.extend(one.attempts.iter().map(|attempt| told(attempt, env.now)));
    }
    if services.is_empty() {
        lines.push(format!("{} runs nothing", status.agent));
    }
    let json = json!({ "agent": status.agent, "version": status.version,
        "platforms": status.platforms, "services": services });
    output.raw(&lines.join("\n"), &json)
}

/// A service: its name, state, generation, release and address.
fn line(service: &ServiceStatus, width: usize) -> String {
    let state = match service.state {
        State::Live => "live",
        State::Restarting => "restarting",
        _ => "down",
    };
    let generation =
        service.generation.map_or_else(String::new, |one| format!("  generation {one}"));
    let release = service.release.as_ref().map_or_else(String::new, |one| format!("  {one}"));
    let address = service.address.as_ref().map_or_else(String::new, |one| format!("  {one}"));
    format!("{:width$}  {state}{generation}{release}{address}", service.service)
}

/// An attempt: when, what became of it, how long its steps took.
fn told(attempt: &Attempt, now: u64) -> String {
    let outcome = match &attempt.outcome {
        Outcome::Live => "live".to_owned(),
        Outcome::Failed { reason } => {
            format!("failed: {}", reason.lines().next().unwrap_or_default())
        }
        Outcome::Superseded => "passed over: something newer came".to_owned(),
        _ => "under way".to_owned(),
    };
    let steps = attempt.timings_ms.iter().map(|(step, took)| format!("{step} {took:.0} ms"));
    let steps = steps.collect::<Vec<_>>().join(" | ");
    let age = deployments::age(now.saturating_sub(attempt.at));
    let cause = match attempt.cause {
        Cause::Restart => " (restart)",
        Cause::Exit => " (its process ended)",
        Cause::Recovery => " (start of the agent)",
        _ => "",
    };
    format!("  {:>4}  {age:>6} ago  {outcome}{cause}  {steps}", attempt.generation)
}
