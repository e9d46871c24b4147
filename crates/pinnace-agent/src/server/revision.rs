//! The identity of a deployed release.

use pinnace_store::Digest;

/// A generation of a service and its release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revision {
    pub(crate) generation: u64,
    pub(crate) release: Digest,
}
