//! `pinnace releases` and `pinnace rollback`: what was live, and bringing it back.

use std::sync::Arc;

use pinnace_agent::{Client, Outcome};
use pinnace_deploy::{Contents, Machine, Service};
use pinnace_store::{Deployment, Published, RefName, Store};
use serde_json::{Value, json};

use crate::{
    Failure, agents,
    arguments::{Releases, Rollback, StoreArguments},
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

pub(crate) fn roll_back(
    arguments: &Rollback,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, environment, output)?;
    let client = agents::client(&arguments.store.agent, None, environment)?;
    let done = || -> Result<Deployment, Failure> {
        let name = services::wanted(&arguments.service)?;
        let machine = Machine::open(&environment.cache_folder()?)?;
        let service = Service::new(&store, &machine, &name);
        let live = service.look()?;
        let Some(newest) = &live.step else { return Err(unknown(&arguments.service)) };
        let before = match &client {
            Some(client) => proven_before(client, &arguments.service, newest.generation),
            None => newest.generation.checked_sub(1).filter(|number| *number > 0),
        };
        let wanted = arguments.to.or(before).ok_or_else(|| {
            Failure::job(format!("`{}` has one generation only", arguments.service))
        })?;
        let step = store.step(&name, wanted)?.ok_or_else(|| {
            Failure::job(format!("`{}` has no generation {wanted}", arguments.service))
                .hint(format!("`pinnace releases {}` lists them", arguments.service))
        })?;
        let release = step.release.ok_or_else(|| {
            Failure::job(format!("generation {wanted} of `{}` is no release", arguments.service))
        })?;
        let gone = |error: pinnace_store::Error| match error.kind() {
            pinnace_store::ErrorKind::Lost { .. } => Failure::job(format!(
                "the release of generation {wanted} is not in the store any more: {error}"
            )),
            _ => Failure::from(error),
        };
        store.hold(&release, live.digest().as_ref()).map_err(gone)?;
        // It must be one that this version can run.
        Contents::fetch(&store, &release)?;
        let said = format!("rollback to generation {wanted}");
        let reason = arguments.reason.as_ref().map_or(said.clone(), |why| format!("{said}: {why}"));
        let mut record = services::record(&environment.folder, Some(&reason), environment);
        // It is of the commit that it was of.
        record.git.clone_from(&step.git);
        record.extensions.clone_from(&step.extensions);
        match service.go_live(&live, &release, record)? {
            Published::Done(step) => Ok(step),
            Published::Lost(newest) => Err(services::lost(&arguments.service, newest.as_ref())),
        }
    };
    let step = done().map_err(|failure| interrupt.explain(failure))?;
    let mut text =
        format!("{} generation {}", arguments.service, steps::line(&step, environment.now).trim());
    let mut json = steps::as_json(&step);
    if let Some(client) = client {
        let answered = agents::wait(
            &client,
            &arguments.service,
            step.generation,
            step.release.as_ref(),
            &interrupt,
        )?;
        let failed = agents::failed(&arguments.service, step.generation, &answered);
        failed.map_or(Ok(()), Err)?;
        let address = answered.address.map_or_else(String::new, |address| format!(" at {address}"));
        text.push_str(&format!("\nlive{address}"));
        json["live"] = true.into();
    }
    output.result(&text, &json)
}

/// The generation before, of those that did not fail on an agent.
fn proven_before(client: &Client, service: &str, newest: u64) -> Option<u64> {
    let status = client.service(service).ok();
    // What is live there is what the newest, which failed, was to take the place of.
    let live = status.as_ref().and_then(|status| status.generation);
    if let Some(live) = live.filter(|live| *live < newest) {
        return Some(live);
    }
    let attempts = status.iter().flat_map(|status| &status.attempts);
    let failed: Vec<u64> = attempts
        .filter(|one| matches!(one.outcome, Outcome::Failed { .. }))
        .map(|one| one.generation)
        .collect();
    (1..newest).rev().find(|generation| !failed.contains(generation))
}

fn unknown(service: &str) -> Failure {
    Failure::job(format!("there is no service `{service}` in the store"))
        .hint("`pinnace releases` lists all services")
}
