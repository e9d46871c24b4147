//! Mark phase of the garbage collection: finds everything that refs reach.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    rc::Rc,
};

use crate::{
    ContentKind, Digest, Error, ErrorKind, Key, Manifest, RefName, Store, Stored,
    content_key::{blob_key, digest_of, manifest_key, pack_key},
    parallel,
};

/// The retention rule: the deployments of each ref that count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// Number of newest deployments of each ref that count; at least one does.
    pub generations: usize,
}

impl Keep {
    /// Returns the generation of the oldest deployment that counts.
    pub(crate) fn oldest(self, newest: u64) -> u64 {
        newest.saturating_sub(self.generations.max(1) as u64) + 1
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { generations: 10 }
    }
}

/// The result of a mark phase.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// All digests that something refers to.
    pub(crate) digests: BTreeSet<Digest>,
    /// The packs that manifests name.
    pub(crate) packs: BTreeSet<Digest>,
    /// Referenced objects that are missing or cannot be read.
    pub(crate) faults: Vec<Fault>,
    /// Referenced objects that may be in a pack which cannot be read, and are nowhere else.
    pub(crate) uncertain: Vec<Fault>,
    /// Older deployments whose release is incomplete, because collections removed parts of it.
    pub(crate) past: Vec<(RefName, u64)>,
}

/// A referenced object that is missing or cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The keys that it may have; an object under any of them suffices.
    pub(crate) keys: Vec<Key>,
    pub(crate) error: Error,
}

/// The contents of a pack, with the references of each manifest.
pub(crate) type Opened = BTreeMap<Digest, Option<BTreeSet<Digest>>>;

/// The contents that are objects of their own.
#[derive(Debug, Default)]
struct Inventory {
    manifests: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
}

/// A deployment of a ref.
struct KeptDeployment {
    name: RefName,
    generation: u64,
    /// The parts of its release that must exist: none, if a collection may have removed it.
    needs: Needs,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Needs {
    Everything,
    Nothing,
}

/// Number of small objects read at once.
const AT_ONCE: usize = 8;
/// Number of packs read at once; each is in memory whole.
const PACKS_AT_ONCE: usize = 3;
/// The largest number of missing deployments that are reported for a ref.
const MOST_GAPS: usize = 100;

impl Store {
    /// Runs the mark phase: follows all refs. Deployments that every collection has kept must be
    /// complete; older ones are followed as far as they still exist.
    pub(crate) fn trace(&self, keep: Keep) -> Result<Reached, Error> {
        let (kept, faults) = self.kept(keep)?;
        // The inventory comes after the deployments, so that it includes what they refer to.
        let mut tracer = Tracer::new(self, self.inventory()?);
        tracer.reached.faults = faults;
        let read = parallel::each(&kept, AT_ONCE, |kept| self.deployment_at(&kept.key()));
        for (kept, read) in kept.iter().zip(read) {
            let deployment = tracer.found(&kept.key(), "the store", read)?;
            if let Some(release) = deployment.and_then(|deployment| deployment.release) {
                tracer.follow_deployment(kept, &release)?;
            }
        }
        Ok(tracer.reached)
    }

    /// Returns the deployments that count, those that must be complete first, and a fault for each
    /// missing one.
    fn kept(&self, keep: Keep) -> Result<(Vec<KeptDeployment>, Vec<Fault>), Error> {
        let (mut kept, mut faults) = (Vec::new(), Vec::new());
        let horizons = self.horizons()?;
        for (name, there) in self.generations()? {
            let newest = there.last().copied().unwrap_or_default();
            let oldest = keep.oldest(newest);
            let horizon = horizons.get(&name).copied().unwrap_or(1).min(newest);
            faults.extend(gaps(&name, &there, oldest..=newest));
            kept.extend(there.range(oldest..).map(|generation| KeptDeployment {
                name: name.clone(),
                generation: *generation,
                needs: if *generation < horizon { Needs::Nothing } else { Needs::Everything },
            }));
        }
        // A missing object that both kinds need is a fault, so the deployments that need it come
        // first.
        kept.sort_by_key(|kept| kept.needs == Needs::Nothing);
        Ok((kept, faults))
    }

    fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        self.contents("manifests", |digest, _| inventory.manifests.extend([digest]))?;
        self.contents("blobs", |digest, _| inventory.blobs.extend([digest]))?;
        Ok(inventory)
    }

