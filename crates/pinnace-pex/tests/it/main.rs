//! The contents of PEX files and their start. Item numbers refer to the behaviours of the pex tool
//! that `docs/pex.md` lists.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod boot;
mod build;
mod fixture;
mod interpreters;
mod isolation;
mod large;
mod layouts;
mod members;
mod merging;
mod regressions;
mod settings;
mod unpack;
