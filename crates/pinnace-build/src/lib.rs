//! Builds PEX files from requirements and code: resolving, locking, downloading, building and writing.
//!
//! [`Build`] does in one call the work of the `pinnace build` command. It reads requirements, projects and
//! workspaces, resolves them or uses a lock, downloads wheels, builds source distributions, checks the wheels
//! as a whole, and writes one file:
//!
//! ```
//! use pinnace_build::{Build, Cache, Env};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir(folder.path().join("src"))?;
//! # std::fs::File::create(folder.path().join("src/app.py"))?;
//! let env = Env::new(folder.path()).with_variable("PINNACE_CACHE_DIR", "cache");
//! let cache = Cache::open(&env.cache_folder()?)?;
//! let built = Build::new(&env, &cache)
//!     .code("src")
//!     .platform("manylinux_2_28_x86_64-cp312")?
//!     .program(pinnace_build::Program::entry_point("app")?)
//!     .write("app.pex")?;
//! assert!(folder.path().join("app.pex").is_file());
//! assert!(built.wheels.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`lock`] resolves without building, and writes a `pylock.toml` (PEP 751).
//!
//! # Steps
//!
//! Each step of a build is a public type, so that a program can inspect or replace it:
//!
//! 1. [`InputSpec`] names the inputs. [`Inputs::read`] reads them into one request for the resolver. A
//!    [`ProjectMetadata`] reads projects, and queries a project's build backend for metadata that its files lack.
//! 2. A [`Selection`] holds the pins for a platform, either from the resolver ([`WheelSource::select`]) or from
//!    a lock ([`Selection::from_lock`]).
//! 3. A [`WheelSet`] holds the wheels of a selection, which are in the [`Cache`] and were [checked as a
//!    whole](WheelSet::check). [`Builds`] builds source distributions (PEP 517) with a [`Builder`] such as
//!    [`LocalBuilder`].
//! 4. A [`PexBuilder`](pinnace_pex::PexBuilder) holds the contents of the file, and a [`PexOutput`] writes it.
//!
//! ```
//! use pinnace_build::{
//!     Cache, Context, Env, IndexSpec, InputSpec, Inputs, Layout, PexOutput, PlatformSpec, ProjectMetadata,
//!     Requirements, SolveSpec, WheelSource, local_builder, targets,
//! };
//! use pinnace_pex::{EntryPoint, PexBuilder};
//!
//! # let folder = tempfile::tempdir()?;
//! # std::fs::create_dir(folder.path().join("src"))?;
//! # std::fs::File::create(folder.path().join("src/app.py"))?;
//! # let env = Env::new(folder.path()).with_variable("PINNACE_CACHE_DIR", "cache");
//! let cache = Cache::open(&env.cache_folder()?)?;
//! let cx = Context::new(&env, &cache)?;
//! let (mut inputs, mut platforms) = (InputSpec::default(), PlatformSpec::default());
//! inputs.code.push("src".into()); // and `inputs.requirements.push("flask>=3".into())`
//! platforms.platforms.push("manylinux_2_28_x86_64-cp312".into());
//! let target = targets(&platforms, &env, &cache)?.remove(0); // one for each platform that is named
//! let indexes = IndexSpec::default(); // the configured index
//!
//! let projects = ProjectMetadata::new(&cx, &indexes, Some(&target), None);
//! let inputs = Inputs::read(&inputs, &SolveSpec::default(), &env, &projects)?;
//! let index = inputs.index(&cx, &indexes, None)?;
//! let builder = local_builder(&cx, &index, &inputs.request, &target, None);
//! let source = WheelSource::new(&cx, &index, builder.as_ref(), &target);
//! let selection = source.select(&inputs.request, &inputs, Requirements::All)?;
//! let wheels = source.wheels(&selection)?;
//!
//! let mut pex = PexBuilder::new();
//! wheels.add_to(&mut pex);
//! selection.folders.iter().try_for_each(|folder| pex.add_folder(folder).map(drop))?;
//! pex.set_entry_point(EntryPoint::parse("app")?);
//! let output = PexOutput::open("app.pex".as_ref(), Layout::Zipapp, &env)?;
//! output.write(&pex, &cache, cx.progress(), env.threads)?;
//! assert!(folder.path().join("app.pex").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Environment
//!
//! The caller takes an [`Env`], a snapshot of variables, current folder and clock; no other code in this crate
//! reads them. A program that runs for long takes a new one for each build, so that its time is right. A [`Context`] adds the cache, the [`Network`], credentials, and a [`Progress`] that observes and
//! cancels. The crate prints nothing. An error carries its facts in an [`ErrorKind`], from which a program
//! derives its own hints.
//!
//! # Projects
//!
//! [`Settings`] are the project's own configuration in `[tool.pinnace]`, `pinnace.toml` or
//! `dagster_cloud.yaml`. A [`Scan`] finds the files that ship, by [`Rules`] and ignore files; it does not read
//! files that are unchanged since the last scan. A [`LocalDistribution`] is the project as an installed
//! distribution.

