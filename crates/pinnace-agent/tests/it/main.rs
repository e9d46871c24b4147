//! An agent, with real processes of a real interpreter.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod guard;
mod recovery;
mod remote;
mod routes;
mod swap;
mod world;
