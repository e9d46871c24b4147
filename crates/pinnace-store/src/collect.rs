//! Garbage collection: removes objects that nothing refers to.

use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    Error, Keep, Key, Listed, PutMode, PutResult, Store,
    content_key::digest_of,
    mark::Reached,
    tombstones::{COLLECTION_TIMEOUT, Entries, List},
};

/// The result of a garbage collection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Collected {
    /// Number of objects that are referred to.
    pub live: usize,
    /// Number of unreferenced objects that are too young for a tombstone.
    pub young: usize,
    /// Number of objects with a tombstone, new or old, whose grace period still runs.
    pub tombstoned: usize,
    /// Number of objects removed.
    pub removed: usize,
    /// Number of bytes in the removed objects.
    pub removed_bytes: u64,
    /// Number of unfinished objects that were removed because their writers are gone.
    pub swept: usize,
}

/// The interval between heartbeats of a collection: several fit in before it counts as dead.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The time without a heartbeat after which a collection stops, since others may count it as dead.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(COLLECTION_TIMEOUT / 2);

impl Store {
    /// Removes objects that no kept deployment of a ref reaches, in two phases. An unreferenced
    /// object that was not written for `grace` seconds gets a tombstone. An object that got its
    /// tombstone that long ago, from an earlier collection, and is unchanged since, is removed. All
    /// times are the backend's.
    ///
    /// Writers need not stop, as long as none takes longer than `grace` from [asking what is
    /// missing](Store::missing) to publishing; nor do other collections. A later collection
    /// finishes the work of one that was killed. On a full disk, a collection uses the reserve of a
    /// [`LocalStore`](crate::LocalStore).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lost`](crate::ErrorKind::Lost), or another error that names the object,
    /// if a referenced object cannot be read: nothing is removed from an incomplete store. Also
    /// returns an error if the backend fails.
    pub fn collect(&self, keep: Keep, grace: u64) -> Result<Collected, Error> {
        let now = self.with_reserve(|| self.backend.now())?;
        let reached = self.trace(keep)?.complete()?;
        // From here on, releases of older deployments may be missing.
        self.keep(keep)?;
        let swept = self.backend.sweep(now.saturating_sub(grace))?;
        let mut collection = Collection {
            store: self,
            reached,
            now,
            grace,
            waiting: BTreeSet::new(),
            collected: Collected { swept, ..Default::default() },
        };
        collection.execute()?;
        collection.write_tombstones()?;
        self.backend.refill_reserve();
        Ok(collection.collected)
    }
}

/// A tombstone list that this collection executes.
struct Claim<'l> {
    list: &'l List,
    /// The number of its mark.
    number: u64,
    /// The time of the last heartbeat.
    last_heartbeat: Cell<Instant>,
}

impl Claim<'_> {
    fn mark(&self) -> Key {
        self.list.mark(self.number)
    }
}

struct Collection<'a> {
    store: &'a Store,
    reached: Reached,
    now: u64,
    grace: u64,
    /// Objects with a tombstone whose grace period still runs.
    waiting: BTreeSet<Key>,
    collected: Collected,
}

