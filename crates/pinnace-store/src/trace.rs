//! What can be reached from refs.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    rc::Rc,
};

use crate::{
    ContentKind, Digest, Error, ErrorKind, Key, Manifest, RefName, Store, Stored, parallel, store,
};

/// Which steps of refs count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// How many of the newest steps of each ref; at least one does.
    pub generations: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { generations: 10 }
    }
}

/// What was reached.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Everything that is referred to.
    pub(crate) digests: BTreeSet<Digest>,
    /// The packs that manifests name, and the contents of each.
    pub(crate) packs: BTreeMap<Digest, BTreeSet<Digest>>,
    /// What is referred to and cannot be had.
    pub(crate) faults: Vec<Fault>,
    /// Older steps whose release is not there any more: a collection takes those that are not kept.
    pub(crate) past: Vec<(RefName, u64)>,
    /// What there is besides packs.
    pub(crate) inventory: Inventory,
}

/// Something that is referred to and cannot be had.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where it may be, any of which would do.
    pub(crate) keys: Vec<Key>,
    pub(crate) error: Error,
}

/// The contents that are objects of their own.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) manifests: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
}

/// What a pack holds: of each manifest what it refers to.
pub(crate) type Opened = BTreeMap<Digest, Option<BTreeSet<Digest>>>;

/// How many small objects are read at once.
const AT_ONCE: usize = 8;
/// How many packs, each of which is in memory whole.
const PACKS_AT_ONCE: usize = 3;
/// So many missing steps of one ref are told.
const MOST_GAPS: usize = 100;

impl Store {
    /// Follows all refs. Of the newest step of each all must be there; the release of an older one
    /// may have been collected, and is there whole if it is there.
    pub(crate) fn trace(&self, keep: Keep) -> Result<Reached, Error> {
        let (steps, faults) = self.kept(keep)?;
        // After the steps, so that what they refer to is among it.
        let mut tracer = Tracer::new(self, self.inventory()?);
        tracer.reached.faults = faults;
        let read = parallel::each(&steps, AT_ONCE, |step| self.step(&step.key()));
        for (step, read) in steps.iter().zip(read) {
            let deployment = tracer.found(&step.key(), "the store", read)?;
            if let Some(release) = deployment.and_then(|deployment| deployment.release) {
                tracer.step(step, &release)?;
            }
        }
        Ok(tracer.reached)
    }

    /// Follows releases as far as they can be followed.
    pub(crate) fn trace_releases(
        &self,
        releases: impl IntoIterator<Item = Digest>,
        inventory: Inventory,
    ) -> Result<Reached, Error> {
        let mut tracer = Tracer::new(self, inventory);
        releases.into_iter().try_for_each(|release| tracer.release(&release))?;
        Ok(tracer.reached)
    }

    /// The steps that count, and those that are missing among them.
    fn kept(&self, keep: Keep) -> Result<(Vec<Step>, Vec<Fault>), Error> {
        let (mut steps, mut faults) = (Vec::new(), Vec::new());
        for (name, generations) in self.steps()? {
            let newest = generations.last().copied().unwrap_or_default();
            let oldest = newest.saturating_sub(keep.generations.max(1) as u64) + 1;
            faults.extend(gaps(&name, &generations, oldest..=newest));
            steps.extend(generations.range(oldest..).map(|generation| Step {
                name: name.clone(),
                generation: *generation,
                is_newest: *generation == newest,
            }));
        }
        Ok((steps, faults))
    }

    fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        self.contents("manifests", |digest, _| inventory.manifests.extend([digest]))?;
        self.contents("blobs", |digest, _| inventory.blobs.extend([digest]))?;
        Ok(inventory)
    }

    /// What a pack holds, checked; `None` if there is none of that name.
    pub(crate) fn opened(&self, name: &Digest) -> Result<Option<Opened>, Error> {
        let Some(pack) = self.pack(name)? else { return Ok(None) };
        let malformed =
            |error: &dyn std::fmt::Display| Error::malformed(&store::pack_key(name), error);
        let references = |digest: &Digest| {
            let bytes = pack.read(digest).map_err(|error| malformed(&error))?.unwrap_or_default();
            Manifest::parse(bytes).map(|one| one.references()).map_err(|error| malformed(&error))
        };
        let entries = pack.index().entries().iter();
        let opened = entries.map(|entry| match entry.kind {
            ContentKind::Manifest => Ok((entry.digest, Some(references(&entry.digest)?))),
            ContentKind::Blob => Ok((entry.digest, None)),
        });
        opened.collect::<Result<_, _>>().map(Some)
    }
}

/// A step of a ref.
struct Step {
    name: RefName,
    generation: u64,
    is_newest: bool,
}

impl Step {
    fn key(&self) -> Key {
        self.name.step(self.generation)
    }
}

/// The steps that are missing among these.
fn gaps(name: &RefName, there: &BTreeSet<u64>, wanted: RangeInclusive<u64>) -> Vec<Fault> {
    let missing = wanted.rev().filter(|generation| *generation > 0 && !there.contains(generation));
    let fault = |generation| {
        let key = name.step(generation);
        let reason =
            format!("generation {generation} of {name} is missing, and later ones are there");
        Fault { error: Error::malformed(&key, &reason), keys: vec![key] }
    };
    missing.take(MOST_GAPS).map(fault).collect()
}

struct Tracer<'a> {
    store: &'a Store,
    reached: Reached,
    /// Packs that were looked into; `None` for those that cannot be had.
    packs: BTreeMap<Digest, Option<Opened>>,
    /// Manifests that are objects of their own.
    manifests: BTreeMap<Digest, Option<Rc<Followed>>>,
}

