//! The HTTP interface of the agent itself, under `/-/pinnace`.

mod bodies;
mod guard;
mod logs;
mod objects;
mod page;
mod refusal;
mod responses;
mod services;
mod wheels;

use std::sync::Arc;

use hyper::{Method, Request, Response, body::Incoming};

use self::{
    refusal::{Answer, Refusal},
    responses::{json, redirect},
};
use super::{body::Body, supervisors::Supervisors};
use crate::wire::PREFIX;

pub(crate) use guard::{hide_token, token_of};
pub(crate) use responses::no_service;

/// Answers a request for the agent itself.
pub(crate) async fn answer(agent: &Arc<Supervisors>, request: Request<Incoming>) -> Response<Body> {
    let answer = match guard::admit(&agent.services.context, &request) {
        Ok(()) => dispatch(agent, request).await,
        Err(refusal) => Err(refusal),
    };
    answer.unwrap_or_else(|refusal| {
        let mut answer = json(&serde_json::json!({ "error": refusal.reason }));
        *answer.status_mut() = refusal.status;
        guard::challenge(&mut answer);
        answer
    })
}

async fn dispatch(agent: &Arc<Supervisors>, request: Request<Incoming>) -> Answer {
    let registry = &agent.services;
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, []) => Ok(redirect(&format!("{PREFIX}/"))),
        (&Method::GET, [""]) => Ok(page::page()),
        (&Method::GET, ["v1", "agent"]) => Ok(json(&registry.status())),
        (&Method::GET, ["v1", "platforms"]) => Ok(json(&registry.context.platforms())),
        (_, ["v1", "services", name, rest @ ..]) => {
            services::answer(agent, name, rest, request).await
        }
        (&Method::POST, ["v1", "wheels"]) => wheels::download(registry, request).await,
        (&Method::POST, ["v1", "missing"]) => objects::missing(registry, request).await,
        (&Method::GET, ["v1", "list"]) => objects::list(registry, &request).await,
        (&Method::GET, ["v1", "now"]) => objects::now(registry).await,
        (_, ["v1", "objects", key @ ..]) => objects::object(agent, &key.join("/"), request).await,
        _ => Err(Refusal::not_found("such thing here")),
    }
}
