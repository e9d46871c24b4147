//! The laws of merging, and every kind of conflict.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conflicts;
mod laws;
#[cfg(unix)]
mod venv;
