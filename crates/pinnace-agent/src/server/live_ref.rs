//! The state of a service in the store: `live/<service>/<agent>`.

use pinnace_store::{Deployment, Digest, Published, RefName};
use serde_json::{Map, json};

use super::{context::Context, log::AGENT, service::Service};
use crate::{Attempt, Outcome};

/// The number of times that another writer of the ref may come first.
const TRIES: usize = 3;
/// The length of a reason in the store, in characters.
const REASON: usize = 2000;

/// Publishes the outcome of a generation. If the store cannot be reached, the next outcome is published instead.
pub(crate) fn publish_live(
    context: &Context,
    service: &Service,
    live: Option<Digest>,
    attempt: &Attempt,
) {
    let Ok(name) = RefName::live(&service.name, &context.name) else { return };
    let record = record(context, service, live, attempt);
    for _ in 0..TRIES {
        let published = context
            .store
            .latest(&name)
            .and_then(|before| context.store.publish(&name, before.as_ref(), record.clone()));
        match published {
            Ok(Published::Lost(_)) => {}
            Ok(Published::Done(_)) => return,
            Err(error) => {
                return service.log.write(AGENT, &format!("cannot update the store: {error}"));
            }
        }
    }
}

fn record(
    context: &Context,
    service: &Service,
    live: Option<Digest>,
    attempt: &Attempt,
) -> Deployment {
    let mut record = Deployment::default();
    record.release = live;
    record.at = context.clock.now();
    record.by.clone_from(&context.name);
    let (state, reason) = match &attempt.outcome {
        Outcome::Failed { reason } => ("failed", Some(reason.as_str())),
        _ => ("live", None),
    };
    record.reason = reason.map(|reason| reason.chars().take(REASON).collect());
    let timings = attempt.timings_ms.iter();
    record.timings_ms = timings.map(|(stage, took)| (stage.clone(), took.round() as u64)).collect();
    record.extensions = Map::from_iter([(
        "pinnace.agent".to_owned(),
        json!({ "generation": attempt.generation, "state": state, "address": service.address() }),
    )]);
    record
}
