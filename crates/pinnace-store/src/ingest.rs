//! Validating ingest: objects from clients that cannot reach the store themselves.

use std::io::Read;

use crate::{
    Deployment, Digest, Error, ErrorKind, Key, PutMode, PutResult, RefName, Store,
    content_key::{digest_of, manifest_key},
    hashing::copy,
    manifest,
    manifests::open_envelope,
};

/// The size limit of the object that probes for conditional writes.
const LARGEST_PROBE: u64 = 100;

impl Store {
    /// Writes an object that a client made, if it is what its key says. Contents, packs and
    /// manifests must match their digests. A deployment must follow the one before it, and
    /// everything that its release refers to must be in the store. All other objects are left to
    /// the operator of the store, except the probe for conditional writes.
    ///
    /// An object larger than `limit` bytes is refused.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Mismatch`], [`ErrorKind::Malformed`] or [`ErrorKind::Unacceptable`] if
    /// the object is not valid; nothing is written then. Returns [`ErrorKind::Lost`] if a part of a
    /// release is missing, or an error if the backend fails.
    pub fn accept(
        &self,
        key: &Key,
        mode: PutMode,
        body: &mut dyn Read,
        limit: u64,
    ) -> Result<PutResult, Error> {
        match (digest_of(key), RefName::of_deployment_key(key)) {
            (Some(("manifests", digest)), _) => self.accept_manifest(&digest, key, mode, body),
            (Some((_, digest)), _) => self.accept_content(&digest, key, mode, body, limit),
            (None, Some((name, generation))) => {
                let bytes = bounded(body, key, manifest::LARGEST)?;
                let deployment =
                    Deployment::parse(&bytes).map_err(|error| Error::malformed(key, &error))?;
                self.follows(key, &name, generation, &deployment)?;
                self.write(key, &bytes, PutMode::Create)
            }
            (None, None) if key.as_str() == "conditions" => {
                self.write(key, &bounded(body, key, LARGEST_PROBE)?, PutMode::Create)
            }
            (None, None) => {
                let reason = "clients store only contents, packs, manifests and deployments";
                Err(refused(key, reason.to_owned()))
            }
        }
    }

    fn accept_manifest(
        &self,
        digest: &Digest,
        key: &Key,
        mode: PutMode,
        body: &mut dyn Read,
    ) -> Result<PutResult, Error> {
        let bytes = bounded(body, key, 2 * manifest::LARGEST)?;
        let (_, inner) = open_envelope(&bytes).map_err(|reason| Error::malformed(key, &reason))?;
        check_digest(digest, Digest::of(inner))?;
        // The locations of its contents are not part of the digest: a manifest that is whole is
        // not overwritten.
        if self.is_whole(digest)? { Ok(PutResult::Written) } else { self.write(key, &bytes, mode) }
    }

    fn accept_content(
        &self,
        digest: &Digest,
        key: &Key,
        mode: PutMode,
        body: &mut dyn Read,
        limit: u64,
    ) -> Result<PutResult, Error> {
        let mut upload = self.backend.write()?;
        // One byte beyond the limit shows that the object is too large.
        let mut body = body.take(limit.saturating_add(1));
        let unreadable = |source| ErrorKind::Source { source }.into();
        let (actual, size) = copy(&mut body, &mut *upload, unreadable)?;
        if size > limit {
            return Err(refused(key, format!("it has more than {limit} bytes")));
        }
        check_digest(digest, actual)?;
        upload.finish(key, mode)
    }

    /// Returns true if the store has a manifest and everything that it refers to.
    fn is_whole(&self, digest: &Digest) -> Result<bool, Error> {
        if self.backend.head(&manifest_key(digest))?.is_none() {
            return Ok(false);
        }
        match self.hold(digest, None) {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::Lost { .. }
                | ErrorKind::Damaged { .. }
                | ErrorKind::Malformed { .. } => Ok(false),
                _ => Err(error),
            },
        }
    }

    /// Checks that a deployment is the next one, and that its release is complete.
    fn follows(
        &self,
        key: &Key,
        name: &RefName,
        generation: u64,
        deployment: &Deployment,
    ) -> Result<(), Error> {
        if deployment.generation != generation {
            return Err(Error::malformed(key, &"it is another generation"));
        }
        let before = match generation {
            1 => None,
            _ => self.deployment(name, generation - 1)?.map(Some).ok_or_else(|| {
                refused(key, format!("there is no generation {}", generation - 1))
            })?,
        };
        let live = before.and_then(|before| before.release);
        if deployment.previous != live {
            return Err(Error::malformed(key, &"it follows another release"));
        }
        match deployment.release {
            Some(release) => self.hold(&release, live.as_ref()),
            None => Ok(()),
        }
    }
}

