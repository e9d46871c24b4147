//! Closure of a release: checks what it refers to before a ref points to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Digest, Error, ErrorKind, Key, Store,
    content_key::{blob_key, digest_of, manifest_key, pack_key},
};

impl Store {
    /// Checks that everything a release refers to is in the store, and stays: objects on a
    /// tombstone list are written again. Call it before [`Store::publish`].
    ///
    /// `live` is a release that a ref already points to. The objects that its manifest refers to
    /// directly, outside its packs, exist and stay, so they are not looked up again.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lost`] if an object is missing, a retryable error if a collection is
    /// removing one at this moment, or an error if the backend fails.
    pub fn hold(&self, release: &Digest, live: Option<&Digest>) -> Result<(), Error> {
        let mut closure = Closure::new(self, *release, self.known(live)?);
        closure.follow_all()?;
        self.save(&mut closure.keys, &closure.known)?;
        // An object that a collection removed meanwhile is on no tombstone list any more, and is
        // missing.
        let gone = self.backend.missing(&closure.keys)?;
        let gone = gone.first().and_then(digest_of);
        gone.map_or(Ok(()), |(_, digest)| Err(lost(&digest, &release.to_string())))
    }

    /// Returns the locations of everything that a release refers to, directly or through others.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lost`] if a manifest or a pack is missing, or an error if the backend
    /// fails.
    pub fn locations(&self, release: &Digest) -> Result<Locations, Error> {
        let mut closure = Closure::new(self, *release, BTreeSet::new());
        closure.follow_all()?;
        let alone = closure.keys.iter().filter_map(digest_of);
        let alone = alone.filter(|(folder, _)| *folder != "packs").map(|(_, digest)| digest);
        let packed = closure.packed.into_iter().map(|(digest, (pack, _))| (digest, pack));
        Ok(Locations { packed: packed.collect(), alone: alone.collect() })
    }

    /// Returns the digests that the store does not have as blobs, in their order. A blob on a
    /// tombstone list counts as missing: put it again, and it stays.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn missing(&self, digests: &[Digest]) -> Result<Vec<Digest>, Error> {
        let keys: Vec<Key> = digests.iter().map(blob_key).collect();
        let missing: BTreeSet<Key> = self.backend.missing(&keys)?.into_iter().collect();
        let tombstoned =
            if missing.len() == keys.len() { BTreeSet::new() } else { self.tombstoned_keys()? };
        let lacks = |digest: &&Digest| {
            let key = blob_key(digest);
            missing.contains(&key) || tombstoned.contains(&key)
        };
        Ok(digests.iter().filter(lacks).copied().collect())
    }

    /// Returns the digests on tombstone lists. A writer that is about to refer to one writes it
    /// again first.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn tombstoned(&self) -> Result<BTreeSet<Digest>, Error> {
        let keys = self.tombstoned_keys()?;
        Ok(keys.iter().filter_map(digest_of).map(|(_, digest)| digest).collect())
    }

    /// Returns the digests that the manifest of a live release refers to directly and that are in
    /// none of its packs. Another release that refers to them finds them in the same place.
    fn known(&self, live: Option<&Digest>) -> Result<BTreeSet<Digest>, Error> {
        let stored = live.map(|live| self.manifest(live)).transpose()?.flatten();
        let Some(stored) = stored else { return Ok(BTreeSet::new()) };
        let mut known = stored.manifest.references();
        for pack in &stored.packs {
            let opened = self.opened(pack)?.ok_or_else(|| lost(pack, "the live release"))?;
            known.retain(|digest| !opened.contains_key(digest));
        }
        Ok(known)
    }

    /// Writes objects on tombstone lists again: a collection does not remove an object that changed
    /// since. Objects of the live release are not on a list; if one is, the release was live
    /// elsewhere.
    fn save(&self, keys: &mut Vec<Key>, known: &BTreeSet<Digest>) -> Result<(), Error> {
        let tombstoned = self.tombstoned_keys()?;
        let is_known =
            |key: &&Key| digest_of(key).is_some_and(|(_, digest)| known.contains(&digest));
        keys.extend(tombstoned.iter().filter(is_known).cloned());
        for key in keys.iter().filter(|key| tombstoned.contains(key)) {
            // An object that is gone is reported as missing at the end.
            self.copy_from(self, key)?;
        }
        // A collection that looked at an object just before it was written again may remove it just
        // after. It marks its list first, so either this writer sees the mark or the collection
        // sees the new object.
        let leaving = self.leaving()?;
        match keys.iter().find(|key| leaving.contains(key)) {
            None => Ok(()),
            Some(key) => Err(ErrorKind::Backend {
                doing: "count on",
                key: key.to_string(),
                source: "a collection is removing it: try again in a few minutes".into(),
                is_retryable: true,
            }
            .into()),
        }
    }
}

