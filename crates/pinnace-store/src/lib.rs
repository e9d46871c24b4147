//! A content-addressed store: contents named by their SHA-256, manifests that list them, and refs
//! that point to manifests. The crate is also the one place that publishes files.
//!
//! A deployer puts its contents, puts a manifest that refers to them, and publishes a deployment of
//! a ref:
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
//! assert!(matches!(published, Published::Done(deployment) if deployment.generation == 1));
//! # Ok::<(), pinnace_store::Error>(())
//! ```
//!
//! # Guarantees
//!
//! - **Atomic.** An object appears whole under its name or not at all. On disk it is written beside
//!   its name and then renamed ([`PendingFile`]). With [`Durability::Durable`] the file is also
//!   synced before the rename and its folder after it, so that it survives a power cut.
//! - **Verified.** The store hashes what it reads before it hands it out. Bytes that do not match
//!   their digest are an error that names the object, never data.
//! - **Healing.** Putting a content again replaces whatever lies under its name.
//!   [`check`](Store::check) finds damaged and missing objects, and copies them from another store.
//! - **Shared.** Any number of processes and machines use one store at once without locks. A ref
//!   advances by compare-and-swap along numbered deployments: of two writers of one generation, one
//!   is first. [Garbage collection](Store::collect) runs beside writers.
//!
//! The format of a store is specified in `docs/storage.md`, with test vectors and a second
//! implementation.
//!
//! # Overview
//!
//! [`Store`] provides all of this over a [`Backend`]: [`LocalStore`] on disk, [`MemoryBackend`],
//! `S3Backend` with the `s3` feature, or your own, which [`conformance`] tests. [`Prefixed`],
//! [`Cached`], [`Limited`] and [`Instrumented`] wrap any backend. Small contents travel together in
//! packs ([`PackBuilder`]).
//!
//! [`LocalStore`] alone holds blobs, for callers that need no more. [`Cache`] holds reproducible
//! data by bucket and key: losing an entry costs time, never an answer. Both build on
//! [`PendingFile`].

mod atomic_file;
mod atomic_folder;
mod backend;
mod blob;
mod blob_writer;
mod cache;
mod check;
mod checksummed;
mod closure;
mod collect;
pub mod conformance;
mod content_key;
mod copy;
mod deployment;
mod digest;
mod error;
mod folders;
mod hashing;
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

pub use atomic_file::{Access, Durability, PendingFile};
pub use atomic_folder::PendingFolder;
#[cfg(feature = "s3")]
pub use backend::S3Backend;
pub use backend::{
    Backend, Cached, Instrumented, LazyLocal, Limited, Listed, MemoryBackend, Meta, Prefixed,
    Progress, PutMode, PutResult, Reading, Upload,
};
pub use blob::Blob;
pub use blob_writer::BlobWriter;
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
