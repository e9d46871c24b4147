//! From requirements and code to wheels and a PEX file, in one call.
//!
//! [`Build`] does what the `pinnace build` command does: it reads requirements, projects and workspaces, resolves or
//! takes a lock, downloads wheels and builds the missing ones, checks the set as a whole, and writes one file.
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
//! # The steps
//!
//! Each step is a value to look at or replace:
//!
//! 1. [`InputSpec`] names the inputs; [`Inputs::read`] turns them into one request. [`ProjectMetadata`] reads projects,
//!    and asks a build backend where their files leave something open.
//! 2. A [`Selection`] holds exact files: from the resolver, or [`Selection::from_lock`].
//! 3. A [`WheelSet`] holds wheels in the [`Cache`], [checked as a whole](WheelSet::check). [`Builds`] builds those that
//!    the index has only as source distributions (PEP 517), with a [`Builder`] such as [`LocalBuilder`].
//! 4. A [`PexBuilder`](pinnace_pex::PexBuilder) holds the file, and a [`PexOutput`] its destination.
//!
//! # Surroundings
//!
//! [`Env`] is a snapshot of variables, folder and clock that the caller takes; nothing else in this crate reads them.
//! A [`Context`] adds the cache, the [`Network`], credentials, and a [`Progress`] that observes and cancels. Nothing is
//! printed. Errors carry facts in their [`ErrorKind`]; a program maps them to its own remedies.
//!
//! # Projects
//!
//! [`Settings`] are what a project says of itself in `[tool.pinnace]`, `pinnace.toml` or `dagster_cloud.yaml`. A [`Scan`]
//! finds the files that ship, by [`Rules`] and ignore files; files that did not change since the last scan are not read.
//! [`LocalDistribution`] is the project as an installer would install it.

mod assemble;
mod build;
mod build_spec;
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
mod pep517;
mod pex_output;
mod platforms;
mod process_group;
mod progress;
mod project;
mod rules;
mod scan;
mod scan_index;
mod select;
mod timings;
mod tree_file;
mod unpack;
mod wheel;
mod wheel_set;
mod wheel_source;

pub use build::{Build, Built, BuiltFile};
pub use build_spec::{BuildSpec, Emptiness, ScriptBlock, Split};
pub use cache::Cache;
pub use cancel::CancellableWriter;
pub use context::{Context, http_options};
pub use env::{Env, unix_time};
pub use error::{Error, ErrorKind, OutputProblem, ProjectOption, Sdists};
pub use file_spec::{FileSpec, Layout, Program};
pub use index_credentials::{IndexCredentials, Keyring};
pub use index_sources::IndexSpec;
pub use inputs::{InputSpec, Inputs, SolveSpec, lock_of_project};
pub use interpreters::{Interpreters, LocalInterpreters, find_python};
pub use locking::{LockSpec, Locked, lock};
pub use network::Network;
pub use output_file::{create_output, resolve_output};
#[doc(hidden)]
pub use pep517::fuzzing;
pub use pep517::{
    BackendMetadata, BuildOutput, BuildRequest, Builder, Builds, BuiltWheel, CachePolicy,
    LocalBuilder, Refresh, local_builder,
};
pub use pex_output::{PexOutput, PexWritten};
pub use platforms::{PlatformSpec, Preference, assumptions, targets, targets_of_files};
pub use progress::{Progress, Step};
pub use project::{
    DEFAULT_PORT, Drain, ImportRoots, LocalDistribution, Metadata, MetadataSource, Process,
    ProjectDefaults, ProjectMetadata, Ready, Settings, Stop, import_roots, is_variable_name,
    prepare, read_project,
};
pub use rules::{Reason, Rules};
pub use scan::{LeftOut, Scan};
pub use scan_index::ScanIndex;
pub use select::{LockOptions, Requirements, Selection};
pub use timings::Timings;
pub use tree_file::{FileMode, TreeFile};
pub use unpack::{UnpackedWheels, env_interpreter};
pub use wheel::Wheel;
pub use wheel_set::WheelSet;
pub use wheel_source::WheelSource;
