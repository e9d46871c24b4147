//! The interpreters of a machine, found on `PATH` and behind pyenv's shims.

mod all;
mod find;

pub use all::{Interpreters, LocalInterpreters};
pub use find::find_python;
pub(crate) use find::{interpreter, interpreter_like};