mod assemble;
mod build;
mod build_job;
mod build_spec;
mod built;
mod cache;
mod cancel;
mod context;
mod env;
mod error;
mod file_spec;
mod index_credentials;
mod index_sources;
mod inputs;
mod interpreters;
mod lock_output;
mod locking;
mod network;
mod output_file;
mod output_problem;
mod pep517;
mod pex_output;
mod platforms;
mod process_group;
mod progress;
mod project;
mod project_option;
mod rules;
mod scan;
mod scan_index;
mod sdists;
mod select;
mod timings;
mod tree_file;
mod unpack;
mod wheel;
mod wheel_set;
mod wheel_source;

pub use build::Build;
pub use build_spec::{BuildSpec, Emptiness, ScriptBlock, Split};
pub use built::{Built, BuiltFile};
pub use cache::Cache;
pub use cancel::CancellableWriter;
pub use context::{Context, http_options};
pub use env::{Env, unix_time};
pub use error::{Error, ErrorKind};
pub use file_spec::{FileSpec, Layout, Program};
pub use index_credentials::{IndexCredentials, Keyring};
pub use index_sources::IndexSpec;
pub use inputs::{InputSpec, Inputs, SolveSpec, lock_of_project};
pub use interpreters::{Interpreters, LocalInterpreters, find_python};
pub use locking::{LockSpec, Locked, lock};
pub use network::Network;
pub use output_file::{create_output, resolve_output};
pub use output_problem::OutputProblem;
#[doc(hidden)]
pub use pep517::fuzzing;
pub use pep517::{
    BackendMetadata, BuildOutput, BuildRequest, Builder, Builds, BuiltWheel, CachePolicy,
    LocalBuilder, Refresh, local_builder,
};
pub use pex_output::{PexOutput, PexWritten};
pub use platforms::{PlatformSpec, Preference, assumptions, targets, targets_of_files};
pub use process_group::ProcessGroup;
pub use progress::{Progress, Step};
pub use project::{
    DEFAULT_PORT, Drain, ImportRoots, LocalDistribution, LogPattern, Metadata, MetadataSource,
    Process, ProjectDefaults, ProjectMetadata, Ready, Settings, Signal, Stop, import_roots,
    is_variable_name, prepare, read_project,
};
pub use project_option::ProjectOption;
pub use rules::{Reason, Rules};
pub use scan::{LeftOut, Scan};
pub use scan_index::ScanIndex;
pub use sdists::Sdists;
pub use select::{LockOptions, Requirements, Selection};
pub use timings::Timings;
pub use tree_file::{FileMode, TreeFile};
pub use unpack::{UnpackedWheels, env_interpreter};
pub use wheel::Wheel;
pub use wheel_set::WheelSet;
pub use wheel_source::WheelSource;
