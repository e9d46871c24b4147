//! The head of a service: its newest deployment, and the locations of that release's contents.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use pinnace_build::Cache;
use pinnace_store::{Deployment, Digest, Locations, RefName, Store, parallel::join};
use serde_json::{Value, json};

use crate::{Error, ErrorKind, Release, WheelLayer};

/// A service in a store, with this machine's cache of its head.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    pub(crate) store: &'a Store,
    pub(crate) cache: &'a Cache,
    pub(crate) name: &'a RefName,
}

/// The head of a service: its newest deployment and release at the time of reading.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Head {
    /// The newest deployment; `None` if there never was one.
    pub deployment: Option<Deployment>,
    /// The release of that deployment; `None` if it stopped the service, or the store has lost the release.
    pub release: Option<Release>,
    /// The locations of the release's contents.
    pub(crate) locations: Locations,
    /// The objects with a tombstone, which a garbage collection is about to remove.
    pub(crate) tombstones: BTreeSet<Digest>,
}

/// The cache buckets of heads and of newest deployments, both by store and service.
const HEADS: &str = "live-1";
const NEWEST: &str = "step-1";
/// The cache bucket of the time at which the store was last checked for all wheels of a service.
const CHECKED: &str = "seen-1";
/// A day, in seconds.
const DAY: u64 = 86_400;

impl<'a> Service<'a> {
    /// Creates a view of the service behind a ref such as `wanted/shop`.
    pub fn new(store: &'a Store, cache: &'a Cache, name: &'a RefName) -> Self {
        Self { store, cache, name }
    }

    /// Reads the head. A cached head is validated by concurrent requests, so that it costs one round trip.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read, or the release is malformed.
    pub fn look(&self) -> Result<Head, Error> {
        let known = self.known();
        let deployment = known.as_ref().and_then(|known| known.deployment.as_ref());
        let (newest, tombstones) = thread::scope(|scope| {
            let tombstones = scope.spawn(|| self.store.tombstoned());
            (self.newest_after(deployment), join(tombstones))
        });
        let (newest, tombstones) = (newest?, tombstones?);
        let head = match known.filter(|known| known.deployment == newest) {
            Some(known) => known,
            None => self.read(newest)?,
        };
        Ok(Head { tombstones, ..head })
    }

    /// Reads only the newest deployment; `None` if there never was one. If the cache has it, that takes one round
    /// trip.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    pub fn newest(&self) -> Result<Option<Deployment>, Error> {
        let known = self.cache.recall(NEWEST, &self.key());
        let known = known.and_then(|bytes| Deployment::parse(&bytes).ok());
        let newest = self.newest_after(known.as_ref())?;
        if let Some(Ok(bytes)) = newest.as_ref().map(Deployment::to_bytes) {
            self.cache.remember(NEWEST, &self.key(), &bytes);
        }
        Ok(newest)
    }

    /// Reads the newest deployment, which may be the cached one. Even that one is read from the store: in a store
    /// that was deleted and created again, the same generation is another deployment.
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
            Ok((release, locations)) => {
                (head.release, head.locations) = (Some(release), locations);
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

    /// Returns true if this machine's last check that the store has all wheels of the live release is more than a
    /// day old. `now` is in seconds since 1970.
    pub fn needs_check(&self, now: u64) -> bool {
        let seen = self.cache.recall(CHECKED, &self.key());
        let seen = seen.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
        seen.is_none_or(|seen| now.abs_diff(seen) >= DAY)
    }

    /// Records in the cache that the store has all wheels of the live release now.
    pub fn record_checked(&self, now: u64) {
        self.cache.remember(CHECKED, &self.key(), now.to_string().as_bytes());
    }

    /// Returns the cached head.
    fn known(&self) -> Option<Head> {
        let bytes = self.cache.recall(HEADS, &self.key())?;
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        let deployment = Deployment::parse(json.get("step")?.as_str()?.as_bytes()).ok()?;
        let release = serde_json::from_value(json.get("release")?.clone()).ok()?;
        let digests = |value: &Value| -> Option<Vec<Digest>> {
            value.as_array()?.iter().map(|digest| digest.as_str()?.parse().ok()).collect()
        };
        let mut locations = Locations::default();
        for (pack, contents) in json.get("packs")?.as_object()? {
            let pack = pack.parse().ok()?;
            locations.packed.extend(digests(contents)?.into_iter().map(|content| (content, pack)));
        }
        locations.alone = digests(json.get("alone")?)?.into_iter().collect();
        Some(Head { deployment: Some(deployment), release, locations, tombstones: BTreeSet::new() })
    }

    pub(crate) fn remember(&self, head: &Head) {
        let Some(Ok(deployment)) = head.deployment.as_ref().map(Deployment::to_bytes) else {
            return;
        };
        let mut packs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (content, pack) in &head.locations.packed {
            packs.entry(pack.to_string()).or_default().push(content.to_string());
        }
        let json = json!({
            "step": String::from_utf8_lossy(&deployment),
            "release": head.release,
            "packs": packs,
            "alone": head.locations.alone.iter().map(Digest::to_string).collect::<Vec<_>>(),
        });
        self.cache.remember(HEADS, &self.key(), json.to_string().as_bytes());
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

    /// Drops the cached locations, so that the next upload checks every content in the store.
    #[must_use]
    pub fn without_cache(self) -> Self {
        Self { locations: Locations::default(), ..self }
    }

    /// Drops the cached objects outside packs, such as wheels, so that the next upload checks them in the store.
    #[must_use]
    pub fn rechecking(mut self) -> Self {
        self.locations.alone.clear();
        self
    }

    /// Returns true if the cache knows all wheels of a set to be in the store.
    pub fn has_all(&self, set: &WheelLayer) -> bool {
        let stays =
            |digest| self.locations.alone.contains(digest) && !self.tombstones.contains(digest);
        set.wheels.iter().all(|wheel| stays(&wheel.digest))
    }

    /// Returns the digest of the release that is live.
    pub fn digest(&self) -> Option<Digest> {
        self.deployment.as_ref()?.release
    }
}
