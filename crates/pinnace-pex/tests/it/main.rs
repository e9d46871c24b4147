//! What a PEX file holds and how it boots. Item numbers are those of the pex tool's behaviours that
//! `docs/pex.md` lists.

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