fn bounded(body: &mut dyn Read, key: &Key, limit: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = body.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::from(ErrorKind::Source { source }))?;
    if bytes.len() as u64 > limit {
        Err(refused(key, format!("it has more than {limit} bytes")))
    } else {
        Ok(bytes)
    }
}

fn check_digest(expected: &Digest, actual: Digest) -> Result<(), Error> {
    let expected = *expected;
    if expected == actual { Ok(()) } else { Err(ErrorKind::Mismatch { expected, actual }.into()) }
}

fn refused(key: &Key, reason: String) -> Error {
    ErrorKind::Unacceptable { key: key.to_string(), reason }.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Manifest, MemoryBackend, Published, content_key::blob_key};

    fn accept(store: &Store, key: &Key, body: &[u8]) -> Result<PutResult, Error> {
        store.accept(key, PutMode::Overwrite, &mut &*body, 1000)
    }

    #[test]
    fn contents_are_taken_by_their_digests_alone() {
        let store = Store::open(MemoryBackend::new()).unwrap();
        let key = blob_key(&Digest::of("hello"));
        let error = accept(&store, &key, b"other").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
        assert!(store.backend().head(&key).unwrap().is_none());
        assert_eq!(accept(&store, &key, b"hello").unwrap(), PutResult::Written);
        let large = vec![0; 1001];
        let key = blob_key(&Digest::of(&large));
        assert!(accept(&store, &key, &large).is_err());
        for key in ["format", "clock", "kept/1", "condemned/1", "x/y"] {
            let error = accept(&store, &key.parse().unwrap(), b"").unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unacceptable { .. }), "{key}");
        }
    }

    #[test]
    fn a_step_is_taken_if_it_is_the_next_and_its_release_is_whole() {
        let (ours, theirs) = [(); 2].map(|()| Store::open(MemoryBackend::new()).unwrap()).into();
        let blob = theirs.put(&mut "hello".as_bytes()).unwrap();
        let manifest = Manifest::new("release", json!({ "x": blob.to_string() })).unwrap();
        let release = theirs.put_manifest(&manifest, &Default::default()).unwrap();
        let name: RefName = "wanted/shop".parse().unwrap();
        let mut deployment = Deployment { release: Some(release), ..Deployment::default() };
        let done = theirs.publish(&name, None, deployment.clone()).unwrap();
        assert!(matches!(done, Published::Done(_)));

        let carry = |key: &Key| {
            let mut body = theirs.backend().read(key, None).unwrap().unwrap().body;
            ours.accept(key, PutMode::Overwrite, &mut body, 1000)
        };
        let lost = carry(&name.deployment_key(1)).unwrap_err();
        assert!(matches!(lost.kind(), ErrorKind::Lost { .. }), "{lost}");
        carry(&manifest_key(&release)).unwrap();
        assert!(carry(&name.deployment_key(1)).is_err());
        carry(&blob_key(&blob)).unwrap();
        assert_eq!(carry(&name.deployment_key(1)).unwrap(), PutResult::Written);
        // An envelope that names a missing pack does not replace a good one.
        let key = manifest_key(&release);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        ours.backend().read(&key, None).unwrap().unwrap().body.read_to_end(&mut before).unwrap();
        let pack = Digest::new([7; 32]);
        theirs.put_manifest(&manifest, &[pack].into()).unwrap();
        carry(&key).unwrap();
        ours.backend().read(&key, None).unwrap().unwrap().body.read_to_end(&mut after).unwrap();
        assert_eq!(before, after);
        assert_eq!(carry(&name.deployment_key(1)).unwrap(), PutResult::AlreadyExists);
        deployment.generation = 3;
        deployment.previous = Some(release);
        let bytes = deployment.to_bytes().unwrap();
        assert!(accept(&ours, &name.deployment_key(3), &bytes).is_err(), "2 is not there");
        assert!(accept(&ours, &name.deployment_key(2), &bytes).is_err(), "it is not 2");
    }
}
