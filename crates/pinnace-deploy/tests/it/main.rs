//! Tests of releases and deployments through the library.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod deploy;
mod history;
mod host;
mod install;
mod race;
mod release;
mod watch;
mod world;
