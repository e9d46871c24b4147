//! The head of a service: its newest deployment, and the places of that release's contents.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use pinnace_build::Cache;
use pinnace_store::{Deployment, Digest, Locations, RefName, Store, parallel::join};
use serde_json::{Value, json};

use crate::{Error, ErrorKind, Release, WheelLayer};

/// A service in a store, with what this machine remembers of it.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    pub(crate) store: &'a Store,
    pub(crate) cache: &'a Cache,
    pub(crate) name: &'a RefName,
}

/// The head of a service when it was read: its newest deployment and release.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Head {
    /// The newest deployment; `None` if there never was one.
    pub deployment: Option<Deployment>,
    /// The release of that deployment; `None` if it stopped the service, or the store has lost the release.
    pub release: Option<Release>,
    /// The places of the release's contents.
    pub(crate) places: Locations,
    /// The objects that a garbage collection is about to remove.
    pub(crate) condemned: BTreeSet<Digest>,
}

/// The buckets of heads, by store and service, and of newest deployments alone.
const BUCKET: &str = "live-1";
const STEPS: &str = "step-1";
/// The bucket of the times when all wheels of a service were seen in its store.
const SEEN: &str = "seen-1";
/// A day, in seconds.
const DAY: u64 = 86_400;

impl<'a> Service<'a> {
    /// Creates a view of the service behind a ref such as `wanted/shop`.
    pub fn new(store: &'a Store, cache: &'a Cache, name: &'a RefName) -> Self {
        Self { store, cache, name }
    }

    /// Reads the head. What this machine remembers is checked by concurrent requests, so that nothing is
    /// waited for twice.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read, or the release is malformed.
    pub fn look(&self) -> Result<Head, Error> {
        let known = self.known();
        let deployment = known.as_ref().and_then(|known| known.deployment.as_ref());
        let (newest, condemned) = thread::scope(|scope| {
            let condemned = scope.spawn(|| self.store.tombstoned());
            (self.newest_after(deployment), join(condemned))
        });
        let (newest, condemned) = (newest?, condemned?);
        let head = match known.filter(|known| known.deployment == newest) {
            Some(known) => known,
            None => self.read(newest)?,
        };
        Ok(Head { condemned, ..head })
    }