/// The locations of the contents of a release.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Locations {
    /// Contents in packs, with the pack that holds each.
    pub packed: BTreeMap<Digest, Digest>,
    /// Contents that are objects of their own, the release among them.
    pub alone: BTreeSet<Digest>,
}

/// The closure of a release, as far as it was followed.
struct Closure<'a> {
    store: &'a Store,
    release: Digest,
    /// Contents of its packs: the pack of each and, for a manifest, its references.
    packed: BTreeMap<Digest, (Digest, Option<BTreeSet<Digest>>)>,
    /// Digests that are known to exist and to stay.
    known: BTreeSet<Digest>,
    /// Digests already followed.
    seen: BTreeSet<Digest>,
    /// Digests already looked up among the manifests.
    looked_for: BTreeSet<Digest>,
    /// The keys of the objects that hold the closure.
    keys: Vec<Key>,
}

impl<'a> Closure<'a> {
    fn new(store: &'a Store, release: Digest, known: BTreeSet<Digest>) -> Self {
        let (packed, seen, looked_for, keys) = Default::default();
        Self { store, release, packed, known, seen, looked_for, keys }
    }

    /// Opens a manifest that is an object of its own, and returns its references. Its packs count
    /// from then on.
    fn open(&mut self, digest: &Digest, by: &str) -> Result<BTreeSet<Digest>, Error> {
        let stored = self.store.manifest(digest)?.ok_or_else(|| lost(digest, by))?;
        self.keys.push(manifest_key(digest));
        for name in &stored.packs {
            let opened = self.store.opened(name)?.ok_or_else(|| lost(name, &digest.to_string()))?;
            let held = opened.into_iter().map(|(digest, inner)| (digest, (*name, inner)));
            self.packed.extend(held);
            self.keys.push(pack_key(name));
        }
        Ok(stored.manifest.references())
    }

    /// Follows all references, and records the objects that hold them.
    fn follow_all(&mut self) -> Result<(), Error> {
        let release = self.release;
        let mut waiting = vec![self.open(&release, "the caller")?];
        let mut alone = BTreeSet::new();
        while !waiting.is_empty() {
            alone.extend(self.follow(waiting));
            waiting = self.locate(&mut alone)?;
        }
        self.keys.extend(alone.iter().map(blob_key));
        Ok(())
    }

    /// Follows references through packs, and returns the digests that no known pack holds.
    fn follow(&mut self, mut waiting: Vec<BTreeSet<Digest>>) -> Vec<Digest> {
        let mut alone = Vec::new();
        while let Some(references) = waiting.pop() {
            for digest in references {
                if !self.seen.insert(digest) {
                    continue;
                }
                match self.packed.get(&digest) {
                    Some((_, inner)) => waiting.extend(inner.clone()),
                    None if self.known.contains(&digest) => {}
                    None => alone.push(digest),
                }
            }
        }
        alone
    }

    /// Removes from `alone` the manifests and the contents of their packs, and returns the
    /// references of those. Bytes stored both as a manifest and as a blob are a manifest: its
    /// references count.
    fn locate(&mut self, alone: &mut BTreeSet<Digest>) -> Result<Vec<BTreeSet<Digest>>, Error> {
        let new: Vec<Digest> =
            alone.iter().filter(|digest| !self.looked_for.contains(digest)).copied().collect();
        let keys: Vec<Key> = new.iter().map(manifest_key).collect();
        let missing: BTreeSet<Key> = self.store.backend.missing(&keys)?.into_iter().collect();
        let mut inner = Vec::new();
        for (digest, key) in new.iter().zip(&keys) {
            self.looked_for.insert(*digest);
            if !missing.contains(key) {
                alone.remove(digest);
                inner.push(self.open(digest, &self.release.to_string())?);
            }
        }
        for digest in alone.clone() {
            if let Some((_, references)) = self.packed.get(&digest) {
                alone.remove(&digest);
                inner.extend(references.clone());
            }
        }
        Ok(inner)
    }
}

fn lost(digest: &Digest, by: &str) -> Error {
    ErrorKind::Lost { digest: *digest, by: by.to_owned() }.into()
}
