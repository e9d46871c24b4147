//! `pinnace releases`: what was live, and is.

use std::{collections::BTreeMap, sync::Arc};

use pinnace_store::{RefName, Store};
use serde_json::{Value, json};

use crate::{
    Failure, agents,
    arguments::{Releases, StoreArguments},
    environment::Environment,
    interrupt::Interrupt,
    progress::{Output, Reporter},
    services, steps,
    stores::{self, Absent, Unseen},
};

/// How many steps of a service are listed.
const STEPS: usize = 100;

/// The store that is named, for looking.
pub(super) fn open(
    arguments: &StoreArguments,
    environment: &Environment,
    output: Output,
) -> Result<(Store, Interrupt), Failure> {
    let (unseen, interrupt) = unseen(arguments, environment, output)?;
    unseen.is_there()?;
    Ok((unseen.store, interrupt))
}

pub(super) fn unseen(
    arguments: &StoreArguments,
    environment: &Environment,
    output: Output,
) -> Result<(Unseen, Interrupt), Failure> {
    let interrupt = Interrupt::listen_for_good(output)?;
    let reporter = Arc::new(Reporter::new(output.without_result(), interrupt.clone()));
    let client = agents::client(&arguments.agent, None, environment)?;
    let reached =
        stores::reached(arguments, None, client.as_ref(), Absent::Refuse, environment, &reporter);
    Ok((reached?, interrupt))
}

pub(crate) fn list(
    arguments: &Releases,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, environment, output)?;
    let listed = || -> Result<(String, Value), Failure> {
        let Some(service) = &arguments.service else {
            let (mut lines, mut json) = (Vec::new(), serde_json::Map::new());
            let names: Vec<RefName> = store.refs()?.into_keys().collect();
            let services = names.iter().filter_map(services::service);
            let width = services.map(str::len).max().unwrap_or_default();
            for name in names {
                let Some(service) = services::service(&name) else { continue };
                if let Some(step) = store.latest(&name)? {
                    lines.push(format!("{service:width$}{}", steps::line(&step, environment.now)));
                    json.insert(service.to_owned(), steps::as_json(&step));
                }
            }
            return Ok((lines.join("\n"), json!({ "services": json })));
        };
        let steps = store.history(&services::wanted(service)?, STEPS)?;
        if steps.is_empty() {
            return Err(unknown(service));
        }
        let failed = failed(&store, service)?;
        let (mut lines, mut json) = (Vec::new(), Vec::new());
        for step in &steps {
            let agents = failed.get(&step.generation);
            let mark =
                agents.map_or_else(String::new, |all| format!("  failed on {}", all.join(", ")));
            lines.push(format!("{}{mark}", steps::line(step, environment.now)));
            let mut one = steps::as_json(step);
            one["failed_on"] = agents.cloned().unwrap_or_default().into();
            json.push(one);
        }
        Ok((lines.join("\n"), json!({ "service": service, "releases": json })))
    };
    let (text, json) = listed().map_err(|failure| interrupt.explain(failure))?;
    output.raw(&text, &json)
}

/// The generations of a service that did not go live, with the agents that say so (`live/SERVICE/AGENT`).
fn failed(store: &Store, service: &str) -> Result<BTreeMap<u64, Vec<String>>, Failure> {
    let mut failed: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for name in store.refs()?.into_keys() {
        let agent = name.as_str().strip_prefix("live/").and_then(|rest| rest.split_once('/'));
        let Some((_, agent)) = agent.filter(|(one, _)| *one == service) else { continue };
        for step in store.history(&name, STEPS)? {
            let told = step.extensions.get("pinnace.agent");
            let is_failed = told.and_then(|told| told.get("state")?.as_str()) == Some("failed");
            let generation = told.and_then(|told| told.get("generation")?.as_u64());
            if let Some(generation) = generation.filter(|_| is_failed) {
                failed.entry(generation).or_default().push(agent.to_owned());
            }
        }
    }
    Ok(failed)
}

pub(super) fn unknown(service: &str) -> Failure {
    Failure::job(format!("there is no service `{service}` in the store"))
        .hint("`pinnace releases` lists all services")
}
