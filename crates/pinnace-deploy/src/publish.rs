//! The publication of a release: the upload of its contents, then the update of its ref.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
};

use pinnace_store::{
    ContentKind, Deployment, Digest, LARGEST_PACKED, Locations, PackBuilder, PackError, PackIndex,
    Published, Store, parallel,
};

use crate::{Error, ErrorKind, Head, ReleaseDraft, Service, release_draft::DraftContents};

/// The statistics of an upload: uploaded objects, and contents that the store already had.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TransferStats {
    /// The bytes that were uploaded.
    pub bytes: u64,
    /// The objects that were uploaded.
    pub objects: u64,
    /// The contents that the store already had.
    pub reused: u64,
    /// The bytes of these, as far as this machine knows their sizes.
    pub reused_bytes: u64,
}

impl TransferStats {
    /// Returns a copy that also counts the record of a deployment.
    #[must_use]
    pub fn with_deployment(mut self, deployment: &Deployment) -> Self {
        self.bytes += deployment.to_bytes().map_or(0, |bytes| bytes.len() as u64);
        self.objects += 1;
        self
    }
}

/// The cache bucket of stores that were seen to honour conditional writes.
const CONDITIONS: &str = "conditions-1";
/// The number of concurrent uploads.
const AT_ONCE: usize = 8;
/// The number of packs at which the small contents of a release are repacked into one. Each pack costs a request on
/// every machine that fetches the release.
const MAX_PACKS: usize = 8;

impl Service<'_> {
    /// Uploads the missing contents of a release, then its manifest. This does not make the release live.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Changed`] if a file changed since the scan, or an error of the store. A garbage
    /// collection later removes the objects that were uploaded until then.
    pub fn put(
        &self,
        head: &Head,
        draft: &ReleaseDraft<'_>,
    ) -> Result<(Locations, TransferStats), Error> {
        let (locations, new_packs, transfer) = Default::default();
        let draft = draft.contents()?;
        let mut publication =
            Publication { service: self, head, draft, locations, new_packs, transfer };
        publication.put_small()?;
        publication.put_large()?;
        publication.put_manifest()?;
        Ok((publication.locations, publication.transfer))
    }

    /// Publishes a deployment of a release in the store, if the service is still at `head`.
    ///
    /// # Errors
    ///
    /// Returns an error if an object of the release is missing, or the store fails.
    pub fn go_live(
        &self,
        head: &Head,
        release: &Digest,
        mut deployment: Deployment,
    ) -> Result<Published, Error> {
        deployment.release = Some(*release);
        // Each server is probed once for conditional writes.
        let place = Digest::of(self.store.backend().location()).to_hex();
        if self.cache.recall(CONDITIONS, &place).is_some() {
            self.store.assume_conditions();
        }
        let published = self.store.publish(self.name, head.deployment.as_ref(), deployment)?;
        self.cache.remember(CONDITIONS, &place, b"kept");
        Ok(published)
    }

    /// Caches the deployment of a release, and the locations of its contents, as the head of the service.
    pub fn record_published(
        &self,
        draft: &ReleaseDraft<'_>,
        deployment: &Deployment,
        locations: Locations,
    ) {
        let (release, deployment) = (Some(draft.release().clone()), Some(deployment.clone()));
        self.remember(&Head { deployment, release, locations, tombstones: BTreeSet::new() });
    }
}

struct Publication<'a> {
    service: &'a Service<'a>,
    head: &'a Head,
    draft: DraftContents<'a>,
    locations: Locations,
    new_packs: Vec<Vec<u8>>,
    transfer: TransferStats,
}

