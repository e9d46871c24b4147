//! Wheel compatibility and resolution: which wheels fit a platform, and which set of wheels
//! satisfies a request.
//!
//! # Does this wheel fit?
//!
//! ```
//! use pinnace_wheel::{Compatibility, Target};
//!
//! let target: Target = "manylinux_2_36_x86_64-cp312".parse()?;
//! let exact = target.rank(&"a-1-cp312-cp312-manylinux_2_17_x86_64.whl".parse()?);
//! let pure = target.rank(&"a-1-py3-none-any.whl".parse()?);
//! assert!(matches!((exact, pure), (Compatibility::Compatible(better), Compatibility::Compatible(worse)) if better < worse));
//! # Ok::<(), pinnace_wheel::Error>(())
//! ```
//!
//! # Which set of wheels solves this?
//!
//! [`resolve`] is a pure function over a [`Source`] of projects. [`MemorySource`] is a source
//! without network, for tests and for learning.
//!
//! ```
//! use pinnace_wheel::{MemorySource, Outcome, Request, Target, resolve};
//!
//! let mut source = MemorySource::new();
//! source.add("app-2.0-py3-none-any.whl", &["lib<2"])?;
//! source.add("lib-1.0-py3-none-any.whl", &[])?;
//! source.add("lib-2.0-py3-none-any.whl", &[])?;
//!
//! let target: Target = "manylinux_2_36_x86_64-3.12.4".parse()?;
//! let request = Request::new(["app".parse()?]);
//! let Outcome::Solved(resolution) = resolve(&source, &request, &target)? else {
//!     panic!("it has a solution")
//! };
//! let pins: Vec<_> = resolution.pins().iter().map(|pin| pin.version().to_string()).collect();
//! assert_eq!(pins, ["2.0", "1.0"]);
//! # Ok::<(), pinnace_wheel::Error>(())
//! ```
//!
//! A request without a solution is not an error. The answer is then [`Outcome::Unsolvable`], with
//! the facts that rule out a solution.
//!
//! # Input files
//!
//! [`RequirementsReader`] reads requirements files as pip does. [`Pyproject`] reads the
//! requirements of a project, [`Settings`] the indexes that pip and uv are configured with, and
//! [`Netrc`] credentials. Each of them parses text; the caller reads the files. A [`Request`]
//! combines the results. It keeps the origin of each requirement, so that explanations can show it.
//!
//! # Locks
//!
//! [`Lock::new`] combines the resolutions for several platforms into one lock, and
//! [`Lock::to_toml`] writes it as a `pylock.toml` (PEP 751). [`Lock::parse`] and [`UvLock::parse`]
//! read locks, and `select` takes the entries for one platform. Equal resolutions give equal text.
//!
//! # One platform at a time, exactly
//!
//! A [`Target`] is described, never assumed to be this machine. It comes from a text such as
//! `manylinux_2_28_aarch64-cp312`, from an [`Interpreter`] on this machine, or from a description
//! in full. For a part that the description leaves open, the target either assumes a value and
//! reports it ([`Target::assumptions`]), or has no value. A marker that reads a variable without a
//! value is an error that names the variable.
//!
//! Markers are evaluated to true or false. `Requires-Python` is applied in full, per file. Stable
//! releases come first: the resolver chooses a pre-release only if no stable release is left. It
//! chooses a yanked file only for an exact pin (PEP 592).
//!
//! # Indexes
//!
//! [`Index`] is the [`Source`] that reads simple indexes (PEP 503, PEP 691) and pages of links. All
//! its I/O goes through small traits, which can be implemented in memory:
//!
//! - [`Fetch`] is the network. The `http` feature has an adapter, and [`FileFetch`] adds local
//!   files.
//! - [`Cache`] holds data that can be downloaded or computed again.
//! - [`Wheels`] holds downloaded wheels.
//! - [`Members`] reads inside a zip.
//! - [`Credentials`] finds the user and password for an address.
//!
//! [`BuildingSource`] wraps a source with a builder, for releases whose metadata only a build can
//! tell.
//!
//! The crate opens no socket and reads no clock or environment variable on its own. All calls are
//! blocking, and all types are safe to share between threads.
//!
//! Three programs in `examples/` show complete uses: `in_memory`, `loopback_index` with its own
//! HTTP client, and `foreign_target`.

mod address;
mod building_source;
mod cache;
mod credentials;
mod error;
mod fetch;
mod file_fetch;
mod filename;
mod formats;
#[cfg(feature = "http")]
mod http;
mod index;
mod inputs;
mod interpreter;
mod lock;
mod marker;
mod members;
mod memory;
mod metadata;
mod name;
mod netrc;
mod progress;
mod project;
mod range;
mod read_at;
mod requirement;
mod resolve;
mod scan;
mod sdist;
mod settings;
mod sha256;
mod source;
mod specifier;
mod specifiers;
mod tag;
mod tags;
mod target;
mod timestamp;
mod version;
mod version_key;
mod wheels;

pub use address::Address;
pub use building_source::{BuildingSource, SdistMetadata};
pub use cache::{Cache, MemoryCache};
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use fetch::{ByteRange, Fetch, FetchError, GetRequest, Response};
pub use file_fetch::FileFetch;
pub use filename::{Artifact, BuildTag, SdistName, WheelName};
pub use formats::Formats;
#[cfg(feature = "http")]
pub use http::{HttpFetch, HttpOptions};
pub use index::{Downloaded, Index, IndexOptions, IndexParts};
pub use inputs::{
    IndexChoice, Inputs, LocalPath, Named, NamedIndex, Pyproject, ReadText, RequirementsReader,
    ScriptMetadata, Workspace,
};
pub use interpreter::Interpreter;
pub use lock::{Folder, FolderKind, Lock, Selection, Upgrade, UvLock, locked_versions};
pub use marker::{Marker, MarkerEnvironment, MarkerError, MarkerVariable};
pub use members::Members;
pub use memory::MemorySource;
pub use metadata::Metadata;
pub use name::{ExtraName, ProjectName};
pub use netrc::Netrc;
pub use progress::{Event, Progress, Silent};
pub use project::{File, MetadataFile, Project, Release};
pub use read_at::ReadAt;
pub use requirement::Requirement;
pub use resolve::{
    Dependencies, Explanation, Fact, LocalPin, Outcome, Pin, Prereleases, Request, Resolution,
    Satisfaction, Unfit, resolve,
};
pub use settings::{Settings, pip_configuration_files};
pub use source::Source;
pub use specifiers::Specifiers;
pub use tag::Tag;
pub use tags::{Compatibility, Incompatibility, Tags};
pub use target::{Assumption, Implementation, Libc, Platform, Python, Target, WindowsArchitecture};
pub use timestamp::parse_timestamp;
pub use version::Version;
pub use wheels::{MemoryWheels, Wheels};

/// Entry points for fuzzing internals that have no public type.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::index::parse_page;
}
