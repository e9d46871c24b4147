//! Tests of names, versions, tags, indexes and resolution.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod index;
mod inputs;
mod locks;
mod names;
mod public;
mod resolving;
mod settings;
mod site;
mod targets;
mod universes;
mod vectors;

use pinnace_wheel::{Libc, Target};

/// Returns CPython 3.11 on Debian 12.
pub(crate) fn target() -> Target {
    let libc = Libc::Glibc { major: 2, minor: 36 };
    Target::cpython_on_linux("3.11.7", "x86_64", libc).unwrap()
}
