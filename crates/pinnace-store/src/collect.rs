//! Removing what nothing refers to any more.

use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{
    Error, Keep, Key, Listed, PutMode, PutResult, Store,
    mark::{Reached, digest_of},
    tombstones::{Entries, List, PATIENCE},
};

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Collected {
    /// Objects that something refers to.
    pub live: usize,
    /// Objects that nothing refers to, and that are too young to be condemned.
    pub young: usize,
    /// Objects that were condemned now, or before, and have their grace still.
    pub condemned: usize,
    /// Objects that were removed.
    pub removed: usize,
    /// How many bytes these had.
    pub removed_bytes: u64,
    /// Unfinished objects of writers that are gone.
    pub swept: usize,
}

/// So often a collection says that it is alive: several times before it is taken for killed.
const BREATH: Duration = Duration::from_secs(30);
/// One that could not say so for so long may have been taken for killed, and stops.
const SILENCE: Duration = Duration::from_secs(PATIENCE / 2);

impl Store {
    /// Removes what cannot be reached from the steps of refs that are kept, in two phases: what
    /// nothing refers to and nobody wrote for `grace` seconds is condemned, and what was condemned that
    /// long ago by an earlier collection, and is as it was, is removed. All times are the backend's.
    ///
    /// Writers need not stop, as long as none takes longer than `grace` from
    /// [asking what is missing](Store::missing) to publishing, nor other collections. One that was killed is
    /// made good by a later one. Where there is no room left at all, it gets by with what a
    /// [`LocalStore`](crate::LocalStore) holds in reserve.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`](crate::ErrorKind::Lost), or another with the object, if something that is referred to
    /// cannot be had: nothing is removed from a store that is not whole. Or if the backend fails.
    pub fn collect(&self, keep: Keep, grace: u64) -> Result<Collected, Error> {
        let now = self.relieving(|| self.backend.now())?;
        let reached = self.trace(keep)?.complete()?;
        // From here on releases of older steps may be missed.
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
        collection.condemn()?;
        self.backend.refill_reserve();
        Ok(collection.collected)
    }
}

/// A list that this collection executes.
struct Claim<'l> {
    list: &'l List,
    /// Its mark.
    number: u64,
    /// When it was last said that this collection is alive.
    breathed: Cell<Instant>,
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
    /// What was condemned, and has its grace still.
    waiting: BTreeSet<Key>,
    collected: Collected,
}

impl Collection<'_> {
    /// Removes what is due.
    fn execute(&mut self) -> Result<(), Error> {
        let (lists, left) = self.store.lists()?;
        left.iter().try_for_each(|mark| self.store.backend.remove(mark))?;
        for list in lists {
            let sentence = self.store.readable(&list)?;
            // Following all refs may have taken a while, and others say what time it is as they go on.
            if list.is_taken(self.store.relieving(|| self.store.backend.now())?) {
                self.waiting.extend(sentence.unwrap_or_default().into_keys());
                continue;
            }
            match sentence {
                // Nobody can execute it; what was in it is condemned anew.
                None => self.forget(&list)?,
                Some(sentence) => match self.claim(&list)? {
                    Some(claim) => self.remove_all(&claim, sentence)?,
                    None => self.waiting.extend(sentence.into_keys()),
                },
            }
        }
        Ok(())
    }

    /// Marks a list that is due, if nobody else does. From there on nobody may count on what is in it: see
    /// `hold`.
    fn claim<'l>(&self, list: &'l List) -> Result<Option<Claim<'l>>, Error> {
        if list.written.saturating_add(self.grace) > self.now {
            // Whoever was killed at it had less patience with writers.
            self.unmark(list)?;
            return Ok(None);
        }
        let claim = Claim { list, number: list.next(), breathed: Cell::new(Instant::now()) };
        let write = || self.store.write(&claim.mark(), b"", PutMode::Create);
        if self.store.relieving(write)? == PutResult::AlreadyExists {
            return Ok(None);
        }
        // It goes before its marks do: whoever comes after that has nothing to do.
        let is_there = self.store.backend.head(&list.key)?.is_some();
        if !is_there {
            self.store.backend.remove(&claim.mark())?;
        }
        Ok(is_there.then_some(claim))
    }

    fn remove_all(&mut self, claim: &Claim<'_>, sentence: Entries) -> Result<(), Error> {
        for (key, written) in sentence {
            if !self.remove(&key, written, claim)? {
                return Ok(());
            }
        }
        // The list is not taken from whoever took over.
        if self.breathe(claim)? {
            self.forget(claim.list)?;
            self.store.backend.remove(&claim.mark())?;
        }
        Ok(())
    }

    /// Says that this collection is alive; `false` if it was silent for too long, or another took over.
    fn breathe(&self, claim: &Claim<'_>) -> Result<bool, Error> {
        if claim.breathed.get().elapsed() > SILENCE {
            return Ok(false);
        }
        let (lists, _) = self.store.lists()?;
        let there = lists.iter().find(|one| one.key == claim.list.key);
        if there.is_none_or(|one| one.marks.keys().any(|number| *number > claim.number)) {
            return Ok(false);
        }
        self.store.write(&claim.mark(), b"", PutMode::Overwrite)?;
        claim.breathed.set(Instant::now());
        Ok(true)
    }

    fn forget(&self, list: &List) -> Result<(), Error> {
        self.store.backend.remove(&list.key)?;
        self.unmark(list)
    }

    fn unmark(&self, list: &List) -> Result<(), Error> {
        list.marks.keys().try_for_each(|number| self.store.backend.remove(&list.mark(*number)))
    }

    /// Removes an object that is as it was, and that nothing refers to; `false` if there must be no more of that.
    fn remove(&mut self, key: &Key, written: u64, claim: &Claim<'_>) -> Result<bool, Error> {
        if claim.breathed.get().elapsed() > BREATH && !self.breathe(claim)? {
            return Ok(false);
        }
        let backend = &self.store.backend;
        let unchanged = backend.head(key)?.filter(|meta| meta.modified == written);
        let Some(meta) = unchanged.filter(|_| !self.reached.holds(key)) else { return Ok(true) };
        if claim.breathed.get().elapsed() > SILENCE {
            return Ok(false);
        }
        backend.remove(key)?;
        self.collected.removed += 1;
        self.collected.removed_bytes += meta.size;
        Ok(true)
    }

    /// Condemns what nothing refers to, the largest first.
    fn condemn(&mut self) -> Result<(), Error> {
        let mut sentence = Vec::new();
        let Self { store, reached, now, grace, waiting, collected } = self;
        for folder in ["blobs", "manifests", "packs"] {
            store.each(folder, |Listed { key, meta }| {
                if digest_of(&key).is_none() {
                    // What others put there is none of ours.
                } else if reached.holds(&key) {
                    collected.live += 1;
                } else if waiting.contains(&key) {
                    collected.condemned += 1;
                } else if meta.modified.saturating_add(*grace) > *now {
                    collected.young += 1;
                } else {
                    sentence.push((meta.size, key, meta.modified));
                }
                Ok(())
            })?;
        }
        sentence.sort_by(|one, other| other.cmp(one));
        let sentence: Vec<(Key, u64)> =
            sentence.into_iter().map(|(_, key, written)| (key, written)).collect();
        self.collected.condemned += self.store.write_lists(self.now, &sentence)?;
        Ok(())
    }
}
