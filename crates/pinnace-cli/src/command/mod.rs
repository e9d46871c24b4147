//! One file per verb.

pub(crate) mod build;
pub(crate) mod info;
pub(crate) mod lock;
pub(crate) mod pex;
