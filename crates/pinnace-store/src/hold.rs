//! Making sure of what a release refers to, before a ref points to it.

use std::collections::BTreeSet;

use crate::{
    Digest, Error, ErrorKind, Key, Store,
    store::{blob_key, manifest_key, pack_key},
    trace::{Opened, digest_of},
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
        let mut holding = Holding {
            store: self,
            release: *release,
            packed: Opened::new(),
            known: self.known(live)?,
            seen: BTreeSet::new(),
            keys: Vec::new(),
        };
        let mut waiting = vec![holding.open(release, "you")?];
        while !waiting.is_empty() {
            let alone = holding.follow(waiting);
            waiting = holding.locate(alone)?;
        }
        self.save(&holding.keys)?;
        // What a collection took meanwhile is not condemned any more, and not there.
        let gone = self.backend.missing(&holding.keys)?;
        let gone = gone.first().and_then(digest_of);
        gone.map_or(Ok(()), |(_, digest)| Err(lost(&digest, &release.to_string())))
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

    /// Writes again what is condemned: what has changed since is not removed.
    fn save(&self, keys: &[Key]) -> Result<(), Error> {
        let condemned = self.condemned()?;
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
                source: "a collection is removing it; try again, after `gc` if one was killed"
                    .into(),
                is_retryable: true,
            }
            .into()),
        }
    }
}

/// What was found so far of a release.
struct Holding<'a> {
    store: &'a Store,
    release: Digest,
    /// What its packs hold.
    packed: Opened,
    /// What is there, and stays.
    known: BTreeSet<Digest>,
    /// What was followed.
    seen: BTreeSet<Digest>,
    /// The objects that it is in.
    keys: Vec<Key>,
}

impl Holding<'_> {
    /// What a manifest that is an object of its own refers to; its packs count from now on.
    fn open(&mut self, digest: &Digest, by: &str) -> Result<BTreeSet<Digest>, Error> {
        let stored = self.store.manifest(digest)?.ok_or_else(|| lost(digest, by))?;
        self.keys.push(manifest_key(digest));
        for name in &stored.packs {
            let opened = self.store.opened(name)?.ok_or_else(|| lost(name, &digest.to_string()))?;
            self.packed.extend(opened);
            self.keys.push(pack_key(name));
        }
        Ok(stored.manifest.references())
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
                    Some(inner) => waiting.extend(inner.clone()),
                    None if self.known.contains(&digest) => {}
                    None => alone.push(digest),
                }
            }
        }
        alone
    }

    /// Notes the objects of these, and returns the manifests among them. Bytes that are there both as a
    /// manifest and as a blob are a manifest: what it refers to counts.
    fn locate(&mut self, alone: Vec<Digest>) -> Result<Vec<BTreeSet<Digest>>, Error> {
        let keys: Vec<Key> = alone.iter().map(manifest_key).collect();
        let blobs: BTreeSet<Key> = self.store.backend.missing(&keys)?.into_iter().collect();
        let mut inner = Vec::new();
        for (digest, key) in alone.iter().zip(&keys) {
            match blobs.contains(key) {
                true => self.keys.push(blob_key(digest)),
                false => inner.push(self.open(digest, &self.release.to_string())?),
            }
        }
        Ok(inner)
    }
}

fn lost(digest: &Digest, by: &str) -> Error {
    ErrorKind::Lost { digest: *digest, by: by.to_owned() }.into()
}
