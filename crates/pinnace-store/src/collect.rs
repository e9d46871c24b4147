//! Removing what nothing refers to any more.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::{Condition, Digest, Error, Keep, Key, Listed, Store, trace::Reached};

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

/// An object that is to be removed, if nothing changes: as it was when it was condemned.
type Sentence = BTreeMap<Key, u64>;

/// What a list of condemned objects begins with.
const HEAD: &str = "pinnace-condemned 1";
/// How the key of what marks a list as being executed ends.
const MARKED: &str = "-now";
/// No list is larger.
const LARGEST: u64 = 256 << 20;

impl Store {
    /// Removes what cannot be reached from the steps of refs that are kept, in two phases: what
    /// nothing refers to and nobody wrote for `grace` seconds is condemned, and what was condemned that
    /// long ago by an earlier collection, and is as it was, is removed. All times are the backend's.
    ///
    /// Writers need not stop, as long as none takes longer than `grace` from
    /// [asking what is lacking](Store::lacking) to publishing. A collection that was killed is made
    /// good by the next.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`](crate::ErrorKind::Lost) if something that is referred to is not there:
    /// nothing is removed from a store that is not whole. Or if the backend fails.
    pub fn collect(&self, keep: Keep, grace: u64) -> Result<Collected, Error> {
        let now = self.backend.now()?;
        let reached = self.trace(keep)?.complete()?;
        let mut collected = Collected {
            swept: self.backend.sweep(now.saturating_sub(grace))?,
            ..Default::default()
        };
        let waiting = self.execute(&reached, now, grace, &mut collected)?;
        self.condemn(&reached, now, grace, waiting, &mut collected)?;
        Ok(collected)
    }

    /// What earlier collections have condemned.
    pub(crate) fn condemned(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for (list, _) in self.sentences()? {
            keys.extend(self.sentence(&list)?.into_keys());
        }
        Ok(keys)
    }

    /// Removes what is due, and returns what is not yet.
    fn execute(
        &self,
        reached: &Reached,
        now: u64,
        grace: u64,
        collected: &mut Collected,
    ) -> Result<BTreeSet<Key>, Error> {
        let mut waiting = BTreeSet::new();
        for (list, condemned_at) in self.sentences()? {
            let sentence = self.sentence(&list)?;
            if condemned_at.saturating_add(grace) > now {
                waiting.extend(sentence.into_keys());
                continue;
            }
            // From here on nobody may count on what is in the list: see `hold`.
            self.write(&marker(&list), b"", Condition::Always)?;
            // A release leaves before what it refers to.
            let (first, then): (Sentence, Sentence) =
                sentence.into_iter().partition(|(key, _)| key.as_str().starts_with("manifests/"));
            for (key, modified) in first.into_iter().chain(then) {
                let unchanged = self.backend.head(&key)?.filter(|meta| meta.modified == modified);
                if let Some(meta) = unchanged.filter(|_| !reached.holds(&key)) {
                    self.backend.remove(&key)?;
                    collected.removed += 1;
                    collected.removed_bytes += meta.size;
                }
            }
            self.backend.remove(&list)?;
            self.backend.remove(&marker(&list))?;
        }
        Ok(waiting)
    }

    /// What a collection is removing at this moment, or was when it was killed.
    pub(crate) fn leaving(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        let lists: Vec<Key> = self.sentences()?.into_iter().map(|(list, _)| list).collect();
        for list in lists {
            if self.backend.head(&marker(&list))?.is_some() {
                keys.extend(self.sentence(&list)?.into_keys());
            }
        }
        Ok(keys)
    }

    fn condemn(
        &self,
        reached: &Reached,
        now: u64,
        grace: u64,
        waiting: BTreeSet<Key>,
        collected: &mut Collected,
    ) -> Result<(), Error> {
        let mut sentence = Sentence::new();
        for folder in ["blobs", "manifests", "packs"] {
            self.each(folder, |Listed { key, meta }| {
                if reached.holds(&key) {
                    collected.live += 1;
                } else if waiting.contains(&key) {
                    collected.condemned += 1;
                } else if meta.modified.saturating_add(grace) > now {
                    collected.young += 1;
                } else {
                    collected.condemned += 1;
                    sentence.insert(key, meta.modified);
                }
                Ok(())
            })?;
        }
        if sentence.is_empty() {
            return Ok(());
        }
        let lines = sentence.iter().map(|(key, modified)| format!("{modified} {key}\n"));
        let text = format!("{HEAD}\n{}", lines.collect::<String>());
        let digest = Digest::new(Sha256::digest(text.as_bytes()).into()).to_hex();
        let list = Key::of(format!("condemned/{now:020}-{}", &digest[..16]));
        self.write(&list, text.as_bytes(), Condition::Always).map(drop)
    }

    /// The lists of condemned objects, and when each was written down.
    fn sentences(&self) -> Result<Vec<(Key, u64)>, Error> {
        let mut lists = Vec::new();
        self.each("condemned", |listed| {
            if !listed.key.as_str().ends_with(MARKED) {
                lists.push((listed.key, listed.meta.modified));
            }
            Ok(())
        })?;
        Ok(lists)
    }

    fn sentence(&self, list: &Key) -> Result<Sentence, Error> {
        // Another collection may have removed it.
        let Some(bytes) = self.object(list, LARGEST)? else { return Ok(Sentence::new()) };
        let malformed =
            || Error::malformed(list, &"it is no list of condemned objects of format 1");
        let text = String::from_utf8(bytes).map_err(|_| malformed())?;
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return Err(malformed());
        }
        let read = |line: &str| {
            let (modified, key) = line.split_once(' ')?;
            Some((key.parse().ok()?, modified.parse().ok()?))
        };
        lines.map(|line| read(line).ok_or_else(malformed)).collect()
    }
}

fn marker(list: &Key) -> Key {
    Key::of(format!("{list}{MARKED}"))
}
