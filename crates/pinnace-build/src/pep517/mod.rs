//! A frontend for build backends (PEP 517): it builds wheels from source distributions and caches them.
//!
//! A [`Builder`] builds a wheel from a folder of source; [`LocalBuilder`] does so on this machine. [`Builds`]
//! wraps a builder: it unpacks the download, checks the wheel, and caches it by source, platform and builder, on
//! this machine and optionally in a team's store.

mod backend_metadata;
mod builder;
mod builds;
mod check;
mod elf;
mod hook;
mod key;
mod local;
mod sdist;
mod shared;
mod system;

pub use backend_metadata::{BackendMetadata, Refresh};
pub use builder::{BuildOutput, BuildRequest, Builder};
pub use builds::{Builds, BuiltWheel};
pub use local::{LocalBuilder, local_builder};
pub use sdist::fuzzing;
pub use shared::CachePolicy;
