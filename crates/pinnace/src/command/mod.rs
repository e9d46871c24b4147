//! The commands, one per file.

pub(crate) mod agent;
pub(crate) mod build;
pub(crate) mod deploy;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod lock;
pub(crate) mod logs;
pub(crate) mod merge;
pub(crate) mod pex;
pub(crate) mod releases;
pub(crate) mod restart;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod store;
pub(crate) mod up;
pub(crate) mod verify;
