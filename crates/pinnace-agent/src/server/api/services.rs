//! Requests and commands for one service.

use std::{sync::Arc, time::Duration};

use hyper::{Method, Request, StatusCode, body::Incoming};
use pinnace_deploy::is_variable_name;
use pinnace_store::RefName;
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};

use super::{
    bodies, logs,
    refusal::{Answer, Refusal, blocking},
    responses::{json as as_json, parameter},
};
use crate::server::{
    service::{Command, Service},
    services::Services,
    supervisors::Supervisors,
};

/// The time after which a waiting client is answered, and asks again.
const LONGEST: Duration = Duration::from_secs(50);

pub(super) async fn answer(
    agent: &Arc<Supervisors>,
    name: &str,
    rest: &[&str],
    request: Request<Incoming>,
) -> Answer {
    let registry = &agent.services;
    match (request.method(), rest) {
        (&Method::GET, []) => Ok(as_json(&find(registry, name)?.status())),
        (&Method::GET, ["attempts", generation]) => {
            let generation =
                generation.parse().map_err(|_| Refusal::bad("a number is expected"))?;
            let wait = parameter(&request, "wait").and_then(|wait| wait.parse().ok());
            let wait = wait.map_or(LONGEST, Duration::from_millis).min(LONGEST);
            let release = parameter(&request, "release");
            attempt(agent, name, (generation, release.as_deref()), wait).await
        }
        (&Method::POST, ["lacking"]) => missing_variables(registry, name, request).await,
        (&Method::POST, ["restart"]) => restart(&*find(registry, name)?).await,
        (&Method::GET, ["logs"]) => Ok(logs::answer(&*find(registry, name)?, &request)),
        (&Method::GET, ["metadata"]) => {
            let metadata = find(registry, name)?.dir.metadata();
            let metadata = metadata.ok_or_else(|| Refusal::not_found("metadata of it"))?;
            let (generation, value) = (metadata.generation, metadata.value);
            Ok(as_json(&json!({ "generation": generation, "value": value })))
        }
        _ => Err(Refusal::not_found("such thing here")),
    }
}

fn find(registry: &Services, name: &str) -> Result<Arc<Service>, Refusal> {
    registry.get(name).ok_or_else(|| {
        let known: Vec<String> =
            registry.all().iter().map(|service| service.name.clone()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("no service `{name}` runs here; there are: {known}"),
        )
    })
}

/// Waits for the outcome of a generation. The request itself makes the supervisor check the store.
async fn attempt(
    agent: &Arc<Supervisors>,
    name: &str,
    wanted: (u64, Option<&str>),
    wait: Duration,
) -> Answer {
    let registry = &agent.services;
    if !registry.context.is_ours(name) {
        let reason = format!("`{name}` is no service of this agent");
        return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
    }
    if registry.get(name).is_none() && !is_deployed(registry, name).await? {
        return Err(Refusal::new(StatusCode::NOT_FOUND, format!("`{name}` is not in the store")));
    }
    let service = agent.check(name).map_err(Refusal::bad)?;
    let attempt = timeout(wait, service.wait_for_attempt(wanted.0, wanted.1)).await;
    let status = service.status();
    Ok(as_json(&json!({
        "attempt": attempt.ok().flatten(),
        "address": status.address,
        "generation": status.generation,
        "release": status.release,
        "state": status.state,
        "waiting": status.waiting,
    })))
}

/// Returns true if the store has a deployment of a service.
async fn is_deployed(registry: &Arc<Services>, name: &str) -> Result<bool, Refusal> {
    let wanted = RefName::wanted(name)
        .map_err(|_| Refusal::bad(format!("`{name}` is no name of a service")))?;
    let registry = Arc::clone(registry);
    Ok(blocking(move || registry.context.store.generation(&wanted)).await?.is_some())
}

/// Returns the variables of a request that have no value for a service.
async fn missing_variables(registry: &Services, name: &str, request: Request<Incoming>) -> Answer {
    let names: Vec<String> = bodies::read(request).await?;
    let variables = &registry.context.variables;
    let mut missing = Vec::new();
    for variable in names.into_iter().filter(|_| registry.context.is_ours(name)) {
        let has_value = is_variable_name(&variable)
            && variables.value(name, &variable).map_err(Refusal::internal)?.is_some();
        if !has_value {
            missing.push(variable);
        }
    }
    Ok(as_json(&json!({ "lacking": missing, "place": variables.location(name) })))
}

async fn restart(service: &Service) -> Answer {
    let (sender, answer) = oneshot::channel();
    service.send(Command::Restart(sender));
    let attempt = answer.await.map_err(|_| Refusal::bad("the agent stops"))?;
    let attempt = attempt.map_err(|reason| Refusal::new(StatusCode::CONFLICT, reason))?;
    Ok(as_json(&json!({
        "attempt": attempt,
        "address": service.address(),
        "generation": service.status().generation,
    })))
}
