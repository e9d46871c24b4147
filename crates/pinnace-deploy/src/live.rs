//! What a service is at: its newest step, and where the contents of that release are.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};

use pinnace_store::{Deployment, Digest, Locations, RefName, Store, parallel::join};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind, Machine, Release, WheelSet};

/// A service in a store, seen from a machine.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    pub(crate) store: &'a Store,
    pub(crate) machine: &'a Machine,
    pub(crate) name: &'a RefName,
}

/// What a service was at when it was looked at.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Live {
    /// Its newest step; `None` if it never had one.
    pub step: Option<Deployment>,
    /// The release that it is at; `None` if it is at none, or the store has lost it.
    pub release: Option<Release>,
    /// Where the contents of that release are.
    pub(crate) places: Locations,
    /// What a collection is about to remove.
    pub(crate) condemned: BTreeSet<Digest>,
}

/// Remembers where the contents of the live release are, by store and service; and the newest step alone.
const BUCKET: &str = "live-1";
const STEPS: &str = "step-1";
/// Remembers when all wheels of a service were seen in its store.
const SEEN: &str = "seen-1";
/// A day, in seconds.
const DAY: u64 = 86_400;

impl<'a> Service<'a> {
    /// The service that a ref of a store is: `wanted/…`.
    pub fn new(store: &'a Store, machine: &'a Machine, name: &'a RefName) -> Self {
        Self { store, machine, name }
    }

    /// What it is at. Where the machine knows that, requests go out at once, and nothing is waited for
    /// twice.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or the release is none.
    pub fn look(&self) -> Result<Live, Error> {
        let known = self.known();
        let step = known.as_ref().and_then(|known| known.step.as_ref());
        let (newest, condemned) = thread::scope(|scope| {
            let condemned = scope.spawn(|| self.store.condemned());
            (self.newest_after(step), join(condemned))
        });
        let (newest, condemned) = (newest?, condemned?);
        let live = match known.filter(|known| known.step == newest) {
            Some(known) => known,
            None => self.read(newest)?,
        };
        Ok(Live { condemned, ..live })
    }

    /// Its newest step alone; `None` if it never had one. Where the machine knows it already, that takes as long
    /// as one request.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn newest(&self) -> Result<Option<Deployment>, Error> {
        let known = self.machine.known(STEPS, &self.key());
        let known = known.and_then(|bytes| Deployment::parse(&bytes).ok());
        let newest = self.newest_after(known.as_ref())?;
        if let Some(Ok(bytes)) = newest.as_ref().map(Deployment::to_bytes) {
            self.machine.learn(STEPS, &self.key(), &bytes);
        }
        Ok(newest)
    }

    /// The newest step, of which this one may be it. The same number may be another step, of a store that was made
    /// anew, so that it is read all the same.
    fn newest_after(&self, known: Option<&Deployment>) -> Result<Option<Deployment>, Error> {
        let (newest, there) = thread::scope(|scope| {
            let there =
                known.map(|step| scope.spawn(|| self.store.step(self.name, step.generation)));
            (self.store.generation(self.name), there.map(join).transpose())
        });
        match (newest?, there?.flatten()) {
            (None, _) => Ok(None),
            (Some(newest), Some(there)) if there.generation == newest => Ok(Some(there)),
            _ => Ok(self.store.latest(self.name)?),
        }
    }

    /// A release that is lost is none: the next one does not build on it.
    fn read(&self, step: Option<Deployment>) -> Result<Live, Error> {
        let mut live = Live { step, ..Live::default() };
        let Some(digest) = live.digest() else { return Ok(live) };
        match self.release(&digest) {
            Ok((release, places)) => {
                (live.release, live.places) = (Some(release), places);
                self.remember(&live);
            }
            Err(error) if error.is_lost() => {}
            Err(error) => return Err(error),
        }
        Ok(live)
    }

    fn release(&self, digest: &Digest) -> Result<(Release, Locations), Error> {
        let lost = || ErrorKind::Lost { digest: *digest, by: format!("`{}`", self.name) };
        let stored = self.store.manifest(digest)?.ok_or_else(lost)?;
        Ok((Release::parse(&stored.manifest)?, self.store.places(digest)?))
    }

    /// Whether a day has gone by since this machine saw that all wheels of what is live are in the store. `now`
    /// is in seconds since 1970.
    pub fn is_due(&self, now: u64) -> bool {
        let seen = self.machine.known(SEEN, &self.key());
        let seen = seen.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
        seen.is_none_or(|seen| now.abs_diff(seen) >= DAY)
    }

    /// Remembers that all wheels of what is live were seen in the store now.
    pub fn has_seen_all(&self, now: u64) {
        self.machine.learn(SEEN, &self.key(), now.to_string().as_bytes());
    }

    /// What the machine knows of it.
    fn known(&self) -> Option<Live> {
        let bytes = self.machine.known(BUCKET, &self.key())?;
        let json: Value = serde_json::from_slice(&bytes).ok()?;
        let step = Deployment::parse(json.get("step")?.as_str()?.as_bytes()).ok()?;
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
        Some(Live { step: Some(step), release, places, condemned: BTreeSet::new() })
    }

    pub(crate) fn remember(&self, live: &Live) {
        let Some(Ok(step)) = live.step.as_ref().map(Deployment::to_bytes) else { return };
        let mut packs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (content, pack) in &live.places.packed {
            packs.entry(pack.to_string()).or_default().push(content.to_string());
        }
        let json = json!({
            "step": String::from_utf8_lossy(&step),
            "release": live.release,
            "packs": packs,
            "alone": live.places.alone.iter().map(Digest::to_string).collect::<Vec<_>>(),
        });
        self.machine.learn(BUCKET, &self.key(), json.to_string().as_bytes());
    }

    pub(crate) fn key(&self) -> String {
        let place = format!("{:?} {}", self.store.backend(), self.name);
        Digest::new(Sha256::digest(place).into()).to_hex()
    }
}

impl Live {
    /// The number of its newest step; 0 if it never had one.
    pub fn generation(&self) -> u64 {
        self.step.as_ref().map_or(0, |step| step.generation)
    }

    /// The same, of which nothing is believed to be in the store before it was looked for there.
    #[must_use]
    pub fn distrusted(self) -> Self {
        Self { places: Locations::default(), ..self }
    }

    /// The same, of which wheels and what else is an object of its own are looked for before they are believed to be
    /// there.
    #[must_use]
    pub fn doubted(mut self) -> Self {
        self.places.alone.clear();
        self
    }

    /// Whether all these wheels are believed to be in the store.
    pub fn has_all(&self, set: &WheelSet) -> bool {
        let stays = |digest| self.places.alone.contains(digest) && !self.condemned.contains(digest);
        set.wheels.iter().all(|wheel| stays(&wheel.digest))
    }

    /// The digest of the release that it is at.
    pub fn digest(&self) -> Option<Digest> {
        self.step.as_ref()?.release
    }
}
