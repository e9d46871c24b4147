//! `pinnace releases`: what was live, and is.

use std::sync::Arc;

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
        let lines: Vec<String> =
            steps.iter().map(|step| steps::line(step, environment.now)).collect();
        let json: Vec<Value> = steps.iter().map(steps::as_json).collect();
        Ok((lines.join("\n"), json!({ "service": service, "releases": json })))
    };
    let (text, json) = listed().map_err(|failure| interrupt.explain(failure))?;
    output.raw(&text, &json)
}

pub(super) fn unknown(service: &str) -> Failure {
    Failure::job(format!("there is no service `{service}` in the store"))
        .hint("`pinnace releases` lists all services")
}