impl Collection<'_> {
    /// Removes the objects of the tombstone lists that are due.
    fn execute(&mut self) -> Result<(), Error> {
        let (lists, left) = self.store.lists()?;
        left.iter().try_for_each(|mark| self.store.backend.remove(mark))?;
        for list in lists {
            let entries = self.store.readable(&list)?;
            // Following all refs may have taken a while, and other collections write heartbeats
            // meanwhile.
            if list.is_taken(self.store.with_reserve(|| self.store.backend.now())?) {
                self.waiting.extend(entries.unwrap_or_default().into_keys());
                continue;
            }
            match entries {
                // A damaged list cannot be executed; its objects get new tombstones.
                None => self.forget(&list)?,
                Some(entries) => match self.claim(&list)? {
                    Some(claim) => self.remove_all(&claim, entries)?,
                    None => self.waiting.extend(entries.into_keys()),
                },
            }
        }
        Ok(())
    }

    /// Marks a due tombstone list, unless another collection does. From then on no writer may count
    /// on its objects: see `hold`.
    fn claim<'l>(&self, list: &'l List) -> Result<Option<Claim<'l>>, Error> {
        if list.written.saturating_add(self.grace) > self.now {
            // The collection that was killed at this list had a shorter grace period.
            self.unmark(list)?;
            return Ok(None);
        }
        let claim = Claim { list, number: list.next(), last_heartbeat: Cell::new(Instant::now()) };
        let write = || self.store.write(&claim.mark(), b"", PutMode::Create);
        if self.store.with_reserve(write)? == PutResult::AlreadyExists {
            return Ok(None);
        }
        // A list is removed before its marks: a collection that comes after that has nothing to do.
        let is_there = self.store.backend.head(&list.key)?.is_some();
        if !is_there {
            self.store.backend.remove(&claim.mark())?;
        }
        Ok(is_there.then_some(claim))
    }

    fn remove_all(&mut self, claim: &Claim<'_>, entries: Entries) -> Result<(), Error> {
        for (key, written) in entries {
            if !self.remove(&key, written, claim)? {
                return Ok(());
            }
        }
        // A list that another collection took over is left to it.
        if self.heartbeat(claim)? {
            self.forget(claim.list)?;
            self.store.backend.remove(&claim.mark())?;
        }
        Ok(())
    }

    /// Writes a heartbeat. Returns `false` if the last one is too long ago, or another collection
    /// took over.
    fn heartbeat(&self, claim: &Claim<'_>) -> Result<bool, Error> {
        if claim.last_heartbeat.get().elapsed() > HEARTBEAT_TIMEOUT {
            return Ok(false);
        }
        let (lists, _) = self.store.lists()?;
        let there = lists.iter().find(|list| list.key == claim.list.key);
        if there.is_none_or(|list| list.marks.keys().any(|number| *number > claim.number)) {
            return Ok(false);
        }
        self.store.write(&claim.mark(), b"", PutMode::Overwrite)?;
        claim.last_heartbeat.set(Instant::now());
        Ok(true)
    }

    fn forget(&self, list: &List) -> Result<(), Error> {
        self.store.backend.remove(&list.key)?;
        self.unmark(list)
    }

    fn unmark(&self, list: &List) -> Result<(), Error> {
        list.marks.keys().try_for_each(|number| self.store.backend.remove(&list.mark(*number)))
    }

    /// Removes an object that is unchanged and unreferenced. Returns `false` if the collection must
    /// stop.
    fn remove(&mut self, key: &Key, written: u64, claim: &Claim<'_>) -> Result<bool, Error> {
        if claim.last_heartbeat.get().elapsed() > HEARTBEAT && !self.heartbeat(claim)? {
            return Ok(false);
        }
        let backend = &self.store.backend;
        let unchanged = backend.head(key)?.filter(|meta| meta.modified == written);
        let Some(meta) = unchanged.filter(|_| !self.reached.holds(key)) else { return Ok(true) };
        if claim.last_heartbeat.get().elapsed() > HEARTBEAT_TIMEOUT {
            return Ok(false);
        }
        backend.remove(key)?;
        self.collected.removed += 1;
        self.collected.removed_bytes += meta.size;
        Ok(true)
    }

    /// Puts tombstones on unreferenced objects, the largest first.
    fn write_tombstones(&mut self) -> Result<(), Error> {
        let mut entries = Vec::new();
        let Self { store, reached, now, grace, waiting, collected } = self;
        for folder in ["blobs", "manifests", "packs"] {
            store.each(folder, |Listed { key, meta }| {
                if digest_of(&key).is_none() {
                    // Foreign objects are ignored.
                } else if reached.holds(&key) {
                    collected.live += 1;
                } else if waiting.contains(&key) {
                    collected.tombstoned += 1;
                } else if meta.modified.saturating_add(*grace) > *now {
                    collected.young += 1;
                } else {
                    entries.push((meta.size, key, meta.modified));
                }
                Ok(())
            })?;
        }
        entries.sort_by(|left, right| right.cmp(left));
        let entries: Vec<(Key, u64)> =
            entries.into_iter().map(|(_, key, written)| (key, written)).collect();
        self.collected.tombstoned += self.store.write_lists(self.now, &entries)?;
        Ok(())
    }
}
