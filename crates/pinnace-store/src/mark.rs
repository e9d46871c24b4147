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

impl Keep {
    /// The first step that counts.
    pub(crate) fn oldest(self, newest: u64) -> u64 {
        newest.saturating_sub(self.generations.max(1) as u64) + 1
    }
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
    /// The packs that manifests name.
    pub(crate) packs: BTreeSet<Digest>,
    /// What is referred to and cannot be had.
    pub(crate) faults: Vec<Fault>,
    /// What may be in a pack that cannot be had, and is nowhere else.
    pub(crate) uncertain: Vec<Fault>,
    /// Older steps of whose release collections have taken something.
    pub(crate) past: Vec<(RefName, u64)>,
}

/// Something that is referred to and cannot be had.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where it may be, any of which would do.
    pub(crate) keys: Vec<Key>,
    pub(crate) error: Error,
}

/// What a pack holds: of each manifest what it refers to.
pub(crate) type Opened = BTreeMap<Digest, Option<BTreeSet<Digest>>>;

/// The contents that are objects of their own.
#[derive(Debug, Default)]
struct Inventory {
    manifests: BTreeSet<Digest>,
    blobs: BTreeSet<Digest>,
}

/// A step of a ref.
struct Step {
    name: RefName,
    generation: u64,
    /// What its release may be without: all, if a collection may have taken it.
    needs: Needs,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Needs {
    Everything,
    Nothing,
}

/// How many small objects are read at once.
const AT_ONCE: usize = 8;
/// How many packs, each of which is in memory whole.
const PACKS_AT_ONCE: usize = 3;
/// So many missing steps of one ref are told.
const MOST_GAPS: usize = 100;

impl Store {
    /// Follows all refs. Of the steps that every collection has kept, all must be there; what is left of older
    /// ones is followed as far as that goes.
    pub(crate) fn trace(&self, keep: Keep) -> Result<Reached, Error> {
        let (steps, faults) = self.kept(keep)?;
        // After the steps, so that what they refer to is among it.
        let mut tracer = Tracer::new(self, self.inventory()?);
        tracer.reached.faults = faults;
        let read = parallel::each(&steps, AT_ONCE, |step| self.step_at(&step.key()));
        for (step, read) in steps.iter().zip(read) {
            let deployment = tracer.found(&step.key(), "the store", read)?;
            if let Some(release) = deployment.and_then(|deployment| deployment.release) {
                tracer.step(step, &release)?;
            }
        }
        Ok(tracer.reached)
    }

