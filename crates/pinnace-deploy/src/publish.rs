//! Putting a release into a store, and making it live.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
};

use pinnace_store::{
    ContentKind, Deployment, Digest, LARGEST_PACKED, Locations, PackBuilder, PackError, PackIndex,
    Published, Store, parallel,
};
use sha2::{Digest as _, Sha256};

use crate::{Draft, Error, ErrorKind, Live, Service};

/// What was moved to publish a release, and what was there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Moved {
    /// How many bytes were written to the store.
    pub bytes: u64,
    /// In how many objects.
    pub objects: u64,
    /// How many contents were in the store.
    pub reused: u64,
    /// How many bytes these have, as far as this machine knows.
    pub reused_bytes: u64,
}

impl Moved {
    /// With the record that made it live.
    #[must_use]
    pub fn with_step(mut self, step: &Deployment) -> Self {
        self.bytes += step.to_bytes().map_or(0, |bytes| bytes.len() as u64);
        self.objects += 1;
        self
    }
}

/// Remembers which stores keep conditions.
const CONDITIONS: &str = "conditions-1";
/// How many contents are put at once.
const AT_ONCE: usize = 8;
/// A release whose small contents are in more packs than this is put into one: each is a request for whoever
/// fetches it.
const MOST_PACKS: usize = 8;

impl Service<'_> {
    /// Puts a release into the store, whole: what the store lacks, and then the manifest. Nothing is live
    /// by that.
    ///
    /// # Errors
    ///
    /// If a content is not what it was, or the store fails. What was put until then is collected some day.
    pub fn put(&self, live: &Live, draft: &Draft) -> Result<(Locations, Moved), Error> {
        let (places, new_packs, moved) = Default::default();
        let mut publication = Publication { service: self, live, draft, places, new_packs, moved };
        publication.put_small()?;
        publication.put_large()?;
        publication.put_manifest()?;
        Ok((publication.places, publication.moved))
    }

    /// Makes a release that is in the store live, if what is live is still what was looked at.
    ///
    /// # Errors
    ///
    /// If something of it is not there, or the store fails.
    pub fn go_live(
        &self,
        live: &Live,
        release: &Digest,
        mut deployment: Deployment,
    ) -> Result<Published, Error> {
        deployment.release = Some(*release);
        // That a server keeps conditions is found out once.
        let place = format!("{:?}", self.store.backend());
        let place = Digest::new(Sha256::digest(place).into()).to_hex();
        if self.machine.known(CONDITIONS, &place).is_some() {
            self.store.assume_conditions();
        }
        let published = self.store.publish(self.name, live.step.as_ref(), deployment)?;
        self.machine.learn(CONDITIONS, &place, b"kept");
        Ok(published)
    }

    /// Remembers that a release with these places is live.
    pub fn is_live(
        &self,
        draft: &Draft,
        step: &Deployment,
        places: Locations,
    ) -> Result<(), Error> {
        let release = Some(crate::Release::parse(&draft.manifest)?);
        let step = Some(step.clone());
        self.remember(&Live { step, release, places, condemned: BTreeSet::new() });
        Ok(())
    }
}

struct Publication<'a> {
    service: &'a Service<'a>,
    live: &'a Live,
    draft: &'a Draft,
    places: Locations,
    new_packs: Vec<Vec<u8>>,
    moved: Moved,
}

