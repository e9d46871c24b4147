//! What is asked and ordered of a service.

use std::{sync::Arc, time::Duration};

use hyper::{Method, Request, StatusCode, body::Incoming};
use pinnace_deploy::is_variable_name;
use pinnace_store::RefName;
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};

use super::{Answer, Refusal, blocking, bodies, json as as_json, logs, parameter};
use crate::{
    inner::Inner,
    kept::{Kept, Order},
};

/// How long somebody is kept waiting before being told to ask again.
const LONGEST: Duration = Duration::from_secs(50);

pub(super) async fn answer(
    inner: &Arc<Inner>,
    name: &str,
    rest: &[&str],
    request: Request<Incoming>,
) -> Answer {
    match (request.method(), rest) {
        (&Method::GET, []) => Ok(as_json(&found(inner, name)?.status())),
        (&Method::GET, ["attempts", generation]) => {
            let generation =
                generation.parse().map_err(|_| Refusal::bad("a number is expected"))?;
            let wait = parameter(&request, "wait").and_then(|wait| wait.parse().ok());
            let wait = wait.map_or(LONGEST, Duration::from_millis).min(LONGEST);
            let release = parameter(&request, "release");
            attempt(inner, name, (generation, release), wait).await
        }
        (&Method::POST, ["lacking"]) => lacking(inner, name, request).await,
        (&Method::POST, ["restart"]) => restart(&*found(inner, name)?).await,
        (&Method::GET, ["logs"]) => Ok(logs::answer(&*found(inner, name)?, &request)),
        (&Method::GET, ["metadata"]) => {
            let metadata = found(inner, name)?.folder.metadata();
            let metadata = metadata.ok_or_else(|| Refusal::not_found("metadata of it"))?;
            let (generation, value) = (metadata.generation, metadata.value);
            Ok(as_json(&json!({ "generation": generation, "value": value })))
        }
        _ => Err(Refusal::not_found("such thing here")),
    }
}

fn found(inner: &Inner, name: &str) -> Result<Arc<Kept>, Refusal> {
    inner.get(name).ok_or_else(|| {
        let known: Vec<String> = inner.all().iter().map(|one| one.name.clone()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("no service `{name}` runs here; there are: {known}"),
        )
    })
}

/// What becomes of a generation, once that is known. Whoever asks tells the agent that there is one.
async fn attempt(
    inner: &Arc<Inner>,
    name: &str,
    wanted: (u64, Option<&str>),
    wait: Duration,
) -> Answer {
    if !inner.is_ours(name) {
        let reason = format!("`{name}` is no service of this agent");
        return Err(Refusal::new(StatusCode::NOT_FOUND, reason));
    }
    if inner.get(name).is_none() && !is_wanted(inner, name).await? {
        return Err(Refusal::new(StatusCode::NOT_FOUND, format!("`{name}` is not in the store")));
    }
    let kept = inner.look(name).map_err(Refusal::bad)?;
    let attempt = timeout(wait, kept.attempt(wanted.0, wanted.1)).await;
    let status = kept.status();
    Ok(as_json(&json!({
        "attempt": attempt.ok().flatten(),
        "address": status.address,
        "generation": status.generation,
        "release": status.release,
        "state": status.state,
        "waiting": status.waiting,
    })))
}

/// Whether the store has a service.
async fn is_wanted(inner: &Arc<Inner>, name: &str) -> Result<bool, Refusal> {
    let wanted: RefName = format!("wanted/{name}")
        .parse()
        .map_err(|_| Refusal::bad(format!("`{name}` is no name of a service")))?;
    let inner = Arc::clone(inner);
    Ok(blocking(move || inner.store.generation(&wanted)).await?.is_some())
}

/// Which of these variables the agent does not have for a service.
async fn lacking(inner: &Inner, name: &str, request: Request<Incoming>) -> Answer {
    let names: Vec<String> = bodies::read(request).await?;
    let mut lacking = Vec::new();
    for variable in names.into_iter().filter(|_| inner.is_ours(name)) {
        let value = match is_variable_name(&variable) {
            true => inner.variables.value(name, &variable),
            false => Ok(None),
        };
        let value = value
            .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        if value.is_none() {
            lacking.push(variable);
        }
    }
    Ok(as_json(&json!({ "lacking": lacking, "place": inner.variables.place(name) })))
}

async fn restart(kept: &Kept) -> Answer {
    let (sender, answer) = oneshot::channel();
    kept.order(Order::Restart(sender));
    let attempt = answer.await.map_err(|_| Refusal::bad("the agent stops"))?;
    let attempt = attempt.map_err(|reason| Refusal::new(StatusCode::CONFLICT, reason))?;
    Ok(as_json(&json!({
        "attempt": attempt,
        "address": kept.address(),
        "generation": kept.status().generation,
    })))
}
