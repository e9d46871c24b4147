//! Making sure of what a release refers to, before a ref points to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Digest, Error, ErrorKind, Key, Store,
    mark::digest_of,
    store::{blob_key, manifest_key, pack_key},
};

impl Store {
    /// Makes sure that everything which a release refers to is in the store, and stays: what a
    /// collection has condemned is written again. Call it before [`Store::publish`].
    ///
    /// `live` is a release that a ref points to: what it refers to by itself is there and stays, and so is
    /// not looked at again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`] with what is not there; a retryable one if a collection is removing something of it
    /// at this moment; or if the backend fails.
    pub fn hold(&self, release: &Digest, live: Option<&Digest>) -> Result<(), Error> {
        let mut holding = Holding::new(self, *release, self.known(live)?);
        holding.follow_all()?;
        self.save(&mut holding.keys, &holding.known)?;
        // What a collection took meanwhile is not condemned any more, and not there.
        let gone = self.backend.missing(&holding.keys)?;
        let gone = gone.first().and_then(digest_of);
        gone.map_or(Ok(()), |(_, digest)| Err(lost(&digest, &release.to_string())))
    }

    /// Where all is that a release refers to, directly or through others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`] with what is not there of manifests and packs; or if the backend fails.
    pub fn places(&self, release: &Digest) -> Result<Locations, Error> {
        let mut holding = Holding::new(self, *release, BTreeSet::new());
        holding.follow_all()?;
        let alone = holding.keys.iter().filter_map(digest_of);
        let alone = alone.filter(|(folder, _)| *folder != "packs").map(|(_, digest)| digest);
        let packed = holding.packed.into_iter().map(|(digest, (pack, _))| (digest, pack));
        Ok(Locations { packed: packed.collect(), alone: alone.collect() })
    }

    /// What a collection has condemned: whoever is about to refer to it writes it again first.
    ///
    /// # Errors
    ///
    /// If the backend fails.
    pub fn condemned(&self) -> Result<BTreeSet<Digest>, Error> {
        let keys = self.condemned_keys()?;
        Ok(keys.iter().filter_map(digest_of).map(|(_, digest)| digest).collect())
    }

    /// What a live release refers to by itself that is in none of its packs: whoever refers to it, too, finds it
    /// where it is.
    fn known(&self, live: Option<&Digest>) -> Result<BTreeSet<Digest>, Error> {
        let stored = live.map(|live| self.manifest(live)).transpose()?.flatten();
        let Some(stored) = stored else { return Ok(BTreeSet::new()) };
        let mut known = stored.manifest.references();
        for pack in &stored.packs {
            let opened = self.opened(pack)?.ok_or_else(|| lost(pack, "what is live"))?;
            known.retain(|digest| !opened.contains_key(digest));
        }
        Ok(known)
    }

    /// Writes again what is condemned: what has changed since is not removed. What is known to be live is not
    /// condemned; if it is, it was live elsewhere.
    fn save(&self, keys: &mut Vec<Key>, known: &BTreeSet<Digest>) -> Result<(), Error> {
        let condemned = self.condemned_keys()?;
        let is_known =
            |key: &&Key| digest_of(key).is_some_and(|(_, digest)| known.contains(&digest));
        keys.extend(condemned.iter().filter(is_known).cloned());
        for key in keys.iter().filter(|key| condemned.contains(key)) {
            // What is not there any more is missed at the end.
            self.copy_from(self, key)?;
        }
        // A collection that looked at one of them just before it was written again may remove it just after.
        // It marks its list first, so that either this sees the mark or that sees the new writing.
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

/// Where the contents of a release are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Locations {
    /// What its packs hold, with the pack of each.
    pub packed: BTreeMap<Digest, Digest>,
    /// What are objects of their own, the release among them.
    pub alone: BTreeSet<Digest>,
}

/// What was found so far of a release.
struct Holding<'a> {
    store: &'a Store,
    release: Digest,
    /// What its packs hold: with the pack of each, and of manifests what they refer to.
    packed: BTreeMap<Digest, (Digest, Option<BTreeSet<Digest>>)>,
    /// What is there, and stays.
    known: BTreeSet<Digest>,
    /// What was followed.
    seen: BTreeSet<Digest>,
    /// What was looked for among manifests.
    looked_for: BTreeSet<Digest>,
    /// The objects that it is in.
    keys: Vec<Key>,
}

impl<'a> Holding<'a> {
    fn new(store: &'a Store, release: Digest, known: BTreeSet<Digest>) -> Self {
        let (packed, seen, looked_for, keys) = Default::default();
        Self { store, release, packed, known, seen, looked_for, keys }
    }

    /// What a manifest that is an object of its own refers to; its packs count from now on.
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

    /// Follows everything, and notes the objects that it is in.
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

    /// Follows references as far as packs go; what is beyond is returned.
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

    /// Takes out of these what is a manifest, or in a pack of one, and returns what that refers to. Bytes that are
    /// there both as a manifest and as a blob are a manifest: what it refers to counts.
    fn locate(&mut self, alone: &mut BTreeSet<Digest>) -> Result<Vec<BTreeSet<Digest>>, Error> {
        let new: Vec<Digest> =
            alone.iter().filter(|one| !self.looked_for.contains(one)).copied().collect();
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
