//! What can be reached from refs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ContentKind, Digest, Error, ErrorKind, Key, Manifest, Pack, Store, Stored, store};

/// Which steps of refs count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// How many of the newest steps of each ref; at least one does.
    pub generations: usize,
}

/// What was reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    /// Everything that is referred to, with what refers to it.
    pub(crate) digests: BTreeMap<Digest, String>,
    /// The packs that releases name, and the contents of each.
    pub(crate) packs: BTreeMap<Digest, BTreeSet<Digest>>,
    /// What is referred to, and is in no pack and no object that could be read.
    pub(crate) lost: Vec<Lost>,
}

/// Something that is referred to and is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Lost {
    pub(crate) digest: Digest,
    pub(crate) by: String,
    /// Where it may be, any of which would do.
    pub(crate) keys: Vec<Key>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { generations: 10 }
    }
}

impl Store {
    /// Follows all refs. Of the newest step of each all must be there; releases of older steps may
    /// have been collected, in whole or in part.
    pub(crate) fn trace(&self, keep: Keep) -> Result<Reached, Error> {
        let mut tracer =
            Tracer { store: self, reached: Reached::default(), packs: BTreeMap::new() };
        let mut steps = Vec::new();
        for name in self.refs()?.into_keys() {
            let history = self.history(&name, keep.generations.max(1))?;
            steps.extend(history.into_iter().enumerate().filter_map(|(age, step)| {
                let by = format!("{name}, generation {}", step.generation);
                Some(Step { by, release: step.release?, is_newest: age == 0 })
            }));
        }
        // What is live comes first, so that nothing of it is taken for a part of what may be gone.
        steps.sort_by_key(|step| !step.is_newest);
        steps.iter().try_for_each(|step| tracer.release(step))?;
        Ok(tracer.reached)
    }
}

/// A step of a ref.
struct Step {
    by: String,
    release: Digest,
    is_newest: bool,
}

struct Tracer<'a> {
    store: &'a Store,
    reached: Reached,
    packs: BTreeMap<Digest, Option<Pack>>,
}

impl Tracer<'_> {
    /// Follows the release of a step.
    fn release(&mut self, step: &Step) -> Result<(), Error> {
        let Step { ref by, release, is_newest } = *step;
        let Some(stored) = self.store.manifest(&release)? else {
            if is_newest {
                self.reached.digests.insert(release, by.clone());
                let keys = vec![store::manifest_key(&release)];
                self.reached.lost.push(Lost { digest: release, by: by.clone(), keys });
            }
            return Ok(());
        };
        let lost = self.reached.lost.len();
        self.reached.digests.entry(release).or_insert_with(|| by.clone());
        let mut contents: BTreeMap<Digest, Digest> = BTreeMap::new();
        self.hold_packs(&stored, &mut contents)?;
        self.follow(&stored.manifest, &release.to_string(), contents)?;
        if !is_newest {
            // A collection takes what nothing else refers to piece by piece.
            self.reached.lost.truncate(lost);
        }
        Ok(())
    }

    /// Adds what the packs of a manifest hold.
    fn hold_packs(
        &mut self,
        stored: &Stored,
        contents: &mut BTreeMap<Digest, Digest>,
    ) -> Result<(), Error> {
        for pack in &stored.packs {
            match self.pack(pack)? {
                Some(found) => {
                    let held: BTreeSet<Digest> =
                        found.index().entries().iter().map(|entry| entry.digest).collect();
                    contents.extend(held.iter().map(|digest| (*digest, *pack)));
                    self.reached.packs.insert(*pack, held);
                }
                None => {
                    let by = stored.manifest.digest().to_string();
                    let keys = vec![store::pack_key(pack)];
                    self.reached.lost.push(Lost { digest: *pack, by, keys });
                }
            }
        }
        Ok(())
    }

    fn follow(
        &mut self,
        manifest: &Manifest,
        by: &str,
        mut contents: BTreeMap<Digest, Digest>,
    ) -> Result<(), Error> {
        let mut waiting = vec![(manifest.clone(), by.to_owned())];
        while let Some((manifest, by)) = waiting.pop() {
            for digest in manifest.references() {
                if self.reached.digests.contains_key(&digest) {
                    continue;
                }
                self.reached.digests.insert(digest, by.clone());
                match contents.get(&digest) {
                    Some(pack) => waiting.extend(self.packed(pack, &digest)?),
                    None => {
                        if let Some(stored) = self.alone(&digest, &by)? {
                            self.hold_packs(&stored, &mut contents)?;
                            waiting.push((stored.manifest, digest.to_string()));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A manifest in a pack; `None` for other contents.
    fn packed(
        &mut self,
        pack: &Digest,
        digest: &Digest,
    ) -> Result<Option<(Manifest, String)>, Error> {
        let Some(found) = self.pack(pack)? else { return Ok(None) };
        let entry = found.index().find(digest);
        match entry.is_some_and(|entry| entry.kind == ContentKind::Manifest) {
            true => Ok(Some((parse_packed(found, pack, digest)?, digest.to_string()))),
            false => Ok(None),
        }
    }

    /// A manifest that is an object of its own; `None` for a blob.
    fn alone(&mut self, digest: &Digest, by: &str) -> Result<Option<Stored>, Error> {
        let keys = vec![store::blob_key(digest), store::manifest_key(digest)];
        // Somebody may have put the bytes of a manifest as a blob, too: what it refers to counts all the same.
        let stored = self.store.manifest(digest)?;
        if stored.is_none() && self.store.backend().head(&keys[0])?.is_none() {
            self.reached.lost.push(Lost { digest: *digest, by: by.to_owned(), keys });
        }
        Ok(stored)
    }

    fn pack(&mut self, digest: &Digest) -> Result<Option<&Pack>, Error> {
        if !self.packs.contains_key(digest) {
            let pack = self.store.pack(digest)?;
            self.packs.insert(*digest, pack);
        }
        Ok(self.packs.get(digest).and_then(Option::as_ref))
    }
}

impl Reached {
    /// All of it must be there.
    pub(crate) fn complete(self) -> Result<Self, Error> {
        match self.lost.first() {
            None => Ok(self),
            Some(Lost { digest, by, .. }) => {
                Err(ErrorKind::Lost { digest: *digest, by: by.clone() }.into())
            }
        }
    }

    /// Whether an object, by its key, must stay.
    pub(crate) fn holds(&self, key: &Key) -> bool {
        let Some((folder, digest)) = digest_of(key) else { return true };
        match folder {
            "packs" => self
                .packs
                .get(&digest)
                .is_some_and(|held| held.iter().any(|digest| self.digests.contains_key(digest))),
            _ => self.digests.contains_key(&digest),
        }
    }
}

/// A manifest that a pack holds.
pub(crate) fn parse_packed(pack: &Pack, name: &Digest, digest: &Digest) -> Result<Manifest, Error> {
    let key = store::pack_key(name);
    let bytes = pack.read(digest).map_err(|error| Error::malformed(&key, &error))?;
    Manifest::parse(bytes.unwrap_or_default()).map_err(|error| Error::malformed(&key, &error))
}

/// The folder and the digest that the key of a content says.
pub(crate) fn digest_of(key: &Key) -> Option<(&str, Digest)> {
    let mut parts = key.as_str().split('/');
    let (folder, start, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digest = format!("{start}{rest}").parse().ok()?;
    let is_whole = matches!(folder, "blobs" | "packs" | "manifests") && parts.next().is_none();
    (is_whole && start.len() == 2).then_some((folder, digest))
}
