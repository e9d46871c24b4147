//! Refs: the live release of each, and its history of deployments.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Deployment, Error, ErrorKind, Key, Published, PutMode, PutResult, RefName, Store, manifest,
};

impl Store {
    /// Returns the newest deployment of a ref, or `None` if it has none.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the record is bad, or an error if the backend fails.
    pub fn latest(&self, name: &RefName) -> Result<Option<Deployment>, Error> {
        self.history(name, 1).map(|mut deployments| deployments.pop())
    }

    /// Returns at most `limit` deployments of a ref, the newest first.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::latest`].
    pub fn history(&self, name: &RefName, limit: usize) -> Result<Vec<Deployment>, Error> {
        let (mut deployments, mut after) = (Vec::new(), None);
        while deployments.len() < limit {
            let wanted = limit - deployments.len();
            let listed = self.backend.list(&name.folder(), after.as_ref(), wanted.min(1000))?;
            let is_last = listed.len() < wanted.min(1000);
            after = listed.last().map(|listed| listed.key.clone());
            // Foreign objects are not deployments. A listed deployment that cannot be read is a
            // fault.
            for key in listed
                .iter()
                .map(|listed| &listed.key)
                .filter(|key| RefName::of_deployment_key(key).is_some())
            {
                deployments.push(
                    self.deployment_at(key)?
                        .ok_or_else(|| Error::malformed(key, &"it cannot be read"))?,
                );
            }
            if is_last {
                break;
            }
        }
        Ok(deployments)
    }

    /// Returns the generation number of the newest deployment of a ref, with one request; `None` if
    /// it has none.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn generation(&self, name: &RefName) -> Result<Option<u64>, Error> {
        const FEW: usize = 10;
        let listed = self.backend.list(&name.folder(), None, FEW)?;
        // Foreign objects are not deployments.
        let deployments =
            listed.iter().filter_map(|listed| RefName::of_deployment_key(&listed.key));
        Ok(deployments.map(|(_, generation)| generation).next())
    }

    /// Publishes a deployment of a ref by compare-and-swap: `previous` must still be the newest,
    /// and `None` stands for a ref without deployments. Everything that the release refers to must
    /// be in the store: see [`Store::hold`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoConditions`] if the backend ignores conditional writes, or an error
    /// if it fails.
    pub fn publish(
        &self,
        name: &RefName,
        previous: Option<&Deployment>,
        mut deployment: Deployment,
    ) -> Result<Published, Error> {
        self.probe_conditions()?;
        deployment.generation = previous.map_or(0, |previous| previous.generation) + 1;
        deployment.previous = previous.and_then(|previous| previous.release);
        let key = name.deployment_key(deployment.generation);
        let record = deployment.to_bytes().map_err(|error| Error::malformed(&key, &error))?;
        let written = self.write(&key, &record, PutMode::Create);
        if matches!(written, Ok(PutResult::Written)) {
            return Ok(Published::Done(deployment));
        }
        // A write that was reported as failed may have been done all the same.
        match self.object(&key, record.len() as u64 + 1) {
            Ok(Some(there)) if there == record => Ok(Published::Done(deployment)),
            _ => written.and_then(|_| self.latest(name).map(Published::Lost)),
        }
    }

    /// Skips the probe for conditional writes from now on: an earlier probe showed that the backend
    /// supports them.
    pub fn assume_conditions(&self) {
        let _ = self.conditions.set(());
    }

    /// Returns all refs, with the generation number of the newest deployment of each.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn refs(&self) -> Result<BTreeMap<RefName, u64>, Error> {
        let refs = self.generations()?.into_iter();
        Ok(refs.filter_map(|(name, generations)| Some((name, *generations.last()?))).collect())
    }

    /// Returns the generation numbers of all deployments of all refs.
    pub(crate) fn generations(&self) -> Result<BTreeMap<RefName, BTreeSet<u64>>, Error> {
        let mut generations: BTreeMap<RefName, BTreeSet<u64>> = BTreeMap::new();
        self.each("refs", |listed| {
            if let Some((name, generation)) = RefName::of_deployment_key(&listed.key) {
                generations.entry(name).or_default().insert(generation);
            }
            Ok(())
        })?;
        Ok(generations)
    }

    /// Returns the deployment of a ref with that generation number, or `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::latest`].
    pub fn deployment(&self, name: &RefName, generation: u64) -> Result<Option<Deployment>, Error> {
        self.deployment_at(&name.deployment_key(generation))
    }

    pub(crate) fn deployment_at(&self, key: &Key) -> Result<Option<Deployment>, Error> {
        let Some(bytes) = self.object(key, manifest::LARGEST)? else { return Ok(None) };
        Deployment::parse(&bytes).map(Some).map_err(|error| Error::malformed(key, &error))
    }

    /// Writes an object twice on condition that it does not exist: the second write must be
    /// refused.
    fn probe_conditions(&self) -> Result<(), Error> {
        if self.conditions.get().is_some() {
            return Ok(());
        }
        let key = Key::of("conditions".to_owned());
        for _ in 0..2 {
            if self.write(&key, b"kept\n", PutMode::Create)? == PutResult::AlreadyExists {
                let _ = self.conditions.set(());
                return Ok(());
            }
        }
        Err(ErrorKind::NoConditions { backend: self.backend.location() }.into())
    }
}
