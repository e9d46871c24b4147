//! Tests of the command against an index on loopback, with real interpreters.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agent;
mod build;
mod building;
mod deploy;
mod environments;
mod errors;
mod formats;
mod interrupt;
mod lock;
mod merge;
mod pex;
mod projects;
mod reproducible;
mod store;
mod world;
