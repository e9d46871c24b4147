//! `pinnace stop`: stops a service.

use pinnace_build::{Cache, Env};
use pinnace_deploy::{ServiceName, deployment_record, stop_service};
use pinnace_store::Deployment;
use serde_json::json;

use super::releases::open;
use crate::{Failure, agents, arguments::Stop, output::Output, progress::Reporter};

pub(crate) fn run(arguments: &Stop, env: &Env, output: Output) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, env, output)?;
    let client = agents::client(&arguments.store.agent, None, env)?;
    let service: ServiceName = arguments.service.parse()?;
    let stop = || -> Result<Deployment, Failure> {
        let cache = Cache::open(&env.cache_folder()?)?;
        let record = deployment_record(&env.folder, arguments.reason.as_deref(), env);
        Ok(stop_service(&store, &cache, &service, record)?)
    };
    let deployment = stop().map_err(|failure| interrupt.explain(failure))?;
    let generation = deployment.generation;
    if let Some(client) = &client {
        let reporter = Reporter::new(output.without_result(), interrupt);
        client.wait_for_rollout(service.as_str(), generation, None, &reporter)?;
    }
    let text = format!(
        "{service} stopped at generation {generation}; start it again with `pinnace rollback {service}`"
    );
    let json = json!({ "service": service.as_str(), "generation": generation, "live": false });
    output.result(&text, &json)
}
