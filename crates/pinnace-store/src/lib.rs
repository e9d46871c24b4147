//! Content-addressed storage on the local disk, and the one place that publishes files.
//!
//! ```
//! use std::io::Read;
//! use pinnace_store::{Durability, LocalStore};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let store = LocalStore::open(folder.path(), Durability::Durable)?;
//! let digest = store.put(&mut "hello".as_bytes())?;
//! assert_eq!(
//!     digest.to_string(),
//!     "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
//! );
//! let mut text = String::new();
//! store.get(&digest)?.expect("it was put").read_to_string(&mut text).unwrap();
//! assert_eq!(text, "hello");
//! # Ok::<(), pinnace_store::Error>(())
//! ```
//!
//! # What is promised
//!
//! - **Atomic.** A file appears whole under its name or not at all: it is written beside, and
//!   renamed ([`PendingFile`]). With [`Durability::Durable`] it is also synced before, and its
//!   folder after, so that it survives a power cut.
//! - **Verified.** [`LocalStore::get`] hashes a blob before it hands it out; a blob that does not
//!   have its own digest is an error that names it, never data.
//! - **Healing.** Putting a blob again replaces whatever lies under its name.
//! - **Shared.** Any number of processes use one store at once without locks: every writer has a
//!   temporary file of its own, and two writers of one blob write the same bytes.
//!
//! # What is here
//!
//! [`LocalStore`] holds blobs by [`Digest`]. [`Cache`] holds what can be made again, by bucket and
//! key: what it loses costs time, never an answer. Both stand on [`PendingFile`].

mod backend;
mod blob;
mod cache;
mod check;
mod collect;
pub mod conformance;
mod deployment;
mod digest;
mod error;
mod hold;
mod key;
mod local;
mod manifest;
mod pack;
mod publish;
mod store;
mod trace;

#[cfg(feature = "s3")]
pub use backend::S3Backend;
pub use backend::{
    Backend, Cached, Condition, Finished, Limited, Listed, MemoryBackend, Meta, Prefixed, Reading,
    Upload,
};
pub use blob::{Blob, BlobWriter};
pub use cache::{Cache, CacheEntry};
pub use check::{Checked, Finding};
pub use collect::Collected;
pub use deployment::{Deployment, ParseRefNameError, RefName};
pub use digest::{Digest, ParseDigestError};
pub use error::{Error, ErrorKind};
pub use key::{Key, ParseKeyError};
pub use local::LocalStore;
pub use manifest::{Manifest, ManifestError};
pub use pack::{ContentKind, LARGEST_PACKED, Pack, PackBuilder, PackEntry, PackError, PackIndex};
pub use publish::{Access, Durability, PendingFile, PendingFolder};
pub use store::{Published, Store, Stored};
pub use trace::Keep;
