//! The registry of an agent's services.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pinnace_deploy::Environments;
use pinnace_store::Digest;

use super::{context::Context, service::Service};
use crate::AgentStatus;

/// The services of an agent, by name.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) context: Context,
    table: Mutex<BTreeMap<String, Arc<Service>>>,
}

impl Services {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, table: Mutex::default() }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Service>> {
        self.lock().values().cloned().collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Service>> {
        self.lock().get(name).cloned()
    }

    /// Adds a service; returns the one that has its name already, if there is one.
    pub(crate) fn insert(&self, service: &Arc<Service>) -> Option<Arc<Service>> {
        let mut table = self.lock();
        if let Some(existing) = table.get(&service.name) {
            return Some(Arc::clone(existing));
        }
        table.insert(service.name.clone(), Arc::clone(service));
        None
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Service>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> AgentStatus {
        AgentStatus {
            agent: self.context.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platforms: self.context.platforms.clone(),
            services: self.all().iter().map(|service| service.status()).collect(),
        }
    }

    /// Removes environments of a service's older releases that no service retains.
    pub(crate) fn prune(&self, service: &Service) {
        let retained: BTreeSet<Digest> =
            self.all().iter().flat_map(|service| service.releases().retained).collect();
        let older = service.releases().older;
        for release in older.iter().filter(|release| !retained.contains(release)) {
            // The next attempt tries again to remove it.
            let _ = Environments::new(&self.context.cache).remove(release);
        }
    }
}
