//! Inputs that users write: requirements files, projects and scripts.

mod document;
mod line;
mod place;
mod poetry;
mod pyproject;
mod requirements;
mod script;
mod setup_cfg;
mod sources;

pub use document::Workspace;
pub use pyproject::{NamedIndex, Pyproject};
pub use requirements::{IndexChoice, Inputs, LocalPath, Named, ReadText, RequirementsReader};
pub use script::ScriptMetadata;
