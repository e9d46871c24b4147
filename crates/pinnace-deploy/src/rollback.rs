//! Rollback to an earlier release.

use pinnace_build::Cache;
use pinnace_store::{Deployment, Digest, Store};
use serde_json::Value;

use crate::{Contents, Error, ErrorKind, Host, Service, ServiceName, history::published};

/// The key of a rollback's target in the extensions of a deployment: its generation.
const WENT_BACK: &str = "went_back_to";

/// A rollback of a service.
pub struct Rollback<'a> {
    store: &'a Store,
    cache: &'a Cache,
    service: &'a ServiceName,
    host: Option<&'a dyn Host>,
    generation: Option<u64>,
}

impl std::fmt::Debug for Rollback<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollback").field("service", self.service).finish_non_exhaustive()
    }
}

impl<'a> Rollback<'a> {
    /// Creates a rollback to the generation before the live one. If the live one is itself a rollback, the new
    /// target is the generation before its target, so that repeated rollbacks go further back.
    pub fn new(store: &'a Store, cache: &'a Cache, service: &'a ServiceName) -> Self {
        Self { store, cache, service, host: None, generation: None }
    }

    /// Sets the host that reports which generations were ready, so that the rollback skips failed ones.
    #[must_use]
    pub fn on(mut self, host: Option<&'a dyn Host>) -> Self {
        self.host = host;
        self
    }

    /// Sets the generation to return to.
    #[must_use]
    pub fn to(mut self, generation: Option<u64>) -> Self {
        self.generation = generation;
        self
    }

    /// Publishes the earlier release again. `record` names the user; `reason` is appended to the generated one.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoService`], [`ErrorKind::NothingBefore`], [`ErrorKind::NoGeneration`] or
    /// [`ErrorKind::NotARelease`] if there is no release to return to, [`ErrorKind::Collected`] if garbage
    /// collection removed it, or [`ErrorKind::Superseded`] if another deployer was first.
    pub fn run(&self, record: Deployment, reason: Option<&str>) -> Result<Deployment, Error> {
        let service = Service::new(self.store, self.cache, self.service.wanted());
        let head = service.look()?;
        let no_service = || ErrorKind::NoService { service: self.service.to_string() };
        let newest = head.deployment.as_ref().ok_or_else(no_service)?;
        let (target, release) = self.target(newest)?;
        self.store
            .hold(&release, head.digest().as_ref())
            .map_err(|error| collected(target.generation, error))?;
        // Fails early if this version cannot read the release.
        Contents::fetch(self.store, &release)?;
        let record = completed(record, reason, &target);
        published(self.service, service.go_live(&head, &release, record)?)
    }

    /// Returns the deployment to return to, and its release.
    fn target(&self, newest: &Deployment) -> Result<(Deployment, Digest), Error> {
        let name = || self.service.to_string();
        let went_back = newest.extensions.get(WENT_BACK).and_then(Value::as_u64);
        let newest = went_back.unwrap_or(newest.generation);
        let before = match self.host {
            Some(host) => host.last_ready_before(self.service, newest),
            None => newest.checked_sub(1).filter(|number| *number > 0),
        };
        let generation = self.generation.or(before);
        let generation = generation.ok_or_else(|| ErrorKind::NothingBefore { service: name() })?;
        let deployment = self.store.deployment(self.service.wanted(), generation)?;
        let missing = || ErrorKind::NoGeneration { service: name(), generation };
        let deployment = deployment.ok_or_else(missing)?;
        let stopped = || ErrorKind::NotARelease { service: name(), generation };
        let release = deployment.release.ok_or_else(stopped)?;
        Ok((deployment, release))
    }
}

/// Completes the record of a rollback: its reason, and the commit of the release.
fn completed(mut record: Deployment, reason: Option<&str>, target: &Deployment) -> Deployment {
    let said = format!("rollback to generation {}", target.generation);
    record.reason = Some(reason.map_or(said.clone(), |why| format!("{said}: {why}")));
    record.git.clone_from(&target.git);
    record.extensions.clone_from(&target.extensions);
    record.extensions.insert(WENT_BACK.to_owned(), target.generation.into());
    record
}

fn collected(generation: u64, source: pinnace_store::Error) -> Error {
    match source.kind() {
        pinnace_store::ErrorKind::Lost { .. } => ErrorKind::Collected { generation, source }.into(),
        _ => source.into(),
    }
}
