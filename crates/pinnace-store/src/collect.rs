//! Removing what nothing refers to any more.

use std::collections::BTreeSet;

use crate::{
    Condition, Error, Finished, Keep, Key, Listed, RefName, Store,
    condemned::{List, Sentence},
    refs::Steps,
    trace::{Reached, digest_of},
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

/// How long a collection that is heard nothing of is left in peace, in seconds; it is then taken for killed.
const PATIENCE: u64 = 300;
/// After so many removals a collection says that it is alive.
const BREATH: usize = 20;

impl Store {
    /// Removes what cannot be reached from the steps of refs that are kept, in two phases: what
    /// nothing refers to and nobody wrote for `grace` seconds is condemned, and what was condemned that
    /// long ago by an earlier collection, and is as it was, is removed. All times are the backend's.
    ///
    /// Writers need not stop, as long as none takes longer than `grace` from
    /// [asking what is lacking](Store::lacking) to publishing, nor other collections. One that was killed is
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
        for (name, steps) in self.steps()? {
            self.say_what_is_kept(&name, &steps, keep)?;
        }
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
        Ok(collection.collected)
    }

    /// From here on releases of older steps may be missed.
    fn say_what_is_kept(&self, name: &RefName, steps: &Steps, keep: Keep) -> Result<(), Error> {
        let oldest = keep.oldest(steps.newest());
        if oldest > steps.horizon().max(1) {
            let write = || self.write(&name.kept(oldest), b"", Condition::Always);
            self.relieving(write)?;
        }
        let horizon = steps.horizon().max(oldest);
        let older = steps.kept.iter().filter(|generation| **generation < horizon);
        older.into_iter().try_for_each(|generation| self.backend.remove(&name.kept(*generation)))
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
            match self.store.readable(&list)? {
                // Nobody can execute it; what was in it is condemned anew.
                None => self.forget(&list)?,
                Some(sentence) if self.claim(&list)? => self.remove_all(&list, sentence)?,
                Some(sentence) => self.waiting.extend(sentence.into_keys()),
            }
        }
        Ok(())
    }

    /// Marks a list that is due, if nobody else executes it. From there on nobody may count on what is in it:
    /// see `hold`.
    fn claim(&self, list: &List) -> Result<bool, Error> {
        let heard = list.marks.values().max();
        let is_taken = heard.is_some_and(|written| written.saturating_add(PATIENCE) > self.now);
        if is_taken {
            return Ok(false);
        }
        if list.written.saturating_add(self.grace) > self.now {
            // Whoever was killed at it had less patience with writers.
            self.unmark(list)?;
            return Ok(false);
        }
        let mark = list.mark(list.next());
        let write = || self.store.write(&mark, b"", Condition::Absent);
        if self.store.relieving(write)? == Finished::Refused {
            return Ok(false);
        }
        // It goes before its marks do: whoever comes after that has nothing to do.
        let is_there = self.store.backend.head(&list.key)?.is_some();
        if !is_there {
            self.store.backend.remove(&mark)?;
        }
        Ok(is_there)
    }

    fn remove_all(&mut self, list: &List, sentence: Sentence) -> Result<(), Error> {
        let own = list.next();
        for (number, (key, written)) in sentence.into_iter().enumerate() {
            if number % BREATH == BREATH - 1 && !self.breathe(list, own)? {
                return Ok(());
            }
            self.remove(&key, written)?;
        }
        self.forget(list)?;
        self.store.backend.remove(&list.mark(own))
    }

    /// Says that this collection is alive; `false` if another took it for dead, and took over.
    fn breathe(&self, list: &List, own: u64) -> Result<bool, Error> {
        let (lists, _) = self.store.lists()?;
        let there = lists.iter().find(|one| one.key == list.key);
        if there.is_none_or(|one| one.marks.keys().any(|number| *number > own)) {
            return Ok(false);
        }
        self.store.write(&list.mark(own), b"", Condition::Always).map(|_| true)
    }

    fn forget(&self, list: &List) -> Result<(), Error> {
        self.store.backend.remove(&list.key)?;
        self.unmark(list)
    }

    fn unmark(&self, list: &List) -> Result<(), Error> {
        list.marks.keys().try_for_each(|number| self.store.backend.remove(&list.mark(*number)))
    }

    /// Removes an object that is as it was, and that nothing refers to.
    fn remove(&mut self, key: &Key, written: u64) -> Result<(), Error> {
        let backend = &self.store.backend;
        let unchanged = backend.head(key)?.filter(|meta| meta.modified == written);
        let Some(meta) = unchanged.filter(|_| !self.reached.holds(key)) else { return Ok(()) };
        backend.remove(key)?;
        self.collected.removed += 1;
        self.collected.removed_bytes += meta.size;
        Ok(())
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
