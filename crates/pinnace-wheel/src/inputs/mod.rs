//! Inputs that users write: requirements files, projects and scripts.

mod content;
mod document;
mod line;
mod place;
mod poetry;
mod pyproject;
mod requirements;
mod script;
mod setup_cfg;
mod sources;
mod tables;

pub use content::{IndexChoice, Inputs, LocalPath, Named};
pub use document::Workspace;
pub use pyproject::{NamedIndex, Pyproject};
pub use requirements::{ReadText, RequirementsReader};
pub use script::ScriptMetadata;
