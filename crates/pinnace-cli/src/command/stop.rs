//! `pinnace stop`: a service out of use.

use pinnace_deploy::{Machine, Service};
use pinnace_store::{Deployment, Published};
use serde_json::json;

use super::releases::{open, unknown};
use crate::{
    Failure, agents, arguments::Stop, environment::Environment, progress::Output, services,
};

pub(crate) fn run(
    arguments: &Stop,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, environment, output)?;
    let client = agents::client(&arguments.store.agent, None, environment)?;
    let name = services::wanted(&arguments.service)?;
    let service = &arguments.service;
    let take_out = || -> Result<Deployment, Failure> {
        let machine = Machine::open(&environment.cache_folder()?)?;
        let newest = Service::new(&store, &machine, &name).newest()?;
        let newest = newest.ok_or_else(|| unknown(service))?;
        if newest.release.is_none() {
            return Ok(newest);
        }
        let reason = arguments.reason.as_deref();
        let record = services::record(&environment.folder, reason, environment);
        match store.publish(&name, Some(&newest), record)? {
            Published::Done(step) => Ok(step),
            Published::Lost(newest) => Err(services::lost(service, newest.as_ref())),
        }
    };
    let step = take_out().map_err(|failure| interrupt.explain(failure))?;
    let generation = step.generation;
    if let Some(client) = &client {
        agents::wait(client, service, generation, None, &interrupt, &|_| {})?;
    }
    let text =
        format!("{service} is out of use since generation {generation}; `rollback` brings it back");
    output.result(&text, &json!({ "service": service, "generation": generation, "live": false }))
}