/// What is needed of a manifest to follow it.
struct Followed {
    packs: BTreeSet<Digest>,
    references: BTreeSet<Digest>,
}

/// Where the contents of one release are.
#[derive(Default)]
struct Places {
    packs: BTreeMap<Digest, Digest>,
    /// Whether a pack or a manifest cannot be had: that is the fault then, not all that may be in it.
    is_partial: bool,
}

impl<'a> Tracer<'a> {
    fn new(store: &'a Store, inventory: Inventory) -> Self {
        let reached = Reached { inventory, ..Reached::default() };
        Self { store, reached, packs: BTreeMap::new(), manifests: BTreeMap::new() }
    }

    /// Follows the release of a step.
    fn step(&mut self, step: &Step, release: &Digest) -> Result<(), Error> {
        if self.reached.inventory.manifests.contains(release) {
            return self.release(release);
        }
        if step.is_newest {
            let by = format!("{}, generation {}", step.name, step.generation);
            self.lose(release, by, vec![store::manifest_key(release)]);
        } else {
            self.reached.past.push((step.name.clone(), step.generation));
        }
        Ok(())
    }

    /// Follows a manifest that is an object of its own. Each release is followed by itself, since what is in
    /// the packs of one need not be in those of another.
    fn release(&mut self, release: &Digest) -> Result<(), Error> {
        let mut places = Places::default();
        let mut seen = BTreeSet::from([*release]);
        self.reached.digests.insert(*release);
        let mut waiting = Vec::from_iter(self.alone(release, &mut places)?);
        while let Some((by, references)) = waiting.pop() {
            for digest in references.into_iter().filter(|digest| seen.insert(*digest)) {
                self.reached.digests.insert(digest);
                if let Some(pack) = places.packs.get(&digest) {
                    let opened = self.packs.get(pack).and_then(Option::as_ref);
                    let inner = opened.and_then(|opened| opened.get(&digest)?.clone());
                    waiting.extend(inner.map(|references| (digest, references)));
                } else if self.reached.inventory.manifests.contains(&digest) {
                    // Somebody may have put the bytes of a manifest as a blob, too: what it refers to counts.
                    waiting.extend(self.alone(&digest, &mut places)?);
                } else if !(places.is_partial || self.reached.inventory.blobs.contains(&digest)) {
                    let keys = vec![store::blob_key(&digest), store::manifest_key(&digest)];
                    self.lose(&digest, by.to_string(), keys);
                }
            }
        }
        Ok(())
    }

    /// A manifest that is an object of its own, and what it refers to; its packs count from then on.
    fn alone(
        &mut self,
        digest: &Digest,
        places: &mut Places,
    ) -> Result<Option<(Digest, BTreeSet<Digest>)>, Error> {
        let Some(followed) = self.followed(digest)? else {
            places.is_partial = true;
            return Ok(None);
        };
        self.open(digest, &followed.packs)?;
        for pack in &followed.packs {
            match self.packs.get(pack) {
                Some(Some(opened)) => places.packs.extend(opened.keys().map(|one| (*one, *pack))),
                _ => places.is_partial = true,
            }
        }
        Ok(Some((*digest, followed.references.clone())))
    }

    fn followed(&mut self, digest: &Digest) -> Result<Option<Rc<Followed>>, Error> {
        if let Some(followed) = self.manifests.get(digest) {
            return Ok(followed.clone());
        }
        let stored = self.store.manifest(digest);
        let stored = self.found(&store::manifest_key(digest), "the store", stored)?;
        let followed = stored.map(|Stored { manifest, packs }| {
            Rc::new(Followed { packs, references: manifest.references() })
        });
        self.manifests.insert(*digest, followed.clone());
        Ok(followed)
    }

    /// Looks into packs that were not looked into yet.
    fn open(&mut self, by: &Digest, packs: &BTreeSet<Digest>) -> Result<(), Error> {
        let new = packs.iter().filter(|pack| !self.packs.contains_key(pack));
        let new: Vec<Digest> = new.copied().collect();
        let opened = parallel::each(&new, PACKS_AT_ONCE, |pack| self.store.opened(pack));
        for (pack, opened) in new.iter().zip(opened) {
            let opened = self.found(&store::pack_key(pack), &by.to_string(), opened)?;
            let held = opened.iter().flat_map(Opened::keys).copied().collect();
            self.reached.packs.insert(*pack, held);
            self.packs.insert(*pack, opened);
        }
        Ok(())
    }

    /// What was read, if it could be; a fault of the object is noted.
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
        self.reached.digests.insert(*digest);
        let error = ErrorKind::Lost { digest: *digest, by }.into();
        self.reached.faults.push(Fault { keys, error });
    }
}

impl Reached {
    /// All of it must be there.
    pub(crate) fn complete(mut self) -> Result<Self, Error> {
        match self.faults.is_empty() {
            true => Ok(self),
            false => Err(self.faults.swap_remove(0).error),
        }
    }

    /// Whether an object, by its key, must stay.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        let Some((folder, digest)) = digest_of(key) else { return true };
        match folder {
            "packs" => self
                .packs
                .get(&digest)
                .is_some_and(|held| held.iter().any(|digest| self.digests.contains(digest))),
            _ => self.digests.contains(&digest),
        }
    }
}

/// The folder and the digest that the key of a content says.
pub(crate) fn digest_of(key: &Key) -> Option<(&str, Digest)> {
    let mut parts = key.as_str().split('/');
    let (folder, start, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digest = format!("{start}{rest}").parse().ok()?;
    let is_whole = matches!(folder, "blobs" | "packs" | "manifests") && parts.next().is_none();
    (is_whole && start.len() == 2).then_some((folder, digest))
}
