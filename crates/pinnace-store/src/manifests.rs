//! Manifests that are objects of their own.

use std::collections::BTreeSet;

use crate::{
    Digest, Error, Manifest, PutMode, Store, checksummed, content_key::manifest_key, manifest,
};

/// A manifest as it is stored, with the packs that hold its contents.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// The manifest.
    pub manifest: Manifest,
    /// Packs that hold contents it refers to. They are not part of its identity.
    pub packs: BTreeSet<Digest>,
}

/// The first line of a manifest's envelope.
const ENVELOPE: &str = "pinnace-manifest 1\n";
/// The largest number of packs in an envelope.
const MOST_PACKS: usize = 10_000;

impl Store {
    /// Stores a manifest as an object of its own, with the packs that hold its contents.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend fails.
    pub fn put_manifest(
        &self,
        manifest: &Manifest,
        packs: &BTreeSet<Digest>,
    ) -> Result<Digest, Error> {
        let mut bytes = ENVELOPE.to_owned();
        packs.iter().for_each(|pack| bytes.push_str(&format!("pack {pack}\n")));
        bytes.push('\n');
        let bytes = checksummed::seal(&[bytes.as_bytes(), manifest.as_bytes()].concat());
        let digest = manifest.digest();
        self.write(&manifest_key(&digest), &bytes, PutMode::Overwrite)?;
        Ok(digest)
    }

    /// Reads and verifies a manifest that is an object of its own; returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Damaged`](crate::ErrorKind::Damaged) or
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the object is bad, or an error if
    /// the backend fails.
    pub fn manifest(&self, digest: &Digest) -> Result<Option<Stored>, Error> {
        let key = manifest_key(digest);
        let Some(bytes) = self.object(&key, 2 * manifest::LARGEST)? else { return Ok(None) };
        let (packs, manifest) =
            open_envelope(&bytes).map_err(|reason| Error::malformed(&key, &reason))?;
        self.check_digest(digest, &key, Digest::of(manifest))?;
        let manifest =
            Manifest::parse(manifest.to_vec()).map_err(|error| Error::malformed(&key, &error))?;
        Ok(Some(Stored { manifest, packs }))
    }
}

pub(crate) fn open_envelope(bytes: &[u8]) -> Result<(BTreeSet<Digest>, &[u8]), &'static str> {
    if bytes.starts_with(b"pinnace-manifest ") && !bytes.starts_with(ENVELOPE.as_bytes()) {
        return Err("it is of a newer format: use a newer pinnace");
    }
    let Some(bytes) = checksummed::open(bytes) else {
        return Err("its checksum does not match");
    };
    let Some(mut rest) = bytes.strip_prefix(ENVELOPE.as_bytes()) else {
        return Err("it is not a manifest of format 1");
    };
    let mut packs = BTreeSet::new();
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return Err("it is truncated");
        };
        let (line, more) = (&rest[..end], &rest[end + 1..]);
        rest = more;
        if line.is_empty() {
            return Ok((packs, rest));
        }
        let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("pack "));
        match line.and_then(|text| text.parse().ok()) {
            Some(digest) if packs.len() < MOST_PACKS => packs.insert(digest),
            _ => return Err("it names too many packs, or one that is not a digest"),
        };
    }
}
