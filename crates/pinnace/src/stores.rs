//! The store that the user means.

use std::sync::Arc;

use pinnace_agent::Client;
use pinnace_build::Env;
use pinnace_deploy::{Settings, StoreSide};
use pinnace_store::{OnMissing, Progress, Store, UnopenedStore};

use crate::{Failure, agents, arguments::StoreArguments, progress::Reporter};

/// A store, and the side that it is reached on.
pub(crate) struct Reached {
    pub(crate) store: UnopenedStore,
    pub(crate) side: StoreSide,
}

/// Opens the store of `--store`, else of PINNACE_STORE.
pub(crate) fn open(
    url: Option<&str>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    Ok(unopened(url, on_missing, env, reporter)?.open()?)
}

/// Returns the store of `--store`, else of PINNACE_STORE, without waiting for it.
pub(crate) fn unopened(
    url: Option<&str>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<UnopenedStore, Failure> {
    let url = url.or_else(|| env.variable("PINNACE_STORE")).filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| {
        Failure::usage("no store is named").hint(
            "name one with `--store`, as in `--store /srv/pinnace` or `--store s3://bucket/folder`, or set \
             PINNACE_STORE; or name an agent that has one",
        )
    })?;
    let progress: Arc<dyn Progress> = Arc::clone(reporter) as _;
    Ok(UnopenedStore::at(url, &env.folder, &env.variables, on_missing, Some(progress))?)
}

/// Returns the store that is named, else that of an agent. The command line counts before the project, and
/// the project before the environment; within each, the store counts before the agent.
pub(crate) fn reached(
    arguments: &StoreArguments,
    project: Option<&Settings>,
    client: Option<&Client>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<Reached, Failure> {
    let of_project =
        |said: fn(&Settings) -> Option<&String>| project.and_then(said).map(String::as_str);
    let places = [
        (arguments.store.as_deref(), arguments.agent.agent.as_deref()),
        (of_project(|one| one.store.as_ref()), of_project(|one| one.agent.as_ref())),
        (env.variable("PINNACE_STORE"), env.variable("PINNACE_AGENT")),
    ];
    let nearest = places.into_iter().find(|(store, agent)| store.is_some() || agent.is_some());
    if let (Some((None, Some(url))), Some(client)) = (nearest, client) {
        let (backend, progress) = (client.backend(), Arc::clone(reporter) as Arc<dyn Progress>);
        let store = UnopenedStore::in_backend(backend, url, OnMissing::Refuse, Some(progress));
        return Ok(Reached { store, side: StoreSide::Host });
    }
    let store = unopened(nearest.and_then(|(store, _)| store), on_missing, env, reporter)?;
    Ok(Reached { store, side: StoreSide::Direct })
}

/// Returns the store that is named, else that of the agent that is named, for reading.
pub(crate) fn for_reading(
    arguments: &StoreArguments,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<UnopenedStore, Failure> {
    let client = agents::client(&arguments.agent, None, env)?;
    let reached = reached(arguments, None, client.as_ref(), OnMissing::Refuse, env, reporter)?;
    Ok(reached.store)
}
