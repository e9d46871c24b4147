//! `pinnace status`: the services of an agent.

use pinnace_agent::{Attempt, Cause, Outcome, ServiceStatus, State};
use pinnace_build::Env;
use serde_json::json;

use crate::{
    Failure, agents, arguments::Status, deployments, interrupt::Interrupt, output::Output,
};

pub(crate) fn run(arguments: &Status, env: &Env, output: Output) -> Result<(), Failure> {
    let _interrupt = Interrupt::listen_or_exit(output)?;
    let client = agents::required_client(&arguments.agent, env)?;
    let status = client.status()?;
    let services: Vec<&ServiceStatus> = match &arguments.service {
        None => status.services.iter().collect(),
        Some(name) => {
            let service = status.services.iter().find(|service| service.service == *name);
            vec![service.ok_or_else(|| {
                Failure::job(format!("no service `{name}` on the agent at {}", client.url()))
            })?]
        }
    };
    let lines: Vec<String> = match (services.as_slice(), &arguments.service) {
        ([], _) => vec![format!("no services on {}", status.agent)],
        ([service], Some(_)) => vec![details(service, env.now)],
        _ => {
            let names = services.iter().map(|service| service.service.len());
            let width = names.max().unwrap_or_default();
            services.iter().map(|service| summary(service, width, env.now)).collect()
        }
    };
    let json = json!({ "agent": status.agent, "version": status.version,
        "platforms": status.platforms, "services": services });
    output.raw(&lines.join("\n"), &json)
}

/// Describes a service in a list: its state, and its last attempt if that did not go live.
fn summary(service: &ServiceStatus, width: usize, now: u64) -> String {
    let mut lines = vec![line(service, width)];
    let last = service.attempts.front().filter(|attempt| attempt.outcome != Outcome::Live);
    lines.extend(last.map(|attempt| attempt_line(attempt, now)));
    lines.extend(waiting_lines(service));
    lines.join("\n")
}

/// Describes a service by itself: its state, its processes and its attempts.
fn details(service: &ServiceStatus, now: u64) -> String {
    let mut lines = vec![line(service, 0)];
    lines.extend(waiting_lines(service));
    let processes = service.processes.iter();
    let processes = processes.map(|process| format!("{} ({})", process.name, process.id));
    lines.push(format!("  {}", processes.collect::<Vec<_>>().join(", ")));
    lines.extend(service.attempts.iter().map(|attempt| attempt_line(attempt, now)));
    lines.join("\n")
}

fn waiting_lines(service: &ServiceStatus) -> impl Iterator<Item = String> {
    service.waiting.iter().map(|condition| format!("  waiting for {condition}"))
}

/// Formats a service as a line: its name, state, generation, release and address.
fn line(service: &ServiceStatus, width: usize) -> String {
    let state = match service.state {
        State::Live => "live",
        State::Restarting => "restarting",
        _ => "down",
    };
    let generation =
        service.generation.map_or_else(String::new, |number| format!("  generation {number}"));
    let release = service.release.as_ref().map_or_else(String::new, |digest| format!("  {digest}"));
    let address = service.address.as_ref().map_or_else(String::new, |url| format!("  {url}"));
    format!("{:width$}  {state}{generation}{release}{address}", service.service)
}

/// Formats an attempt as a line: its generation, age, outcome, cause and timings.
fn attempt_line(attempt: &Attempt, now: u64) -> String {
    let outcome = match &attempt.outcome {
        Outcome::Live => "live".to_owned(),
        Outcome::Failed { reason } => {
            format!("failed: {}", reason.lines().next().unwrap_or_default())
        }
        Outcome::Superseded => "superseded by a newer deployment".to_owned(),
        _ => "in progress".to_owned(),
    };
    let timings = attempt.timings_ms.iter().map(|(name, took)| format!("{name} {took:.0} ms"));
    let timings = timings.collect::<Vec<_>>().join(" | ");
    let age = deployments::age(now.saturating_sub(attempt.at));
    let cause = match attempt.cause {
        Cause::Restart => " (restart)",
        Cause::Exit => " (process exited)",
        Cause::Recovery => " (start of the agent)",
        _ => "",
    };
    format!("  {:>4}  {age:>6} ago  {outcome}{cause}  {timings}", attempt.generation)
}