impl Publication<'_> {
    fn store(&self) -> &Store {
        self.service.store
    }

    /// Packs small contents: new ones into one additional pack, or all of them into new packs.
    fn put_small(&mut self) -> Result<(), Error> {
        let draft = &self.draft;
        let files = draft.files.iter().filter(|(_, (size, _))| *size <= LARGEST_PACKED as u64);
        let blobs = files.map(|(digest, _)| digest).chain(draft.bytes.keys());
        let small: BTreeSet<Digest> = blobs.chain(small_manifests(draft)).copied().collect();
        let packed = &self.head.locations.packed;
        let is_kept = |digest: &&Digest| {
            packed.get(digest).is_some_and(|pack| !self.head.tombstones.contains(pack))
        };
        let kept: BTreeMap<Digest, Digest> =
            small.iter().filter(is_kept).map(|digest| (*digest, packed[digest])).collect();
        let packs: BTreeSet<&Digest> = kept.values().collect();
        let kept = if packs.len() < MAX_PACKS { kept } else { BTreeMap::new() };
        let mut builder = PackBuilder::new();
        for digest in small.iter().filter(|digest| !kept.contains_key(digest)) {
            match draft.manifests.get(digest) {
                Some(manifest) => builder.add(ContentKind::Manifest, manifest.as_bytes().to_vec()),
                None => builder.add(ContentKind::Blob, draft.read(digest)?),
            };
        }
        self.transfer.reused += kept.len() as u64;
        self.transfer.reused_bytes += kept.keys().map(|digest| self.size(digest)).sum::<u64>();
        self.locations.packed = kept;
        for bytes in builder.finish() {
            let name = Digest::of(&bytes);
            let refuse = |error: PackError| ErrorKind::Manifest {
                digest: name,
                kind: "pack",
                reason: error.to_string(),
            };
            let index = PackIndex::parse(&bytes).map_err(refuse)?;
            let held = index.entries().iter().map(|entry| (entry.digest, name));
            self.locations.packed.extend(held);
            self.new_packs.push(bytes);
        }
        Ok(())
    }

    /// Uploads the objects outside packs: wheels, large files and large manifests.
    fn put_large(&mut self) -> Result<(), Error> {
        let draft = &self.draft;
        let files = draft.files.iter().filter(|(_, (size, _))| *size > LARGEST_PACKED as u64);
        let all: BTreeSet<Digest> =
            files.map(|(digest, _)| *digest).chain(draft.wheels.iter().copied()).collect();
        let is_live = |digest: &Digest| {
            self.head.locations.alone.contains(digest) && !self.head.tombstones.contains(digest)
        };
        let unknown: Vec<Digest> = all.iter().filter(|digest| !is_live(digest)).copied().collect();
        let missing =
            if unknown.is_empty() { Vec::new() } else { self.store().missing(&unknown)? };
        let there: BTreeSet<&Digest> =
            all.iter().filter(|digest| !missing.contains(digest)).collect();
        self.transfer.reused += there.len() as u64;
        self.transfer.reused_bytes +=
            there.into_iter().map(|digest| self.size(digest)).sum::<u64>();
        for bytes in parallel::each(&missing, AT_ONCE, |digest| self.put_blob(digest)) {
            self.transfer.bytes += bytes?;
            self.transfer.objects += 1;
        }
        self.locations.alone.extend(all);
        let packs = self.packs();
        for (digest, manifest) in draft.manifests.iter().filter(|(_, manifest)| !is_small(manifest))
        {
            self.store().put_manifest(manifest, &packs)?;
            self.transfer.bytes += manifest.as_bytes().len() as u64;
            self.transfer.objects += 1;
            self.locations.alone.insert(*digest);
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
                let mut blob = self.service.cache.blobs().get(digest)?.ok_or_else(lost)?;
                self.store().put_as(digest, &mut blob)?;
                blob.size()
            }
        };
        Ok(size)
    }

    /// Uploads packs and manifest. If the release relies on objects that were neither just written nor belong to
    /// the live release, checks that the store keeps them.
    fn put_manifest(&mut self) -> Result<(), Error> {
        let digest = self.draft.manifest.digest();
        let packs = self.packs();
        let written: Vec<Option<&Vec<u8>>> =
            self.new_packs.iter().map(Some).chain([None]).collect();
        // The manifest may arrive before its packs: without a deployment, a release has no effect.
        let written = parallel::each(&written, AT_ONCE, |pack| match pack {
            Some(bytes) => self.store().put_pack(bytes).map(|_| bytes.len()),
            None => {
                let manifest = self.draft.manifest;
                self.store().put_manifest(manifest, &packs).map(|_| manifest.as_bytes().len())
            }
        });
        for bytes in written {
            self.transfer.bytes += bytes? as u64;
            self.transfer.objects += 1;
        }
        self.locations.alone.insert(digest);
        let relied_on = self.locations.alone.iter().filter(|other| **other != digest);
        let is_safe =
            relied_on.into_iter().all(|digest| self.head.locations.alone.contains(digest));
        let tombstones = &self.head.tombstones;
        let keeps_packs =
            !tombstones.contains(&digest) && packs.iter().all(|pack| !tombstones.contains(pack));
        if !(is_safe && keeps_packs) {
            self.store().hold(&digest, self.head.digest().as_ref())?;
        }
        Ok(())
    }

    /// Returns the size of a content; 0 for a wheel that was never on this machine.
    fn size(&self, digest: &Digest) -> u64 {
        let draft = &self.draft;
        if let Some((size, _)) = draft.files.get(digest) {
            return *size;
        }
        let manifest = draft.manifests.get(digest).map(|manifest| manifest.as_bytes().len());
        let bytes = manifest.or_else(|| draft.bytes.get(digest).map(|bytes| bytes.len()));
        match bytes {
            Some(bytes) => bytes as u64,
            None => self.service.cache.blobs().size(digest).ok().flatten().unwrap_or_default(),
        }
    }

    fn packs(&self) -> BTreeSet<Digest> {
        self.locations.packed.values().copied().collect()
    }
}

fn small_manifests<'d>(draft: &'d DraftContents<'_>) -> impl Iterator<Item = &'d Digest> {
    draft.manifests.iter().filter(|(_, manifest)| is_small(manifest)).map(|(digest, _)| digest)
}

fn is_small(manifest: &pinnace_store::Manifest) -> bool {
    manifest.as_bytes().len() <= LARGEST_PACKED
}
