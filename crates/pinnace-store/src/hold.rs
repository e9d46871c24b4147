//! Making sure of what a release refers to, before a ref points to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Condition, ContentKind, Digest, Error, ErrorKind, Key, Manifest, Store, Stored,
    store::{blob_key, manifest_key, pack_key},
    trace::{digest_of, parse_packed},
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
        let lost = |digest: &Digest, by: &str| {
            Error::from(ErrorKind::Lost { digest: *digest, by: by.to_owned() })
        };
        let stored = self.manifest(release)?.ok_or_else(|| lost(release, "you"))?;
        let known = live.map(|live| self.manifest(live)).transpose()?.flatten();
        let by = release.to_string();
        let mut keys = vec![manifest_key(release)];
        let mut held = self.held(&stored, &mut keys)?;
        let shared = known.as_ref().map(|known| known.manifest.references()).unwrap_or_default();
        let mut waiting: Vec<Manifest> = vec![stored.manifest];
        let mut seen: BTreeSet<Digest> = BTreeSet::new();
        let mut alone: Vec<Digest> = Vec::new();
        while let Some(manifest) = waiting.pop() {
            for digest in manifest.references() {
                if shared.contains(&digest) || !seen.insert(digest) {
                    continue;
                }
                match held.get(&digest) {
                    Some(Some(inner)) => waiting.push(inner.clone()),
                    Some(None) => {}
                    None => alone.push(digest),
                }
            }
            if waiting.is_empty() && !alone.is_empty() {
                let blobs: Vec<Key> = alone.iter().map(blob_key).collect();
                let missing: BTreeSet<Key> = self.backend.missing(&blobs)?.into_iter().collect();
                for (digest, key) in std::mem::take(&mut alone).iter().zip(blobs) {
                    if !missing.contains(&key) {
                        keys.push(key);
                        continue;
                    }
                    let inner = self.manifest(digest)?.ok_or_else(|| lost(digest, &by))?;
                    keys.push(manifest_key(digest));
                    held.extend(self.held(&inner, &mut keys)?);
                    waiting.push(inner.manifest);
                }
            }
        }
        self.save(&keys)?;
        // What a collection took meanwhile is not condemned any more, and not there.
        let gone = self.backend.missing(&keys)?;
        let gone = gone.first().and_then(digest_of);
        gone.map_or(Ok(()), |(_, digest)| Err(lost(&digest, &by)))
    }

    /// What the packs of a release hold, with the manifests among it.
    fn held(
        &self,
        stored: &Stored,
        keys: &mut Vec<Key>,
    ) -> Result<BTreeMap<Digest, Option<Manifest>>, Error> {
        let mut held = BTreeMap::new();
        for digest in &stored.packs {
            let lost = || {
                let by = stored.manifest.digest().to_string();
                Error::from(ErrorKind::Lost { digest: *digest, by })
            };
            let pack = self.pack(digest)?.ok_or_else(lost)?;
            for entry in pack.index().entries() {
                let manifest = match entry.kind {
                    ContentKind::Manifest => Some(parse_packed(&pack, digest, &entry.digest)?),
                    _ => None,
                };
                held.insert(entry.digest, manifest);
            }
            keys.push(pack_key(digest));
        }
        Ok(held)
    }

    /// Writes again what is condemned: what has changed since is not removed.
    fn save(&self, keys: &[Key]) -> Result<(), Error> {
        let condemned = self.condemned()?;
        for key in keys.iter().filter(|key| condemned.contains(key)) {
            let Some(mut reading) = self.backend.read(key, None)? else { continue };
            let mut upload = self.backend.write()?;
            std::io::copy(&mut reading.body, &mut upload)
                .map_err(|error| Error::object("copy", key, error))?;
            upload.finish(key, Condition::Always)?;
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
