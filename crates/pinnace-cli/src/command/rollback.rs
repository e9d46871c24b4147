//! `pinnace rollback`: an earlier release, as it was.

use pinnace_agent::{Client, Outcome};
use pinnace_deploy::{Contents, Machine, Service};
use pinnace_store::{Deployment, Digest, Published, RefName, Store};
use serde_json::Value;

use super::releases::{open, unknown};
use crate::{
    Failure, agents, arguments::Rollback, environment::Environment, progress::Output, services,
    steps,
};

pub(crate) fn run(
    arguments: &Rollback,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, environment, output)?;
    let client = agents::client(&arguments.store.agent, None, environment)?;
    let name = services::wanted(&arguments.service)?;
    let job = Job { arguments, environment, store, client, name };
    let step = job.roll_back().map_err(|failure| interrupt.explain(failure))?;
    let mut text =
        format!("{} generation {}", arguments.service, steps::line(&step, environment.now).trim());
    let mut json = steps::as_json(&step);
    json["service"] = arguments.service.clone().into();
    if let Some(client) = &job.client {
        let (generation, release) = (step.generation, step.release.as_ref());
        let tell = |what: &str| output.say(format!("waiting for {what}"));
        let answered =
            agents::wait(client, &arguments.service, generation, release, &interrupt, &tell)?;
        let failed = agents::failed(client, &arguments.service, generation, &answered);
        failed.map_or(Ok(()), Err)?;
        let address_json = answered.address.clone().into();
        let address = answered.address.map_or_else(String::new, |address| format!(" at {address}"));
        text.push_str(&format!("\nlive{address}"));
        json["live"] = true.into();
        json["address"] = address_json;
    }
    output.result(&text, &json)
}

/// What the record of a rollback remembers: the generation that it went back to.
const WENT_BACK: &str = "went_back_to";

struct Job<'a> {
    arguments: &'a Rollback,
    environment: &'a Environment,
    store: Store,
    client: Option<Client>,
    name: RefName,
}

impl Job<'_> {
    fn roll_back(&self) -> Result<Deployment, Failure> {
        let machine = Machine::open(&self.environment.cache_folder()?)?;
        let service = Service::new(&self.store, &machine, &self.name);
        let live = service.look()?;
        let newest = live.step.as_ref().ok_or_else(|| unknown(&self.arguments.service))?;
        let (step, release) = self.wanted(newest)?;
        self.store
            .hold(&release, live.digest().as_ref())
            .map_err(|error| gone(step.generation, error))?;
        // It must be one that this version can run.
        Contents::fetch(&self.store, &release)?;
        match service.go_live(&live, &release, self.record(&step))? {
            Published::Done(step) => Ok(step),
            Published::Lost(newest) => {
                Err(services::lost(&self.arguments.service, newest.as_ref()))
            }
        }
    }

    /// The step to go back to, and its release.
    fn wanted(&self, newest: &Deployment) -> Result<(Deployment, Digest), Failure> {
        let service = &self.arguments.service;
        // Going back once more goes further back.
        let newest = match newest.extensions.get(WENT_BACK).and_then(Value::as_u64) {
            Some(went_back) => went_back,
            None => newest.generation,
        };
        let before = match &self.client {
            Some(client) => proven_before(client, service, newest),
            None => newest.checked_sub(1).filter(|number| *number > 0),
        };
        let wanted = self.arguments.to.or(before);
        let wanted = wanted
            .ok_or_else(|| Failure::job(format!("`{service}` has no generation before that")))?;
        let step = self.store.step(&self.name, wanted)?.ok_or_else(|| {
            Failure::job(format!("`{service}` has no generation {wanted}"))
                .hint(format!("`pinnace releases {service}` lists them"))
        })?;
        let release = step.release.ok_or_else(|| {
            Failure::job(format!("generation {wanted} of `{service}` is no release"))
        })?;
        Ok((step, release))
    }

    fn record(&self, step: &Deployment) -> Deployment {
        let said = format!("rollback to generation {}", step.generation);
        let why = self.arguments.reason.as_ref();
        let reason = why.map_or(said.clone(), |why| format!("{said}: {why}"));
        let mut record =
            services::record(&self.environment.folder, Some(&reason), self.environment);
        // It is of the commit that it was of.
        record.git.clone_from(&step.git);
        record.extensions.clone_from(&step.extensions);
        record.extensions.insert(WENT_BACK.to_owned(), step.generation.into());
        record
    }
}

fn gone(generation: u64, error: pinnace_store::Error) -> Failure {
    match error.kind() {
        pinnace_store::ErrorKind::Lost { .. } => Failure::job(format!(
            "the release of generation {generation} is not in the store any more: {error}"
        )),
        _ => Failure::from(error),
    }
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
