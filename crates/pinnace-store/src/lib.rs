//! Content-addressed storage: contents by SHA-256, manifests of them, refs that point to manifests; and the
//! one place that publishes files.
//!
//! ```
//! use std::io::Read;
//! use pinnace_store::{Deployment, Manifest, MemoryBackend, Published, Store};
//! use serde_json::json;
//!
//! let store = Store::open(MemoryBackend::new())?;
//! let digest = store.put(&mut "hello".as_bytes())?;
//! assert_eq!(
//!     digest.to_string(),
//!     "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
//! );
//! let mut text = String::new();
//! store.get(&digest)?.expect("it was put").read_to_string(&mut text).unwrap();
//! assert_eq!(text, "hello");
//!
//! let manifest = Manifest::new("release", json!({ "layers": [digest.to_string()] })).unwrap();
//! let release = store.put_manifest(&manifest, &Default::default())?;
//! store.hold(&release, None)?;
//! let mut deployment = Deployment::default();
//! deployment.release = Some(release);
//! let published = store.publish(&"wanted/shop".parse().unwrap(), None, deployment)?;
//! assert!(matches!(published, Published::Done(step) if step.generation == 1));
//! # Ok::<(), pinnace_store::Error>(())
//! ```
//!
//! # What is promised
//!
//! - **Atomic.** An object appears whole under its name or not at all: on disk it is written beside, and
//!   renamed ([`PendingFile`]). With [`Durability::Durable`] it is also synced before, and its
//!   folder after, so that it survives a power cut.
//! - **Verified.** What is read is hashed before it is handed out; what does not have its own digest is
//!   an error that names it, never data.
//! - **Healing.** Putting a content again replaces whatever lies under its name;
//!   [`check`](Store::check) finds what is damaged or missing, and copies it from another store.
//! - **Shared.** Any number of processes and machines use one store at once without locks. Refs move by
//!   compare-and-swap along numbered steps, of two writers of one step one is first, and
//!   [collecting](Store::collect) goes on beside writers.
//!
//! What stands in a store is specified in `docs/storage.md`, with vectors and a second implementation.
//!
//! # What is here
//!
//! [`Store`] is all of that over a [`Backend`]: [`LocalStore`] on disk, [`MemoryBackend`], `S3Backend` with the
//! `s3` feature, your own (which [`conformance`] tells whether it is one), and [`Prefixed`], [`Cached`],
//! [`Limited`] and [`Instrumented`] around any of them. Small contents travel together in packs ([`PackBuilder`]).
//!
//! [`LocalStore`] alone holds blobs, for those who need no more. [`Cache`] holds what can be made again, by
//! bucket and key: what it loses costs time, never an answer. Both stand on [`PendingFile`].

mod atomic_file;
mod backend;
mod blob;
mod cache;
mod check;
mod checksummed;
mod closure;
mod collect;
pub mod conformance;
mod deployment;
mod digest;
mod error;
mod ingest;
mod key;
mod local;
mod manifest;
mod manifests;
mod mark;
mod pack;
mod packs;
pub mod parallel;
mod refs;
mod retention;
mod store;
mod tombstones;
mod unopened;

pub use atomic_file::{Access, Durability, PendingFile, PendingFolder};
#[cfg(feature = "s3")]
pub use backend::S3Backend;
pub use backend::{
    Backend, Cached, Instrumented, LazyLocal, Limited, Listed, MemoryBackend, Meta, Prefixed,
    Progress, PutMode, PutResult, Reading, Upload,
};
pub use blob::{Blob, BlobWriter};
pub use cache::{Cache, CacheEntry};
pub use check::{Checked, Finding};
pub use closure::Locations;
pub use collect::Collected;
pub use deployment::{Deployment, ParseRefNameError, RefName};
pub use digest::{Digest, ParseDigestError};
pub use error::{Error, ErrorKind};
pub use key::{Key, ParseKeyError};
pub use local::LocalStore;
pub use manifest::{Manifest, ManifestError};
pub use manifests::Stored;
pub use mark::Keep;
pub use pack::{ContentKind, LARGEST_PACKED, Pack, PackBuilder, PackEntry, PackError, PackIndex};
pub use store::{Published, Store};
pub use unopened::{OnMissing, UnopenedStore};
