//! Keys of contents: a folder, and the digits of the content's digest.

use crate::{Digest, Key};

pub(crate) fn blob_key(digest: &Digest) -> Key {
    content_key("blobs", digest)
}

pub(crate) fn pack_key(digest: &Digest) -> Key {
    content_key("packs", digest)
}

pub(crate) fn manifest_key(digest: &Digest) -> Key {
    content_key("manifests", digest)
}

fn content_key(folder: &str, digest: &Digest) -> Key {
    let hex = digest.to_hex();
    Key::of(format!("{folder}/{}/{}", &hex[..2], &hex[2..]))
}

/// Parses the key of a content into its folder and digest.
pub(crate) fn digest_of(key: &Key) -> Option<(&str, Digest)> {
    let mut parts = key.as_str().split('/');
    let (folder, start, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digest: Digest = format!("{start}{rest}").parse().ok()?;
    let is_folder = matches!(folder, "blobs" | "packs" | "manifests");
    (is_folder && *key == content_key(folder, &digest)).then_some((folder, digest))
}
