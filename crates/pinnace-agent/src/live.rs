//! What an agent tells the store of what it runs: `live/<service>/<agent>`.

use pinnace_store::{Deployment, Digest, Published, RefName};
use serde_json::{Map, json};

use crate::{
    inner::Inner,
    kept::Kept,
    status::{Attempt, Outcome},
};

/// How often another writer of the same ref is given way.
const TRIES: usize = 3;

/// Writes down what became of a generation. A store that cannot be reached is told the next time.
pub(crate) fn publish_live(inner: &Inner, kept: &Kept, live: Option<Digest>, attempt: &Attempt) {
    let Ok(name) = format!("live/{}/{}", kept.name, inner.name).parse::<RefName>() else { return };
    let mut record = Deployment::default();
    record.release = live;
    record.at = inner.clock.now();
    record.by.clone_from(&inner.name);
    let (state, reason) = match &attempt.outcome {
        Outcome::Failed { reason } => ("failed", Some(reason.as_str())),
        _ => ("live", None),
    };
    record.reason = reason.map(|reason| reason.chars().take(2000).collect());
    record.timings_ms =
        attempt.timings_ms.iter().map(|(step, took)| (step.clone(), took.round() as u64)).collect();
    record.extensions = Map::from_iter([(
        "pinnace.agent".to_owned(),
        json!({ "generation": attempt.generation, "state": state, "address": kept.address() }),
    )]);
    for _ in 0..TRIES {
        let published = inner
            .store
            .latest(&name)
            .and_then(|before| inner.store.publish(&name, before.as_ref(), record.clone()));
        match published {
            Ok(Published::Lost(_)) => {}
            Ok(Published::Done(_)) => return,
            Err(error) => {
                return kept.log.say("pinnace", &format!("the store cannot be told: {error}"));
            }
        }
    }
}
