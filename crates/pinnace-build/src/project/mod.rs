//! Projects: their files, their settings, and the metadata of their build backends.

mod dagster;
mod defaults;
mod distribution;
mod import_roots;
mod log_pattern;
mod metadata;
mod prepare;
mod process;
mod read;
mod settings;
mod signal;

pub use defaults::{DEFAULT_PORT, ProjectDefaults};
pub use distribution::LocalDistribution;
pub use import_roots::{ImportRoots, import_roots};
pub use log_pattern::LogPattern;
pub use metadata::ProjectMetadata;
pub use prepare::prepare;
pub use process::{Drain, Metadata, Process, Ready, Stop, is_variable_name};
pub(crate) use read::read_text;
pub use read::{MetadataSource, read_project};
pub use settings::Settings;
pub use signal::Signal;
