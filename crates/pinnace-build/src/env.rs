//! The environment of the process. No other module reads variables, the clock or the current folder.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use pinnace_wheel::pip_configuration_files;

use crate::{Error, ErrorKind};

/// A snapshot of the process's environment: variables, current folder, time and number of threads.
///
/// The caller takes it once with [`Env::read`], or creates one with [`Env::new`]. No other code in this crate reads
/// variables, the clock or the current folder.
///
/// ```
/// use pinnace_build::Env;
///
/// let env = Env::new("/srv/app").with_variable("PINNACE_CACHE_DIR", "cache");
/// assert_eq!(env.cache_folder()?, std::path::Path::new("/srv/app/cache"));
/// # Ok::<(), pinnace_build::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Env {
    /// The environment variables whose names and values are UTF-8.
    pub variables: BTreeMap<String, String>,
    /// The folder that relative paths start in.
    pub folder: PathBuf,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// The number of threads to use.
    pub threads: usize,
}

impl Env {
    /// Takes a snapshot of this process.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoCurrentFolder`] if the current folder was deleted.
    pub fn read() -> Result<Self, Error> {
        let folder = std::env::current_dir().map_err(ErrorKind::NoCurrentFolder)?;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok(Self { variables: variables(), folder, now: unix_time(), threads })
    }

    /// Creates a snapshot with this current folder, no variables, time 0 and one thread.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { variables: BTreeMap::new(), folder: folder.into(), now: 0, threads: 1 }
    }

    /// Returns a copy with a variable set.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Returns the value of a variable; `None` if it is unset or empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the folder of the cache: `PINNACE_CACHE_DIR`, else `pinnace` in the cache folder of the
    /// platform (`XDG_CACHE_HOME`, `~/.cache`, `~/Library/Caches`).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoHome`] if neither these variables nor `HOME` are set.
    pub fn cache_folder(&self) -> Result<PathBuf, Error> {
        if let Some(folder) = self.variable("PINNACE_CACHE_DIR") {
            return Ok(self.folder.join(folder));
        }
        let home = self.variable("HOME").map(Path::new);
        let caches = match self.variable("XDG_CACHE_HOME") {
            Some(folder) => Some(self.folder.join(folder)),
            None if cfg!(target_os = "macos") => home.map(|home| home.join("Library/Caches")),
            None => home.map(|home| home.join(".cache")),
        };
        Ok(caches.map(|caches| caches.join("pinnace")).ok_or(ErrorKind::NoHome)?)
    }

    /// Returns the name of the machine, from `HOSTNAME` or the kernel; empty if neither has it.
    pub fn host_name(&self) -> String {
        let name = self.variable("HOSTNAME").map(str::to_owned);
        let name = name.or_else(|| fs::read_to_string("/proc/sys/kernel/hostname").ok());
        name.unwrap_or_default().trim().to_owned()
    }

    /// Reads pip's configuration files, in ascending order of precedence.
    pub fn pip_configuration(&self) -> Vec<String> {
        let files = pip_configuration_files(&self.variables);
        files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
    }
}

/// Returns the current time, in seconds since 1970.
pub fn unix_time() -> u64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn variables() -> BTreeMap<String, String> {
    // Variables that are not UTF-8 are no settings.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
