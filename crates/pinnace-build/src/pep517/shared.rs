//! Builds that a team shares in a store, with one ref for each.

use pinnace_store::{Deployment, Digest, Manifest, Published, RefName, Store};
use serde_json::{Value, json};

use super::key::Key;
use crate::{Cache, Error, ErrorKind, Wheel};

/// The kind of the manifest of a built wheel.
const KIND: &str = "built";

/// The cache bucket of builds that are known to be in a store.
const SHARED: &str = "shared-1";

/// The shared builds in a store.
#[derive(Clone, Debug)]
pub(super) struct Shared<'a> {
    pub(super) store: &'a Store,
    /// The record of new builds: user and time.
    pub(super) record: Deployment,
    pub(super) policy: CachePolicy,
}

/// A policy for this machine's cache of a store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CachePolicy {
    /// Cached objects count as present.
    Trust,
    /// Check objects in the store, and upload missing ones.
    Verify,
}

impl Shared<'_> {
    /// Downloads the wheel of a build into the cache; `None` if the store lacks it.
    pub(super) fn find(&self, key: &Key<'_>, cache: &Cache) -> Result<Option<Wheel>, Error> {
        let newest = self.store.latest(&name(key)?)?;
        let Some(digest) = newest.and_then(|deployment| deployment.release) else {
            return Ok(None);
        };
        let lost = |digest: Digest, by: &str| ErrorKind::Lost { digest, by: by.to_owned() };
        let stored = self.store.manifest(&digest)?.ok_or_else(|| lost(digest, "what was built"))?;
        let wheel = parse(&stored.manifest)?;
        if !cache.blobs().contains(&wheel.digest)? {
            let mut writer = cache.blobs().writer()?;
            self.store
                .copy_to(&wheel.digest, &mut writer)?
                .ok_or_else(|| lost(wheel.digest, "what was built"))?;
            writer.commit_as(&wheel.digest)?;
        }
        Ok(Some(wheel))
    }

    /// Uploads the wheel of a build, unless this machine's cache knows that the store has it.
    pub(super) fn keep_once(
        &self,
        key: &Key<'_>,
        wheel: &Wheel,
        cache: &Cache,
    ) -> Result<(), Error> {
        let place = format!("{} {}", self.store.backend().location(), key.to_hex());
        let place = Digest::of(place).to_hex();
        if self.policy == CachePolicy::Trust && cache.recall(SHARED, &place).is_some() {
            return Ok(());
        }
        let newest = self.store.latest(&name(key)?)?;
        let manifest = manifest(key, wheel)?.digest();
        let is_kept =
            newest.as_ref().is_some_and(|deployment| deployment.release == Some(manifest));
        if !is_kept || self.policy == CachePolicy::Verify {
            self.keep(key, wheel, cache, newest.as_ref())?;
        }
        cache.remember(SHARED, &place, b"kept");
        Ok(())
    }

    /// Uploads the wheel of a build, and updates its ref. Of two concurrent builds, the first wins.
    fn keep(
        &self,
        key: &Key<'_>,
        wheel: &Wheel,
        cache: &Cache,
        newest: Option<&Deployment>,
    ) -> Result<(), Error> {
        let lost = || ErrorKind::Lost { digest: wheel.digest, by: "what was built".to_owned() };
        let mut blob = cache.blobs().get(&wheel.digest)?.ok_or_else(lost)?;
        self.store.put_as(&wheel.digest, &mut blob)?;
        let manifest = manifest(key, wheel)?;
        self.store.put_manifest(&manifest, &Default::default())?;
        self.store.hold(&manifest.digest(), None)?;
        if newest.is_some_and(|deployment| deployment.release == Some(manifest.digest())) {
            return Ok(());
        }
        let mut record = self.record.clone();
        record.release = Some(manifest.digest());
        match self.store.publish(&name(key)?, newest, record)? {
            Published::Done(_) | Published::Lost(_) => Ok(()),
        }
    }
}

fn name(key: &Key<'_>) -> Result<RefName, Error> {
    let name = format!("built/{}", key.to_hex());
    let refuse = || ErrorKind::Settings { origin: name.clone(), reason: "invalid name".to_owned() };
    Ok(name.parse().map_err(|_| refuse())?)
}

/// Creates the manifest of a build. It names the source distribution by bare digits, which the store does not
/// count as a reference, since it need not have the file.
fn manifest(key: &Key<'_>, wheel: &Wheel) -> Result<Manifest, Error> {
    let keys = json!({
        "builder": key.builder,
        "platform": key.target.to_string(),
        "sdist": key.sdist.to_hex(),
        "wheel": { "digest": wheel.digest.to_string(), "name": wheel.name.as_str() },
    });
    let refuse = |error: pinnace_store::ManifestError| ErrorKind::Malformed {
        digest: wheel.digest,
        kind: KIND,
        reason: error.to_string(),
    };
    Ok(Manifest::new(KIND, keys).map_err(refuse)?)
}

fn parse(manifest: &Manifest) -> Result<Wheel, Error> {
    let refuse = || ErrorKind::Malformed {
        digest: manifest.digest(),
        kind: KIND,
        reason: "it names no wheel".to_owned(),
    };
    if manifest.kind() != KIND {
        return Err(refuse().into());
    }
    let wheel = manifest.get("wheel").ok_or_else(refuse)?;
    let text = |key: &str| wheel.get(key).and_then(Value::as_str).ok_or_else(refuse);
    let digest = text("digest")?.parse().map_err(|_| refuse())?;
    let name = text("name")?.parse().map_err(|_| refuse())?;
    Ok(Wheel::new(name, digest, Vec::new()))
}