    /// Opens and verifies a pack; returns `None` if the store does not have it.
    pub(crate) fn opened(&self, name: &Digest) -> Result<Option<Opened>, Error> {
        let Some(pack) = self.pack(name)? else { return Ok(None) };
        let malformed = |error: &dyn std::fmt::Display| Error::malformed(&pack_key(name), error);
        let references = |digest: &Digest| {
            let bytes = pack.read(digest).map_err(|error| malformed(&error))?.unwrap_or_default();
            Manifest::parse(bytes)
                .map(|manifest| manifest.references())
                .map_err(|error| malformed(&error))
        };
        let entries = pack.index().entries().iter();
        let opened = entries.map(|entry| match entry.kind {
            ContentKind::Manifest => Ok((entry.digest, Some(references(&entry.digest)?))),
            ContentKind::Blob => Ok((entry.digest, None)),
        });
        opened.collect::<Result<_, _>>().map(Some)
    }
}

impl KeptDeployment {
    fn key(&self) -> Key {
        self.name.deployment_key(self.generation)
    }
}

/// Returns a fault for each wanted deployment that is missing.
fn gaps(name: &RefName, there: &BTreeSet<u64>, wanted: RangeInclusive<u64>) -> Vec<Fault> {
    let missing = wanted.rev().filter(|generation| *generation > 0 && !there.contains(generation));
    let fault = |generation| {
        let key = name.deployment_key(generation);
        let reason = format!("generation {generation} of {name} is missing, but later ones exist");
        Fault { error: Error::malformed(&key, &reason), keys: vec![key] }
    };
    missing.take(MOST_GAPS).map(fault).collect()
}

struct Tracer<'a> {
    store: &'a Store,
    inventory: Inventory,
    reached: Reached,
    /// Packs already opened; `None` for those that cannot be read.
    packs: BTreeMap<Digest, Option<Opened>>,
    /// Manifests already read that are objects of their own.
    manifests: BTreeMap<Digest, Option<Rc<Followed>>>,
}

/// The parts of a manifest that are needed to follow it.
struct Followed {
    packs: BTreeSet<Digest>,
    references: BTreeSet<Digest>,
}

/// A manifest and its references, which are still to be followed.
type Waiting = (Digest, BTreeSet<Digest>);

/// The location of a referenced object.
enum Located {
    /// The object exists, and has no references that could be followed.
    Content,
    Manifest(Waiting),
    Nowhere,
}

/// The locations of the contents of one release.
#[derive(Default)]
struct Locations {
    packs: BTreeMap<Digest, Digest>,
    /// True if a pack or a manifest cannot be read: that is the fault then, not everything that may
    /// be in it.
    is_partial: bool,
}

impl<'a> Tracer<'a> {
    fn new(store: &'a Store, inventory: Inventory) -> Self {
        let (reached, packs, manifests) = Default::default();
        Self { store, inventory, reached, packs, manifests }
    }

    /// Follows the release of a deployment.
    fn follow_deployment(&mut self, kept: &KeptDeployment, release: &Digest) -> Result<(), Error> {
        let is_there = self.inventory.manifests.contains(release);
        if kept.needs == Needs::Nothing {
            let faults = (self.reached.faults.len(), self.reached.uncertain.len());
            if !(is_there && self.release(release)?) {
                self.reached.past.push((kept.name.clone(), kept.generation));
            }
            self.reached.faults.truncate(faults.0);
            self.reached.uncertain.truncate(faults.1);
        } else if is_there {
            self.release(release)?;
        } else {
            let by = format!("{}, generation {}", kept.name, kept.generation);
            self.lose(release, by, vec![manifest_key(release)]);
        }
        Ok(())
    }