    /// The steps that count, those first of which all must be there; and what is missing among them.
    fn kept(&self, keep: Keep) -> Result<(Vec<Step>, Vec<Fault>), Error> {
        let (mut steps, mut faults) = (Vec::new(), Vec::new());
        let horizons = self.horizons()?;
        for (name, there) in self.steps()? {
            let newest = there.last().copied().unwrap_or_default();
            let oldest = keep.oldest(newest);
            let horizon = horizons.get(&name).copied().unwrap_or(1).min(newest);
            faults.extend(gaps(&name, &there, oldest..=newest));
            steps.extend(there.range(oldest..).map(|generation| Step {
                name: name.clone(),
                generation: *generation,
                needs: match *generation < horizon {
                    true => Needs::Nothing,
                    false => Needs::Everything,
                },
            }));
        }
        // What both need is a fault, and is noted where it is met first.
        steps.sort_by_key(|step| step.needs == Needs::Nothing);
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
    inventory: Inventory,
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

/// A manifest, and what it refers to, which is still to be followed.
type Waiting = (Digest, BTreeSet<Digest>);

/// Where something is that is referred to.
enum Located {
    /// It is there, and refers to nothing that could be followed.
    Content,
    Manifest(Waiting),
    Nowhere,
}

/// Where the contents of one release are.
#[derive(Default)]
struct Locations {
    packs: BTreeMap<Digest, Digest>,
    /// Whether a pack or a manifest cannot be had: that is the fault then, not all that may be in it.
    is_partial: bool,
}

impl<'a> Tracer<'a> {
    fn new(store: &'a Store, inventory: Inventory) -> Self {
        let (reached, packs, manifests) = Default::default();
        Self { store, inventory, reached, packs, manifests }
    }

    /// Follows the release of a step.
    fn step(&mut self, step: &Step, release: &Digest) -> Result<(), Error> {
        let is_there = self.inventory.manifests.contains(release);
        if step.needs == Needs::Nothing {
            let faults = (self.reached.faults.len(), self.reached.uncertain.len());
            if !(is_there && self.release(release)?) {
                self.reached.past.push((step.name.clone(), step.generation));
            }
            self.reached.faults.truncate(faults.0);
            self.reached.uncertain.truncate(faults.1);
        } else if is_there {
            self.release(release)?;
        } else {
            let by = format!("{}, generation {}", step.name, step.generation);
            self.lose(release, by, vec![store::manifest_key(release)]);
        }
        Ok(())
    }

    /// Follows a manifest that is an object of its own, and tells whether all of it is there. Each release is
    /// followed by itself, since what is in the packs of one need not be in those of another.
    fn release(&mut self, release: &Digest) -> Result<bool, Error> {
        let mut places = Locations::default();
        let mut seen = BTreeSet::from([*release]);
        self.reached.digests.insert(*release);
        let mut waiting = Vec::from_iter(self.alone(release, &mut places)?);
        // What is in no pack that is known yet may be in one that a manifest names which comes later.
        let mut elsewhere: Vec<(Digest, Digest)> = Vec::new();
        loop {
            while let Some((by, references)) = waiting.pop() {
                for digest in references.into_iter().filter(|digest| seen.insert(*digest)) {
                    self.reached.digests.insert(digest);
                    match self.follow(&digest, &mut places)? {
                        Located::Content => {}
                        Located::Manifest(found) => waiting.push(found),
                        Located::Nowhere => elsewhere.push((by, digest)),
                    }
                }
            }
            let (found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut elsewhere)
                .into_iter()
                .partition(|(_, digest)| places.packs.contains_key(digest));
            elsewhere = rest;
            if found.is_empty() {
                break;
            }
            for (_, digest) in found {
                if let Located::Manifest(found) = self.follow(&digest, &mut places)? {
                    waiting.push(found);
                }
            }
        }
        let is_whole = elsewhere.is_empty() && !places.is_partial;
        for (by, digest) in elsewhere {
            let keys = vec![store::blob_key(&digest), store::manifest_key(&digest)];
            self.miss(&digest, by.to_string(), keys, places.is_partial);
        }
        Ok(is_whole)
    }

    /// Where a content is, as far as is known by now.
    fn follow(&mut self, digest: &Digest, places: &mut Locations) -> Result<Located, Error> {
        if let Some(pack) = places.packs.get(digest) {
            let opened = self.packs.get(pack).and_then(Option::as_ref);
            let inner = opened.and_then(|opened| opened.get(digest)?.clone());
            return Ok(inner.map_or(Located::Content, |inner| Located::Manifest((*digest, inner))));
        }
        if self.inventory.manifests.contains(digest) {
            // Somebody may have put the bytes of a manifest as a blob, too: what it refers to counts.
            let found = self.alone(digest, places)?;
            return Ok(found.map_or(Located::Content, Located::Manifest));
        }
        match self.inventory.blobs.contains(digest) {
            true => Ok(Located::Content),
            false => Ok(Located::Nowhere),
        }
    }

    /// A manifest that is an object of its own, and what it refers to; its packs count from then on.
    fn alone(&mut self, digest: &Digest, places: &mut Locations) -> Result<Option<Waiting>, Error> {
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
            self.reached.packs.insert(*pack);
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
        self.miss(digest, by, keys, false);
    }

    fn miss(&mut self, digest: &Digest, by: String, keys: Vec<Key>, is_uncertain: bool) {
        self.reached.digests.insert(*digest);
        let error = ErrorKind::Lost { digest: *digest, by }.into();
        let faults = match is_uncertain {
            true => &mut self.reached.uncertain,
            false => &mut self.reached.faults,
        };
        faults.push(Fault { keys, error });
    }
}

impl Reached {
    /// All of it must be there.
    pub(crate) fn complete(mut self) -> Result<Self, Error> {
        self.faults.append(&mut self.uncertain);
        match self.faults.is_empty() {
            true => Ok(self),
            false => Err(self.faults.swap_remove(0).error),
        }
    }

    /// Whether an object, by its key, must stay: what is no content of the store is not for it to remove.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        match digest_of(key) {
            Some(("packs", digest)) => self.packs.contains(&digest),
            Some((_, digest)) => self.digests.contains(&digest),
            None => true,
        }
    }
}

/// The folder and the digest that the key of a content says.
pub(crate) fn digest_of(key: &Key) -> Option<(&str, Digest)> {
    let mut parts = key.as_str().split('/');
    let (folder, start, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digest: Digest = format!("{start}{rest}").parse().ok()?;
    let is_folder = matches!(folder, "blobs" | "packs" | "manifests");
    (is_folder && *key == store::key(folder, &digest)).then_some((folder, digest))
}
