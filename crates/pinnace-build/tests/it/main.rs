//! Tests of builds through the library.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod build;
mod inputs;
mod lock;
mod project;
mod scan;
mod sdist;
mod wheel_source;
mod world;
