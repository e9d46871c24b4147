//! Fixtures that are themselves right: wheels, the index and its faults.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod index;
mod wheel;
