//! Releases of Python projects: made from a folder, published to a store, fetched from it, laid out, and
//! written out as PEX files.
//!
//! ```
//! use std::collections::BTreeMap;
//! use pinnace_deploy::{Index, Ingredients, Machine, Rules, Scan, Service, SourceFolder, WheelSet};
//! use pinnace_store::{Deployment, MemoryBackend, Published, Store};
//! use pinnace_wheel::{Libc, Target};
//!
//! # let (project, cache) = (tempfile::tempdir()?, tempfile::tempdir()?);
//! # std::fs::File::create(project.path().join("app.py"))?;
//! // What ships of a folder, for which platform.
//! let rules = Rules::new(&[], &["tests/".to_owned()])?;
//! let scan = Scan::of(project.path(), &rules, &Index::default(), 2)?;
//! let target = Target::cpython_on_linux("3.12", "x86_64", Libc::Glibc { major: 2, minor: 28 })?;
//! let ingredients = Ingredients::new(target.clone(), WheelSet::new(target.to_string(), vec![]))
//!     .with_source(SourceFolder::new("app", project.path(), scan));
//!
//! // What a service is at, what its next release is, and that made live.
//! let (store, machine) = (Store::open(MemoryBackend::new())?, Machine::open(cache.path())?);
//! let name = "wanted/app".parse()?;
//! let service = Service::new(&store, &machine, &name);
//! let live = service.look()?;
//! let draft = ingredients.make(&live, &machine, 2)?.draft()?;
//! service.put(&live, &draft)?;
//! let step = service.go_live(&live, &draft.digest(), Deployment::default())?;
//! assert!(matches!(step, Published::Done(step) if step.generation == 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a release is
//!
//! A [`Release`] is a manifest: a platform, layers in the order of merging, processes, the names of environment
//! variables. Its digest is its identity; who made it live, when and why stands in the deployment record of the
//! store. Source is a [`Tree`] with a manifest for each folder, so that what did not change keeps its digest;
//! dependencies are a [`WheelSet`], whose wheels are what the index served, byte for byte.
//!
//! # What is looked at, and what moves
//!
//! [`Scan`] tells what of a project ships, by [`Rules`] and ignore files; of files that did not change since the
//! last look it reads the marks only. [`Service::look`] asks a store what is live; where the machine knows that
//! already, the answers to three questions that go out at once are enough. [`Service::put`] writes what the live
//! release does not have: the changed files and the folders that they are in as one pack, the manifest beside it,
//! wheels and what is large by themselves. [`Service::go_live`] is one conditional write, so that of two
//! deployers one is first and the other is told.
//!
//! # Where it runs
//!
//! [`Contents`] is a release out of a store. [`Machine::lay`] makes an environment of it, once: wheels are unpacked
//! once per machine and shown by links, source is a private copy, and what is not whole counts for nothing.
//! [`Host`] does so for the interpreter that the release is for; [`Laid::command`] is how its processes start.
//! [`Contents::export`] writes `deps.pex` and `source.pex` by the boot code that the release names, and says so if
//! the bytes are not those that they were.
//!
//! Resolving is for the caller, with `pinnace_wheel`; nothing here reads the clock, the environment, or
//! prints.

mod build;
mod bytecode;
mod contents;
mod dagster;
mod distribution;
mod draft;
mod error;
mod export;
mod host;
mod index;
mod lay;
mod live;
mod machine;
mod make;
mod process;
mod project;
mod prune;
mod publish;
mod release;
mod rules;
mod scan;
mod settings;
mod start;
mod tree;

#[doc(hidden)]
pub use build::fuzzing;
pub use build::{Ask, Builder, Builds, Built, Described, LocalBuilder, Order, Product, Trust};
pub use contents::Contents;
pub use draft::Draft;
pub use error::{Error, ErrorKind};
pub use export::Export;
pub use host::{Fetched, Host, Pythons};
pub use index::Index;
pub use lay::Laid;
pub use live::{Live, Service};
pub use machine::Machine;
pub use make::{Ingredients, Made, SourceFolder};
pub use process::{Drain, Metadata, Process, Ready, Stop};
pub use project::{SaidBy, read_project};
pub use publish::Moved;
pub use release::{Exports, Layer, LayerKind, LocalDistribution, Release, Wheel, WheelSet};
pub use rules::{Reason, Rules};
pub use scan::{LeftOut, Scan};
pub use settings::Settings;
pub use start::{Endpoint, Variables, is_variable_name};
pub use tree::{FileMode, Tree, TreeFile};
