//! `pinnace releases`: the services of a store, or the deployments of one.

use std::sync::Arc;

use pinnace_build::Env;
use pinnace_deploy::{ErrorKind, ServiceName, failed_generations, services};
use pinnace_store::{Store, UnopenedStore};
use serde_json::{Map, Value, json};

use crate::{
    Failure,
    arguments::{Releases, StoreArguments},
    deployments,
    interrupt::Interrupt,
    output::Output,
    progress::Reporter,
    stores,
};

/// The largest number of deployments that a list shows.
const LISTED: usize = 100;

/// Opens the selected store for reading.
pub(super) fn open(
    arguments: &StoreArguments,
    env: &Env,
    output: Output,
) -> Result<(Store, Interrupt), Failure> {
    let (store, interrupt) = unopened(arguments, env, output)?;
    Ok((store.open()?, interrupt))
}

/// Like [`open`], but performs no I/O.
pub(super) fn unopened(
    arguments: &StoreArguments,
    env: &Env,
    output: Output,
) -> Result<(UnopenedStore, Interrupt), Failure> {
    let interrupt = Interrupt::listen_or_exit(output)?;
    let reporter = Arc::new(Reporter::new(output.without_result(), interrupt.clone()));
    Ok((stores::for_reading(arguments, env, &reporter)?, interrupt))
}

pub(crate) fn list(arguments: &Releases, env: &Env, output: Output) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, env, output)?;
    let listed = match &arguments.service {
        None => list_services(&store, env.now),
        Some(service) => list_deployments(&store, service, env.now),
    };
    let (text, json) = listed.map_err(|failure| interrupt.explain(failure))?;
    output.raw(&text, &json)
}

fn list_services(store: &Store, now: u64) -> Result<(String, Value), Failure> {
    let services = services(store)?;
    let width = services.keys().map(|service| service.as_str().len()).max().unwrap_or_default();
    let (mut lines, mut json) = (Vec::new(), Map::new());
    for (service, newest) in services {
        let name = service.as_str();
        lines.push(format!("{name:width$}{}", deployments::line(&newest, now)));
        json.insert(name.to_owned(), deployments::as_json(&newest));
    }
    Ok((lines.join("\n"), json!({ "services": json })))
}

fn list_deployments(store: &Store, name: &str, now: u64) -> Result<(String, Value), Failure> {
    let service: ServiceName = name.parse()?;
    let history = store.history(service.wanted(), LISTED)?;
    if history.is_empty() {
        let service = service.to_string();
        return Err(pinnace_deploy::Error::from(ErrorKind::NoService { service }).into());
    }
    let failed = failed_generations(store, &service, LISTED)?;
    let (mut lines, mut json) = (Vec::new(), Vec::new());
    for deployment in &history {
        let agents = failed.get(&deployment.generation);
        let mark = agents.map_or_else(String::new, |all| format!("  failed on {}", all.join(", ")));
        lines.push(format!("{}{mark}", deployments::line(deployment, now)));
        let mut listed = deployments::as_json(deployment);
        listed["failed_on"] = agents.cloned().unwrap_or_default().into();
        json.push(listed);
    }
    Ok((lines.join("\n"), json!({ "service": name, "releases": json })))
}
