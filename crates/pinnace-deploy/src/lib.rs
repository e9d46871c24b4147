//! Releases of Python projects: made from a folder, published to a store, brought live, fetched, materialized, and
//! exported as PEX files.
//!
//! [`Deployer`] does what the `pinnace deploy` command does, in one call:
//!
//! ```
//! use pinnace_build::{Cache, Context, Env};
//! use pinnace_deploy::{DeployOptions, Deployer, Project};
//! use pinnace_store::{MemoryBackend, Store};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::File::create(folder.path().join("app.py"))?;
//! # let (project, cache) = (folder.path(), folder.path().join("cache"));
//! let (env, store) = (Env::read()?, Store::open(MemoryBackend::new())?);
//! let cache = Cache::open(&cache)?;
//! let cx = Context::new(&env, &cache)?;
//! let project = Project::open(project, &env)?;
//! let done = Deployer::new(&store, &cx).deploy(&project, &"shop".parse()?, &DeployOptions::default())?;
//! assert!(done.is_new());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Releases
//!
//! A [`Release`] is a manifest: a platform, layers in the order of merging, processes, and the names of environment
//! variables. Its digest is its identity. The deployment record in the store says who made it live, when and why.
//! Source is a [`Tree`] with a manifest for each folder, so that an unchanged folder keeps its digest. Dependencies are a
//! [`WheelLayer`], whose wheels are the bytes that the index served.
//!
//! # The steps of a deployment
//!
//! 1. [`Service::look`] reads the [`Head`] of the service. If this machine remembers it, three concurrent requests confirm
//!    it.
//! 2. A [`Scan`] finds the files that ship. The dependencies come from a lock, from the live release
//!    (the fast path), or from the resolver (the full path).
//! 3. [`ReleaseInputs::draft`] makes the release.
//! 4. [`Service::put`] uploads the contents that the live release does not have: changed files and their folders as one
//!    pack, the manifest, and wheels and large files as objects of their own.
//! 5. [`Service::go_live`] is one conditional write: of two deployers, the first one wins, and the other is told.
//! 6. A [`Host`], such as an agent, starts the release; the deployment waits until it is live there.
//!
//! [`Rollback`], [`stop_service`] and [`failed_generations`] work on the history of a service. A [`Watcher`] sees edits of a
//! project.
//!
//! # Running a release
//!
//! [`Contents`] is a release of a store. An [`Installer`] fetches it for one of the machine's interpreters, and writes an
//! [`Environment`], once: wheels are unpacked once per machine and shown by links, source is a private copy, and an
//! incomplete environment counts as absent. [`Environment::command`] is the way to start a process in it.
//! [`Contents::export`] writes `deps.pex` and `source.pex` with the boot code that the release names, and fails if the bytes
//! are not those of the release.
//!
//! The surroundings are those of the [`Context`](pinnace_build::Context): nothing in this crate reads the clock or the
//! environment, or prints.

mod change_reason;
mod contents;
mod dependencies;
mod deployed;
mod deployer;
mod error;
mod export;
mod head;
mod history;
mod host;
mod installer;
mod materialize;
mod options;
mod previous_environment;
mod progress;
mod project;
mod prune;
mod publish;
mod record;
mod release;
mod release_draft;
mod release_inputs;
mod rollback;
mod service_name;
mod service_ref;
mod sources;
mod start;
mod tree;
mod watch;

pub use contents::Contents;
pub use deployed::{DeployPath, Deployed, Outcome, Plan};
pub use deployer::{Deployer, StoreSide};
pub use error::{Error, ErrorKind, HostError};
pub use export::Export;
pub use head::{Head, Service};
pub use history::{failed_generations, services, stop_service};
pub use host::{Host, HostPlatforms, NotLive, Rollout, RolloutAttempt, RolloutOutcome};
pub use installer::{Fetched, Installer};
pub use materialize::{Environment, Environments};
pub use options::{DependencyPolicy, DeployOptions, Effect, StoreMemory};
pub use pinnace_build::{
    Cache, Drain, FileMode, Interpreters, LocalDistribution, Metadata, Process, Ready, Rules, Scan,
    ScanIndex, Settings, Stop, TreeFile, Wheel, is_variable_name,
};
pub use progress::{Progress, Stage};
pub use project::Project;
pub use publish::TransferStats;
pub use record::deployment_record;
pub use release::{Exports, Layer, LayerKind, Release, WheelLayer};
pub use release_draft::ReleaseDraft;
pub use release_inputs::{ReleaseInputs, SourceFolder};
pub use rollback::Rollback;
pub use service_name::ServiceName;
pub use service_ref::find_release;
pub use sources::Sources;
pub use start::{Endpoint, Variables};
pub use tree::Tree;
pub use watch::{DOTENV, Snapshot, Watcher};
