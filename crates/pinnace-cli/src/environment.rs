//! The one place that looks around: environment variables, the clock, the current folder.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use pinnace_wheel::pip_configuration_files;

use crate::Failure;

/// A snapshot of what surrounds the command.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) folder: PathBuf,
    /// Seconds since 1970.
    pub(crate) now: u64,
    pub(crate) threads: usize,
}

impl Environment {
    pub(crate) fn read() -> Result<Self, Failure> {
        let now = seconds();
        let folder = std::env::current_dir()
            .map_err(|error| Failure::job(format!("cannot tell the current folder: {error}")))?;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self { variables: variables(), folder, now, threads })
    }

    /// A variable that is set, and not to nothing.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where what can be made again is kept.
    pub(crate) fn cache_folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = self.variable("PINNACE_CACHE_DIR") {
            return Ok(self.folder.join(folder));
        }
        let home = self.variable("HOME").map(Path::new);
        let caches = match self.variable("XDG_CACHE_HOME") {
            Some(folder) => Some(self.folder.join(folder)),
            None if cfg!(target_os = "macos") => home.map(|home| home.join("Library/Caches")),
            None => home.map(|home| home.join(".cache")),
        };
        caches.map(|caches| caches.join("pinnace")).ok_or_else(|| {
            Failure::job("there is no HOME; set PINNACE_CACHE_DIR to a folder for the cache")
        })
    }

    /// The texts of pip's configuration files, from the weakest to the strongest.
    pub(crate) fn pip_configuration(&self) -> Vec<String> {
        let files = pip_configuration_files(&self.variables);
        files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
    }
}

/// The seconds since 1970.
pub(crate) fn seconds() -> u64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[expect(clippy::disallowed_methods, reason = "the command is where the clock is read")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn variables() -> BTreeMap<String, String> {
    // What is not UTF-8 is no setting of ours.
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
