//! One file per verb.

pub(crate) mod build;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod lock;
pub(crate) mod merge;
pub(crate) mod pex;
pub(crate) mod releases;
pub(crate) mod run;
pub(crate) mod store;
pub(crate) mod verify;
