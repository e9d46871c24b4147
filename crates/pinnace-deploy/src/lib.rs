//! Deploys Python projects: makes releases, publishes them to a store, and runs them on any machine with access
//! to it.
//!
//! [`Deployer`] does in one call the work of the `pinnace deploy` command:
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
//! A [`Release`] is a manifest: a platform, source and wheel layers in the order of merging, processes, and the
//! names of environment variables. Its digest is its identity. The record of a deployment holds the author,
//! time and reason. A source layer is a [`Tree`] with one manifest for each folder, so that an unchanged folder
//! keeps its digest. The dependencies are a [`WheelLayer`], whose wheels have the bytes that the index served.
//!
//! # Steps of a deployment
//!
//! 1. [`Service::look`] reads the [`Head`] of the service. If the cache has it, three concurrent requests
//!    validate it.
//! 2. A [`Scan`] finds the files that ship. The dependencies come from a lock, from the live release (the fast
//!    path), or from the resolver (the full path).
//! 3. [`ReleaseInputs::draft`] assembles the release.
//! 4. [`Service::put`] uploads the contents that the live release lacks: changed files and their folders as one
//!    pack, wheels and large files as objects of their own, and the manifest.
//! 5. [`Service::go_live`] publishes the deployment by a conditional write. Of two concurrent deployers, the
//!    first one wins; the other one gets [`ErrorKind::Superseded`].
//! 6. A [`Host`], such as an agent, launches the release. The deployer waits until it is live there.
//!
//! [`Store::history`](pinnace_store::Store::history) lists the deployments of a service, by the ref
//! [`ServiceName::wanted`]. [`Rollback`] and [`stop_service`] add one, and [`failed_generations`] finds those that
//! agents could not launch. A [`Watcher`] detects edits of a project.
//!
//! # Running a release
//!
//! [`Contents`] reads a release of a store. An [`Installer`] downloads it for one of the machine's
//! interpreters, and materializes an [`Environment`] once. Wheels are unpacked once per machine and linked into
//! environments; source is a private copy. An incomplete environment counts as absent. [`Environment::command`]
//! creates the command of a process:
//!
//! ```
//! use std::sync::Arc;
//! use pinnace_build::{Cache, Env, LocalInterpreters};
//! use pinnace_deploy::{Endpoint, Installer, ServiceName, Variables, find_release};
//! use pinnace_store::{Durability, LocalStore, Store};
//!
//! # let folder = tempfile::tempdir()?;
//! # let env = Env::read()?;
//! # std::fs::create_dir(folder.path().join("shop"))?;
//! # std::fs::File::create(folder.path().join("shop/app.py"))?;
//! # let (project, folder) = (folder.path().join("shop"), folder.path());
//! let store = Store::open(LocalStore::open(folder.join("store"), Durability::Durable)?)?;
//! let cache = Arc::new(Cache::open(&folder.join("cache"))?);
//! let service: ServiceName = "shop".parse()?;
//! # let cx = pinnace_build::Context::new(&env, &cache)?;
//! # let project = pinnace_deploy::Project::open(project, &env)?;
//! # pinnace_deploy::Deployer::new(&store, &cx).deploy(&project, &service, &Default::default())?;
//! for deployment in store.history(service.wanted(), 10)? {
//!     println!("{} by {}", deployment.generation, deployment.by);
//! }
//!
//! let interpreters = LocalInterpreters::new(None, env.clone(), Arc::clone(&cache));
//! let installer = Installer::new(&cache, &interpreters, env.threads);
//! let fetched = installer.fetch(&store, &find_release("shop", &store, &cache)?)?;
//! let environment = installer.materialize(&fetched, None)?;
//! let words = ["python", "-c", "import app"].map(String::from);
//! let command = environment.command(&words, &Endpoint::of_port(0), Variables::Inherited, env.variable("PATH"));
//! assert!(command.ok_or("no words")?.status()?.success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Contents::export`] writes `deps.pex` and `source.pex` with the boot code
//! of the release, and fails if their bytes differ from those of the release.
//!
//! The crate takes its environment from a [`Context`](pinnace_build::Context). It reads neither the clock nor
//! environment variables, and prints nothing.

mod change_reason;
mod contents;
mod dependencies;
mod deploy_job;
mod deployed;
mod deployer;
mod destination;
mod error;
mod export;
mod head;
mod history;
mod host;
mod host_checks;
mod installer;
mod materialize;
mod options;
mod placeholders;
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
mod rollout;
mod service_name;
mod service_ref;
mod source_folder;
mod source_side;
mod sources;
mod start;
mod tree;
mod watch;

pub use contents::Contents;
pub use deployed::{DeployPath, Deployed, Outcome, Plan};
pub use deployer::Deployer;
pub use destination::StoreSide;
pub use error::{Error, ErrorKind, HostError};
pub use export::Export;
pub use head::{Head, Service};
pub use history::{failed_generations, services, stop_service};
pub use host::{Host, HostPlatforms};
pub use installer::{Fetched, Installer};
pub use materialize::{Environment, Environments};
pub use options::{DependencyPolicy, DeployOptions, Effect, StoreMemory};
pub use pinnace_build::{
    Cache, Drain, FileMode, Interpreters, LocalDistribution, LogPattern, Metadata, Process,
    ProcessGroup, Ready, Rules, Scan, ScanIndex, Settings, Signal, Stop, TreeFile, Wheel,
    is_variable_name,
};
pub use progress::{Progress, Stage};
pub use project::Project;
pub use publish::TransferStats;
pub use record::deployment_record;
pub use release::{Exports, Layer, LayerKind, Release, WheelLayer};
pub use release_draft::ReleaseDraft;
pub use release_inputs::ReleaseInputs;
pub use rollback::Rollback;
pub use rollout::{NotLive, Rollout, RolloutAttempt, RolloutOutcome};
pub use service_name::ServiceName;
pub use service_ref::find_release;
pub use source_folder::SourceFolder;
pub use sources::Sources;
pub use start::{Endpoint, Variables};
pub use tree::Tree;
pub use watch::{DOTENV, Snapshot, Watcher};