impl Publication<'_> {
    fn store(&self) -> &Store {
        self.service.store
    }

    /// What travels in packs: all of it in new ones, or what is new in one more.
    fn put_small(&mut self) -> Result<(), Error> {
        let draft = self.draft;
        let files = draft.files.iter().filter(|(_, (size, _))| *size <= LARGEST_PACKED as u64);
        let blobs = files.map(|(digest, _)| digest).chain(draft.bytes.keys());
        let small: BTreeSet<Digest> = blobs.chain(small_manifests(draft)).copied().collect();
        let packed = &self.live.places.packed;
        let is_kept = |digest: &&Digest| {
            packed.get(digest).is_some_and(|pack| !self.live.condemned.contains(pack))
        };
        let kept: BTreeMap<Digest, Digest> =
            small.iter().filter(is_kept).map(|digest| (*digest, packed[digest])).collect();
        let packs: BTreeSet<&Digest> = kept.values().collect();
        let kept = if packs.len() < MOST_PACKS { kept } else { BTreeMap::new() };
        let mut builder = PackBuilder::new();
        for digest in small.iter().filter(|digest| !kept.contains_key(digest)) {
            match draft.manifests.get(digest) {
                Some(manifest) => builder.add(ContentKind::Manifest, manifest.as_bytes().to_vec()),
                None => builder.add(ContentKind::Blob, draft.read(digest)?),
            };
        }
        self.moved.reused += kept.len() as u64;
        self.moved.reused_bytes += kept.keys().map(|one| self.size(one)).sum::<u64>();
        self.places.packed = kept;
        for bytes in builder.finish() {
            let name = Digest::new(Sha256::digest(&bytes).into());
            let refuse = |error: PackError| ErrorKind::Manifest {
                digest: name,
                kind: "pack",
                reason: error.to_string(),
            };
            let index = PackIndex::parse(&bytes).map_err(refuse)?;
            let held = index.entries().iter().map(|entry| (entry.digest, name));
            self.places.packed.extend(held);
            self.new_packs.push(bytes);
        }
        Ok(())
    }

    /// What is an object of its own: wheels, large files, large manifests.
    fn put_large(&mut self) -> Result<(), Error> {
        let draft = self.draft;
        let files = draft.files.iter().filter(|(_, (size, _))| *size > LARGEST_PACKED as u64);
        let all: BTreeSet<Digest> =
            files.map(|(digest, _)| *digest).chain(draft.wheels.iter().copied()).collect();
        let is_live = |digest: &Digest| {
            self.live.places.alone.contains(digest) && !self.live.condemned.contains(digest)
        };
        let unknown: Vec<Digest> = all.iter().filter(|digest| !is_live(digest)).copied().collect();
        let lacking = match unknown.is_empty() {
            true => Vec::new(),
            false => self.store().missing(&unknown)?,
        };
        let there: BTreeSet<&Digest> = all.iter().filter(|one| !lacking.contains(one)).collect();
        self.moved.reused += there.len() as u64;
        self.moved.reused_bytes += there.into_iter().map(|one| self.size(one)).sum::<u64>();
        for bytes in parallel::each(&lacking, AT_ONCE, |digest| self.put_blob(digest)) {
            self.moved.bytes += bytes?;
            self.moved.objects += 1;
        }
        self.places.alone.extend(all);
        let packs = self.packs();
        for (digest, manifest) in draft.manifests.iter().filter(|(_, one)| !is_small(one)) {
            self.store().put_manifest(manifest, &packs)?;
            self.moved.bytes += manifest.as_bytes().len() as u64;
            self.moved.objects += 1;
            self.places.alone.insert(*digest);
        }
        Ok(())
    }

    fn put_blob(&self, digest: &Digest) -> Result<u64, Error> {
        let size = match self.draft.files.get(digest) {
            Some((size, path)) => {
                let mut file = File::open(path).map_err(Error::at("read", path))?;
                self.store().put_as(digest, &mut file).map_err(|error| match error.kind() {
                    pinnace_store::ErrorKind::Mismatch { .. } => {
                        ErrorKind::Changed { path: path.display().to_string() }.into()
                    }
                    _ => Error::from(error),
                })?;
                *size
            }
            None => {
                let lost = || ErrorKind::Lost { digest: *digest, by: "the release".to_owned() };
                let mut blob = self.service.machine.blobs().get(digest)?.ok_or_else(lost)?;
                self.store().put_as(digest, &mut blob)?;
                blob.size()
            }
        };
        Ok(size)
    }

    /// The manifest, which makes the release one; and then a look whether all that was not just written, nor is
    /// what the live release has, is there and stays.
    fn put_manifest(&mut self) -> Result<(), Error> {
        let digest = self.draft.digest();
        let packs = self.packs();
        let written: Vec<Option<&Vec<u8>>> =
            self.new_packs.iter().map(Some).chain([None]).collect();
        // All at once: without a step that points to it, a release is of no account.
        let written = parallel::each(&written, AT_ONCE, |pack| match pack {
            Some(bytes) => self.store().put_pack(bytes).map(|_| bytes.len()),
            None => {
                let manifest = &self.draft.manifest;
                self.store().put_manifest(manifest, &packs).map(|_| manifest.as_bytes().len())
            }
        });
        for bytes in written {
            self.moved.bytes += bytes? as u64;
            self.moved.objects += 1;
        }
        self.places.alone.insert(digest);
        let relied_on = self.places.alone.iter().filter(|one| **one != digest);
        let is_safe = relied_on.into_iter().all(|one| self.live.places.alone.contains(one));
        let condemned = &self.live.condemned;
        let is_quiet =
            !condemned.contains(&digest) && packs.iter().all(|one| !condemned.contains(one));
        if !(is_safe && is_quiet) {
            self.store().hold(&digest, self.live.digest().as_ref())?;
        }
        Ok(())
    }

    /// The size of a content, or nothing where this machine does not know it: a wheel that was never here.
    fn size(&self, digest: &Digest) -> u64 {
        let draft = self.draft;
        if let Some((size, _)) = draft.files.get(digest) {
            return *size;
        }
        let manifest = draft.manifests.get(digest).map(|one| one.as_bytes().len());
        let bytes = manifest.or_else(|| draft.bytes.get(digest).map(Vec::len));
        match bytes {
            Some(bytes) => bytes as u64,
            None => self.service.machine.blobs().size(digest).ok().flatten().unwrap_or_default(),
        }
    }

    fn packs(&self) -> BTreeSet<Digest> {
        self.places.packed.values().copied().collect()
    }
}

fn small_manifests(draft: &Draft) -> impl Iterator<Item = &Digest> {
    draft.manifests.iter().filter(|(_, one)| is_small(one)).map(|(digest, _)| digest)
}

fn is_small(manifest: &pinnace_store::Manifest) -> bool {
    manifest.as_bytes().len() <= LARGEST_PACKED
}