    /// Follows a manifest that is an object of its own, and returns true if everything it refers to
    /// exists. Each release is followed by itself, since objects in the packs of one may not be in
    /// those of another.
    fn release(&mut self, release: &Digest) -> Result<bool, Error> {
        let mut locations = Locations::default();
        let mut seen = BTreeSet::from([*release]);
        self.reached.digests.insert(*release);
        let mut waiting = Vec::from_iter(self.alone(release, &mut locations)?);
        // A digest in no known pack may be in a pack that a later manifest names.
        let mut elsewhere: Vec<(Digest, Digest)> = Vec::new();
        loop {
            while let Some((by, references)) = waiting.pop() {
                for digest in references.into_iter().filter(|digest| seen.insert(*digest)) {
                    self.reached.digests.insert(digest);
                    match self.follow(&digest, &mut locations)? {
                        Located::Content => {}
                        Located::Manifest(found) => waiting.push(found),
                        Located::Nowhere => elsewhere.push((by, digest)),
                    }
                }
            }
            let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut elsewhere)
                .into_iter()
                .partition(|(_, digest)| locations.packs.contains_key(digest));
            elsewhere = rest;
            if found.is_empty() {
                break;
            }
            for (_, digest) in found {
                if let Located::Manifest(found) = self.follow(&digest, &mut locations)? {
                    waiting.push(found);
                }
            }
        }
        let is_whole = elsewhere.is_empty() && !locations.is_partial;
        for (by, digest) in elsewhere {
            let keys = vec![blob_key(&digest), manifest_key(&digest)];
            self.miss(&digest, by.to_string(), keys, locations.is_partial);
        }
        Ok(is_whole)
    }

    /// Locates a digest, as far as its location is known by now.
    fn follow(&mut self, digest: &Digest, locations: &mut Locations) -> Result<Located, Error> {
        if let Some(pack) = locations.packs.get(digest) {
            let opened = self.packs.get(pack).and_then(Option::as_ref);
            let inner = opened.and_then(|opened| opened.get(digest)?.clone());
            return Ok(inner.map_or(Located::Content, |inner| Located::Manifest((*digest, inner))));
        }
        if self.inventory.manifests.contains(digest) {
            // The bytes of a manifest may also be stored as a blob: its references count.
            let found = self.alone(digest, locations)?;
            return Ok(found.map_or(Located::Content, Located::Manifest));
        }
        if self.inventory.blobs.contains(digest) {
            Ok(Located::Content)
        } else {
            Ok(Located::Nowhere)
        }
    }

    /// Reads a manifest that is an object of its own, and returns its references. Its packs count
    /// from then on.
    fn alone(
        &mut self,
        digest: &Digest,
        locations: &mut Locations,
    ) -> Result<Option<Waiting>, Error> {
        let Some(followed) = self.followed(digest)? else {
            locations.is_partial = true;
            return Ok(None);
        };
        self.open(digest, &followed.packs)?;
        for pack in &followed.packs {
            match self.packs.get(pack) {
                Some(Some(opened)) => {
                    locations.packs.extend(opened.keys().map(|digest| (*digest, *pack)))
                }
                _ => locations.is_partial = true,
            }
        }
        Ok(Some((*digest, followed.references.clone())))
    }

    fn followed(&mut self, digest: &Digest) -> Result<Option<Rc<Followed>>, Error> {
        if let Some(followed) = self.manifests.get(digest) {
            return Ok(followed.clone());
        }
        let stored = self.store.manifest(digest);
        let stored = self.found(&manifest_key(digest), "the store", stored)?;
        let followed = stored.map(|Stored { manifest, packs }| {
            Rc::new(Followed { packs, references: manifest.references() })
        });
        self.manifests.insert(*digest, followed.clone());
        Ok(followed)
    }

    /// Opens the packs that were not opened yet.
    fn open(&mut self, by: &Digest, packs: &BTreeSet<Digest>) -> Result<(), Error> {
        let new = packs.iter().filter(|pack| !self.packs.contains_key(pack));
        let new: Vec<Digest> = new.copied().collect();
        let opened = parallel::each(&new, PACKS_AT_ONCE, |pack| self.store.opened(pack));
        for (pack, opened) in new.iter().zip(opened) {
            let opened = self.found(&pack_key(pack), &by.to_string(), opened)?;
            self.reached.packs.insert(*pack);
            self.packs.insert(*pack, opened);
        }
        Ok(())
    }

    /// Returns the object that was read; records a fault if the object is missing or bad.
    fn found<T>(
        &mut self,
        key: &Key,
        by: &str,
        read: Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        match read {
            Ok(Some(whole)) => return Ok(Some(whole)),
            Ok(None) => match digest_of(key) {
                Some((_, digest)) => self.lose(&digest, by.to_owned(), vec![key.clone()]),
                None => self.note(key, Error::malformed(key, &"it is gone")),
            },
            Err(error) if error.is_of_object() => self.note(key, error),
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    fn note(&mut self, key: &Key, error: Error) {
        self.reached.faults.push(Fault { keys: vec![key.clone()], error });
    }

    fn lose(&mut self, digest: &Digest, by: String, keys: Vec<Key>) {
        self.miss(digest, by, keys, false);
    }

    fn miss(&mut self, digest: &Digest, by: String, keys: Vec<Key>, is_uncertain: bool) {
        self.reached.digests.insert(*digest);
        let error = ErrorKind::Lost { digest: *digest, by }.into();
        let faults =
            if is_uncertain { &mut self.reached.uncertain } else { &mut self.reached.faults };
        faults.push(Fault { keys, error });
    }
}

impl Reached {
    /// Returns an error if any referenced object is missing or cannot be read.
    pub(crate) fn complete(mut self) -> Result<Self, Error> {
        self.faults.append(&mut self.uncertain);
        if self.faults.is_empty() { Ok(self) } else { Err(self.faults.swap_remove(0).error) }
    }

    /// Returns true if the object with that key must stay. Foreign objects stay.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        match digest_of(key) {
            Some(("packs", digest)) => self.packs.contains(&digest),
            Some((_, digest)) => self.digests.contains(&digest),
            None => true,
        }
    }
}