    /// Reads the newest deployment alone; `None` if there never was one. If this machine remembers it, that
    /// takes one round trip.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn newest(&self) -> Result<Option<Deployment>, Error> {
        let known = self.cache.recall(STEPS, &self.key());
        let known = known.and_then(|bytes| Deployment::parse(&bytes).ok());
        let newest = self.newest_after(known.as_ref())?;
        if let Some(Ok(bytes)) = newest.as_ref().map(Deployment::to_bytes) {
            self.cache.remember(STEPS, &self.key(), &bytes);
        }
        Ok(newest)
    }

    /// Reads the newest deployment, which may be the known one. It is read all the same: in a store that was
    /// made anew, the same generation is another deployment.
    fn newest_after(&self, known: Option<&Deployment>) -> Result<Option<Deployment>, Error> {
        let (newest, there) = thread::scope(|scope| {
            let there = known.map(|deployment| {
                scope.spawn(|| self.store.deployment(self.name, deployment.generation))
            });
            (self.store.generation(self.name), there.map(join).transpose())
        });
        match (newest?, there?.flatten()) {
            (None, _) => Ok(None),
            (Some(newest), Some(there)) if there.generation == newest => Ok(Some(there)),
            _ => Ok(self.store.latest(self.name)?),
        }
    }

    /// Reads the release of a deployment. A release missing from the store counts as absent; the next publish
    /// starts from scratch.
    fn read(&self, deployment: Option<Deployment>) -> Result<Head, Error> {
        let mut head = Head { deployment, ..Head::default() };
        let Some(digest) = head.digest() else { return Ok(head) };
        match self.release(&digest) {
            Ok((release, places)) => {
                (head.release, head.places) = (Some(release), places);
                self.remember(&head);
            }
            Err(error) if error.is_lost() => {}
            Err(error) => return Err(error),
        }
        Ok(head)
    }

    fn release(&self, digest: &Digest) -> Result<(Release, Locations), Error> {
        let lost = || ErrorKind::Lost { digest: *digest, by: format!("`{}`", self.name) };
        let stored = self.store.manifest(digest)?.ok_or_else(lost)?;
        Ok((Release::parse(&stored.manifest)?, self.store.locations(digest)?))
    }

    /// Returns true if this machine has not checked for a day that all wheels of the live release are in the
    /// store. `now` is in seconds since 1970.
    pub fn needs_check(&self, now: u64) -> bool {
        let seen = self.cache.recall(SEEN, &self.key());
        let seen = seen.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
        seen.is_none_or(|seen| now.abs_diff(seen) >= DAY)
    }

    /// Remembers that all wheels of the live release were seen in the store now.
    pub fn record_checked(&self, now: u64) {
        self.cache.remember(SEEN, &self.key(), now.to_string().as_bytes());
    }

    /// Returns what this machine remembers.
    fn known(&self) -> Option<Head> {
        let bytes = self.cache.recall(BUCKET, &self.key())?;
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        let deployment = Deployment::parse(json.get("step")?.as_str()?.as_bytes()).ok()?;
        let release = serde_json::from_value(json.get("release")?.clone()).ok()?;
        let digests = |value: &Value| -> Option<Vec<Digest>> {
            value.as_array()?.iter().map(|one| one.as_str()?.parse().ok()).collect()
        };
        let mut places = Locations::default();
        for (pack, contents) in json.get("packs")?.as_object()? {
            let pack = pack.parse().ok()?;
            places.packed.extend(digests(contents)?.into_iter().map(|content| (content, pack)));
        }
        places.alone = digests(json.get("alone")?)?.into_iter().collect();
        Some(Head { deployment: Some(deployment), release, places, condemned: BTreeSet::new() })
    }

    pub(crate) fn remember(&self, head: &Head) {
        let Some(Ok(deployment)) = head.deployment.as_ref().map(Deployment::to_bytes) else {
            return;
        };
        let mut packs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (content, pack) in &head.places.packed {
            packs.entry(pack.to_string()).or_default().push(content.to_string());
        }
        let json = json!({
            "step": String::from_utf8_lossy(&deployment),
            "release": head.release,
            "packs": packs,
            "alone": head.places.alone.iter().map(Digest::to_string).collect::<Vec<_>>(),
        });
        self.cache.remember(BUCKET, &self.key(), json.to_string().as_bytes());
    }

    pub(crate) fn key(&self) -> String {
        let ref_in_store = format!("{} {}", self.store.backend().location(), self.name);
        Digest::of(ref_in_store).to_hex()
    }
}

impl Head {
    /// Returns the generation of the newest deployment; 0 if there never was one.
    pub fn generation(&self) -> u64 {
        self.deployment.as_ref().map_or(0, |deployment| deployment.generation)
    }

    /// Forgets which contents the store has: everything is looked for again.
    #[must_use]
    pub fn without_cache(self) -> Self {
        Self { places: Locations::default(), ..self }
    }

    /// Forgets which objects of their own the store has, such as wheels: they are looked for again.
    #[must_use]
    pub fn rechecking(mut self) -> Self {
        self.places.alone.clear();
        self
    }

    /// Returns true if all wheels of a set are remembered to be in the store.
    pub fn has_all(&self, set: &WheelLayer) -> bool {
        let stays = |digest| self.places.alone.contains(digest) && !self.condemned.contains(digest);
        set.wheels.iter().all(|wheel| stays(&wheel.digest))
    }

    /// Returns the digest of the release that is live.
    pub fn digest(&self) -> Option<Digest> {
        self.deployment.as_ref()?.release
    }
}
