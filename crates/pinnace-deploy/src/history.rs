//! The history of a service: its deployments, and the failures that agents report.

use std::collections::BTreeMap;

use pinnace_build::Cache;
use pinnace_store::{Deployment, Published, Store};
use serde_json::Value;

use crate::{Error, ErrorKind, Service, ServiceName};

/// The key of an agent's report in the extensions of a deployment.
const REPORT: &str = "pinnace.agent";

/// Lists all services of a store with their newest deployments.
///
/// # Errors
///
/// Returns an error if the store cannot be read.
pub fn services(store: &Store) -> Result<BTreeMap<ServiceName, Deployment>, Error> {
    let mut services = BTreeMap::new();
    for name in store.refs()?.into_keys() {
        if let Some(service) = ServiceName::of_wanted(&name)
            && let Some(newest) = store.latest(&name)?
        {
            services.insert(service, newest);
        }
    }
    Ok(services)
}

/// Lists the generations of a service that failed to go live, with the names of the agents that report the failure.
/// `limit` is the number of reports to read for each agent.
///
/// # Errors
///
/// Returns an error if the store cannot be read.
pub fn failed_generations(
    store: &Store,
    service: &ServiceName,
    limit: usize,
) -> Result<BTreeMap<u64, Vec<String>>, Error> {
    let mut failed: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for name in store.refs()?.into_keys() {
        let Some(agent) = name.live_agent(service.as_str()) else { continue };
        for report in store.history(&name, limit)? {
            if let Some(generation) = failed_generation(&report) {
                failed.entry(generation).or_default().push(agent.to_owned());
            }
        }
    }
    Ok(failed)
}

fn failed_generation(report: &Deployment) -> Option<u64> {
    let status = report.extensions.get(REPORT)?;
    let is_failed = status.get("state").and_then(Value::as_str) == Some("failed");
    status.get("generation")?.as_u64().filter(|_| is_failed)
}

/// Stops a service: agents stop its processes, and its releases stay in the store.
///
/// # Errors
///
/// Returns [`ErrorKind::NoService`] if it never was deployed, [`ErrorKind::Superseded`] if another deployer was
/// first, or an error of the store.
pub fn stop_service(
    store: &Store,
    cache: &Cache,
    service: &ServiceName,
    record: Deployment,
) -> Result<Deployment, Error> {
    let newest = Service::new(store, cache, service.wanted()).newest()?;
    let newest = newest.ok_or_else(|| ErrorKind::NoService { service: service.to_string() })?;
    if newest.release.is_none() {
        return Ok(newest);
    }
    published(service, store.publish(service.wanted(), Some(&newest), record)?)
}

/// Returns the published deployment, or [`ErrorKind::Superseded`] if another deployer was first.
pub(crate) fn published(service: &ServiceName, published: Published) -> Result<Deployment, Error> {
    match published {
        Published::Done(deployment) => Ok(deployment),
        Published::Lost(newest) => {
            Err(ErrorKind::Superseded { service: service.to_string(), newest }.into())
        }
    }
}
