//! Removing what nothing refers to any more.

use std::collections::BTreeSet;

use crate::{
    Condition, Digest, Error, Keep, Key, Listed, Store,
    condemned::{List, Sentence},
    store::manifest_key,
    trace::Reached,
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

impl Store {
    /// Removes what cannot be reached from the steps of refs that are kept, in two phases: what
    /// nothing refers to and nobody wrote for `grace` seconds is condemned, and what was condemned that
    /// long ago by an earlier collection, and is as it was, is removed. All times are the backend's. A manifest
    /// that is still there keeps what it refers to.
    ///
    /// Writers need not stop, as long as none takes longer than `grace` from
    /// [asking what is lacking](Store::lacking) to publishing. A collection that was killed is made
    /// good by the next. Where there is no room left at all, it gets by with what a
    /// [`LocalStore`](crate::LocalStore) holds in reserve.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`](crate::ErrorKind::Lost), or another with the object, if something that is referred to
    /// cannot be had: nothing is removed from a store that is not whole. Or if the backend fails.
    pub fn collect(&self, keep: Keep, grace: u64) -> Result<Collected, Error> {
        let now = self.backend.now()?;
        let reached = self.trace(keep)?.complete()?;
        let swept = self.backend.sweep(now.saturating_sub(grace))?;
        let mut collection = Collection {
            store: self,
            reached,
            protected: Reached::default(),
            now,
            grace,
            waiting: BTreeSet::new(),
            collected: Collected { swept, ..Default::default() },
        };
        collection.execute()?;
        collection.condemn()?;
        Ok(collection.collected)
    }
}

struct Collection<'a> {
    store: &'a Store,
    reached: Reached,
    /// What manifests refer to that nothing refers to, and that are there still.
    protected: Reached,
    now: u64,
    grace: u64,
    /// What was condemned, and has its grace still.
    waiting: BTreeSet<Key>,
    collected: Collected,
}

impl Collection<'_> {
    /// Removes what is due.
    fn execute(&mut self) -> Result<(), Error> {
        let due = self.due()?;
        // From here on nobody may count on what is in these lists: see `hold`.
        for (list, _) in &due {
            self.store.write(&list.mark(), b"", Condition::Always)?;
        }
        let is_manifest = |key: &Key| key.as_str().starts_with("manifests/");
        let mut removed = BTreeSet::new();
        for (_, sentence) in &due {
            for (key, written) in sentence.iter().filter(|(key, _)| is_manifest(key)) {
                if self.remove(key, *written)? {
                    removed.insert(key.clone());
                }
            }
        }
        if !due.is_empty() {
            self.protect(&removed)?;
        }
        for (list, sentence) in &due {
            for (key, written) in sentence.iter().filter(|(key, _)| !is_manifest(key)) {
                self.remove(key, *written)?;
            }
            self.store.backend.remove(&list.key)?;
            self.store.backend.remove(&list.mark())?;
        }
        let left = self.store.marks_left()?;
        left.iter().try_for_each(|mark| self.store.backend.remove(mark))
    }

    /// The lists whose grace is over.
    fn due(&mut self) -> Result<Vec<(List, Sentence)>, Error> {
        let mut due = Vec::new();
        for list in self.store.lists()? {
            let sentence = self.store.readable(&list)?;
            match sentence {
                // Nobody can execute it; what was in it is condemned anew.
                None => {
                    self.store.backend.remove(&list.key)?;
                    self.store.backend.remove(&list.mark())?;
                }
                Some(sentence) if list.written.saturating_add(self.grace) > self.now => {
                    self.waiting.extend(sentence.into_keys());
                }
                Some(sentence) => due.push((list, sentence)),
            }
        }
        Ok(due)
    }

    /// What a manifest that stays refers to stays as long, although nothing live refers to either: so whatever
    /// manifest is there is whole.
    fn protect(&mut self, removed: &BTreeSet<Key>) -> Result<(), Error> {
        let Reached { digests, inventory, .. } = &self.reached;
        let stay = inventory.manifests.iter().filter(|digest| !digests.contains(digest));
        let stay: Vec<Digest> =
            stay.filter(|digest| !removed.contains(&manifest_key(digest))).copied().collect();
        let inventory = std::mem::take(&mut self.reached.inventory);
        self.protected = self.store.trace_releases(stay, inventory)?;
        Ok(())
    }

    /// Removes an object that is as it was, and that nothing refers to.
    fn remove(&mut self, key: &Key, written: u64) -> Result<bool, Error> {
        let backend = &self.store.backend;
        let unchanged = backend.head(key)?.filter(|meta| meta.modified == written);
        let is_held = self.reached.holds(key) || self.protected.holds(key);
        let Some(meta) = unchanged.filter(|_| !is_held) else { return Ok(false) };
        backend.remove(key)?;
        self.collected.removed += 1;
        self.collected.removed_bytes += meta.size;
        Ok(true)
    }

    /// Condemns what nothing refers to, the largest first.
    fn condemn(&mut self) -> Result<(), Error> {
        let mut sentence = Vec::new();
        let Self { store, reached, now, grace, waiting, collected, .. } = self;
        for folder in ["blobs", "manifests", "packs"] {
            store.each(folder, |Listed { key, meta }| {
                if reached.holds(&key) {
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
