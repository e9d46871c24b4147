//! Refs: what is live, and how it came to be.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Deployment, Error, ErrorKind, Key, Published, PutMode, PutResult, RefName, Store, manifest,
};

impl Store {
    /// The newest step of a ref; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`]; or if the backend fails.
    pub fn latest(&self, name: &RefName) -> Result<Option<Deployment>, Error> {
        self.history(name, 1).map(|mut steps| steps.pop())
    }

    /// The newest steps of a ref, from the newest on, at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Self::latest`].
    pub fn history(&self, name: &RefName, limit: usize) -> Result<Vec<Deployment>, Error> {
        let (mut steps, mut after) = (Vec::new(), None);
        while steps.len() < limit {
            let wanted = limit - steps.len();
            let listed = self.backend.list(&name.folder(), after.as_ref(), wanted.min(1000))?;
            let is_last = listed.len() < wanted.min(1000);
            after = listed.last().map(|one| one.key.clone());
            // What others put there is no step; one that was listed and cannot be had is a fault.
            for key in
                listed.iter().map(|one| &one.key).filter(|key| RefName::of_step(key).is_some())
            {
                steps.push(
                    self.step_at(key)?
                        .ok_or_else(|| Error::malformed(key, &"it cannot be read"))?,
                );
            }
            if is_last {
                break;
            }
        }
        Ok(steps)
    }

    /// The number of the newest step of a ref, from one request; `None` if it has none.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    pub fn generation(&self, name: &RefName) -> Result<Option<u64>, Error> {
        const FEW: usize = 10;
        let listed = self.backend.list(&name.folder(), None, FEW)?;
        // What others put there is no step.
        let steps = listed.iter().filter_map(|one| RefName::of_step(&one.key));
        Ok(steps.map(|(_, generation)| generation).next())
    }

    /// Publishes a step of a ref, if `previous` is still the newest; `None` is a ref without steps. Everything
    /// that the release refers to must be in the store: see [`Store::hold`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoConditions`] if the backend does not keep conditions; or if it fails.
    pub fn publish(
        &self,
        name: &RefName,
        previous: Option<&Deployment>,
        mut deployment: Deployment,
    ) -> Result<Published, Error> {
        self.probe_conditions()?;
        deployment.generation = previous.map_or(0, |one| one.generation) + 1;
        deployment.previous = previous.and_then(|one| one.release);
        let key = name.step(deployment.generation);
        let record = deployment.to_bytes().map_err(|error| Error::malformed(&key, &error))?;
        let written = self.write(&key, &record, PutMode::Create);
        if matches!(written, Ok(PutResult::Written)) {
            return Ok(Published::Done(deployment));
        }
        // A write that was told to have failed may have been done all the same.
        match self.object(&key, record.len() as u64 + 1) {
            Ok(Some(there)) if there == record => Ok(Published::Done(deployment)),
            _ => written.and_then(|_| self.latest(name).map(Published::Lost)),
        }
    }

    /// Publishes from now on without finding out whether the backend keeps conditions: that it does was found out
    /// before.
    pub fn assume_conditions(&self) {
        let _ = self.conditions.set(());
    }

    /// All refs, with the number of their newest step.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    pub fn refs(&self) -> Result<BTreeMap<RefName, u64>, Error> {
        let steps = self.steps()?.into_iter();
        Ok(steps.filter_map(|(name, steps)| Some((name, *steps.last()?))).collect())
    }

    /// The numbers of all steps of all refs.
    pub(crate) fn steps(&self) -> Result<BTreeMap<RefName, BTreeSet<u64>>, Error> {
        let mut steps: BTreeMap<RefName, BTreeSet<u64>> = BTreeMap::new();
        self.each("refs", |listed| {
            if let Some((name, generation)) = RefName::of_step(&listed.key) {
                steps.entry(name).or_default().insert(generation);
            }
            Ok(())
        })?;
        Ok(steps)
    }

    /// A step of a ref by its number; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// As [`Self::latest`].
    pub fn step(&self, name: &RefName, generation: u64) -> Result<Option<Deployment>, Error> {
        self.step_at(&name.step(generation))
    }

    pub(crate) fn step_at(&self, key: &Key) -> Result<Option<Deployment>, Error> {
        let Some(bytes) = self.object(key, manifest::LARGEST)? else { return Ok(None) };
        Deployment::parse(&bytes).map(Some).map_err(|error| Error::malformed(key, &error))
    }

    /// Writes an object twice on condition that it is not there: the second time must be refused.
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
        Err(ErrorKind::NoConditions { backend: format!("{:?}", self.backend) }.into())
    }
}
