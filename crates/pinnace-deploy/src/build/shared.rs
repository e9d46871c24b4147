//! What a team has built, in its store: one ref for each build, so that nobody builds it again.

use pinnace_store::{Deployment, Digest, Manifest, Published, RefName, Store};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Key;
use crate::{Error, ErrorKind, Machine, Wheel};

/// The kind of manifest that tells what was built.
const KIND: &str = "built";

/// Remembers which builds are in which stores.
const SHARED: &str = "shared-1";

/// The builds in a store.
#[derive(Clone, Debug)]
pub(super) struct Shared<'a> {
    pub(super) store: &'a Store,
    /// Who builds, and when.
    pub(super) record: Deployment,
    pub(super) trust: Trust,
}

/// Whether a store is believed to have what it had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trust {
    /// What this machine knows to be there is there.
    Known,
    /// It is put again.
    Nothing,
}

impl Shared<'_> {
    /// What came of a build, put on the machine; `None` if nobody has built it.
    pub(super) fn find(&self, key: &Key<'_>, machine: &Machine) -> Result<Option<Wheel>, Error> {
        let newest = self.store.latest(&name(key)?)?;
        let Some(digest) = newest.and_then(|step| step.release) else { return Ok(None) };
        let lost = |digest: Digest, by: &str| ErrorKind::Lost { digest, by: by.to_owned() };
        let stored = self.store.manifest(&digest)?.ok_or_else(|| lost(digest, "what was built"))?;
        let wheel = parse(&stored.manifest)?;
        if !machine.blobs().contains(&wheel.digest)? {
            let mut writer = machine.blobs().writer()?;
            self.store
                .copy_to(&wheel.digest, &mut writer)?
                .ok_or_else(|| lost(wheel.digest, "what was built"))?;
            writer.commit_as(&wheel.digest)?;
        }
        Ok(Some(wheel))
    }

    /// Keeps what came of a build, unless this machine knows that it is kept.
    pub(super) fn keep_once(
        &self,
        key: &Key<'_>,
        wheel: &Wheel,
        machine: &Machine,
    ) -> Result<(), Error> {
        let place = format!("{:?} {}", self.store.backend(), key.to_hex());
        let place = Digest::new(Sha256::digest(place).into()).to_hex();
        if self.trust == Trust::Known && machine.known(SHARED, &place).is_some() {
            return Ok(());
        }
        let newest = self.store.latest(&name(key)?)?;
        let manifest = manifest(key, wheel)?.digest();
        let is_kept = newest.as_ref().is_some_and(|step| step.release == Some(manifest));
        if !is_kept || self.trust == Trust::Nothing {
            self.keep(key, wheel, machine, newest.as_ref())?;
        }
        machine.learn(SHARED, &place, b"kept");
        Ok(())
    }

    /// Keeps what came of a build, after what was kept before. Of two that build at once, the first is kept.
    fn keep(
        &self,
        key: &Key<'_>,
        wheel: &Wheel,
        machine: &Machine,
        newest: Option<&Deployment>,
    ) -> Result<(), Error> {
        let lost = || ErrorKind::Lost { digest: wheel.digest, by: "what was built".to_owned() };
        let mut blob = machine.blobs().get(&wheel.digest)?.ok_or_else(lost)?;
        self.store.put_as(&wheel.digest, &mut blob)?;
        let manifest = manifest(key, wheel)?;
        self.store.put_manifest(&manifest, &Default::default())?;
        self.store.hold(&manifest.digest(), None)?;
        if newest.is_some_and(|step| step.release == Some(manifest.digest())) {
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
    let refuse =
        || ErrorKind::Settings { origin: name.clone(), reason: "it is no name".to_owned() };
    Ok(name.parse().map_err(|_| refuse())?)
}

/// The sdist is named by its digits alone: nothing refers to it, since nobody has to have it.
fn manifest(key: &Key<'_>, wheel: &Wheel) -> Result<Manifest, Error> {
    let keys = json!({
        "builder": key.builder,
        "platform": key.target.to_string(),
        "sdist": key.sdist.to_hex(),
        "wheel": { "digest": wheel.digest.to_string(), "name": wheel.name },
    });
    let refuse = |error: pinnace_store::ManifestError| ErrorKind::Manifest {
        digest: wheel.digest,
        kind: KIND,
        reason: error.to_string(),
    };
    Ok(Manifest::new(KIND, keys).map_err(refuse)?)
}

fn parse(manifest: &Manifest) -> Result<Wheel, Error> {
    let refuse = || ErrorKind::Manifest {
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
    Ok(Wheel::new(text("name")?, digest, Vec::new()))
}
