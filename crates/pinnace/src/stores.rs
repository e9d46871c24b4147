//! The choice of the store: from the command line, the project or the environment.

use std::sync::Arc;

use pinnace_agent::Client;
use pinnace_build::Env;
use pinnace_deploy::{Settings, StoreSide};
use pinnace_store::{OnMissing, Progress, Store, UnopenedStore};

use crate::{Failure, agents, arguments::StoreArguments, progress::Reporter};

/// A store, and the side on which it is reached.
pub(crate) struct SelectedStore {
    pub(crate) store: UnopenedStore,
    pub(crate) side: StoreSide,
}

/// Opens the store of `--store`, or else of PINNACE_STORE.
pub(crate) fn open(
    url: Option<&str>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    Ok(unopened(url, on_missing, env, reporter)?.open()?)
}

/// Like [`open`], but performs no I/O.
pub(crate) fn unopened(
    url: Option<&str>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<UnopenedStore, Failure> {
    let url = url.or_else(|| env.variable("PINNACE_STORE")).filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| {
        Failure::usage("no store given").hint(
            "pass one with `--store`, as in `--store /srv/pinnace` or `--store s3://bucket/folder`, set \
             PINNACE_STORE, or pass an agent with `--agent`",
        )
    })?;
    let progress: Arc<dyn Progress> = Arc::clone(reporter) as _;
    Ok(UnopenedStore::at(url, &env.folder, &env.variables, on_missing, Some(progress))?)
}

/// Selects a store, or else the store of an agent. The command line takes precedence over the project, and
/// the project over the environment. Within each, the store takes precedence over the agent.
pub(crate) fn select(
    arguments: &StoreArguments,
    project: Option<&Settings>,
    client: Option<&Client>,
    on_missing: OnMissing,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<SelectedStore, Failure> {
    let setting =
        |read: fn(&Settings) -> Option<&String>| project.and_then(read).map(String::as_str);
    let sources = [
        (arguments.store.as_deref(), arguments.agent.agent.as_deref()),
        (setting(|project| project.store.as_ref()), setting(|project| project.agent.as_ref())),
        (env.variable("PINNACE_STORE"), env.variable("PINNACE_AGENT")),
    ];
    let nearest = sources.into_iter().find(|(store, agent)| store.is_some() || agent.is_some());
    if let (Some((None, Some(url))), Some(client)) = (nearest, client) {
        let (backend, progress) = (client.backend(), Arc::clone(reporter) as Arc<dyn Progress>);
        let store = UnopenedStore::in_backend(backend, url, OnMissing::Refuse, Some(progress));
        return Ok(SelectedStore { store, side: StoreSide::Host });
    }
    let store = unopened(nearest.and_then(|(store, _)| store), on_missing, env, reporter)?;
    Ok(SelectedStore { store, side: StoreSide::Direct })
}

/// Selects the store of a command that only reads.
pub(crate) fn for_reading(
    arguments: &StoreArguments,
    env: &Env,
    reporter: &Arc<Reporter>,
) -> Result<UnopenedStore, Failure> {
    let client = agents::client(&arguments.agent, None, env)?;
    let selected = select(arguments, None, client.as_ref(), OnMissing::Refuse, env, reporter)?;
    Ok(selected.store)
}
