//! The inputs of a build: requirements, constraints and projects, read into one request.

mod project;
mod read;
mod spec;
mod workspace;

pub use project::lock_of_project;
pub use read::Inputs;
pub use spec::{InputSpec, SolveSpec};
