//! What people write down: requirements files and projects.

mod line;
mod place;
mod pyproject;
mod requirements;
mod script;

pub use pyproject::{NamedIndex, Pyproject, Workspace};
pub use requirements::{IndexChoice, Inputs, LocalPath, Named, ReadText, RequirementsReader};
pub use script::ScriptMetadata;
