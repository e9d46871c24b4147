//! The installer: it downloads releases and materializes their environments.

use pinnace_build::{Cache, Interpreters};
use pinnace_store::{Digest, Store};
use pinnace_wheel::{Interpreter, Target};

use crate::{
    Contents, Environment, Environments, Error, ErrorKind, Release, materialize::check_platform,
};

/// An installer of releases on this machine. It downloads their contents, and materializes their environments.
#[derive(Clone, Copy)]
pub struct Installer<'a> {
    cache: &'a Cache,
    interpreters: &'a dyn Interpreters,
    threads: usize,
}

/// A release whose contents are on this machine.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetched<'s> {
    contents: Contents<'s>,
    digest: Digest,
    python: Interpreter,
    /// The number of wheels of the release.
    pub wheels: usize,
    /// The number of wheels that were downloaded.
    pub fetched: usize,
    /// The bytes that were downloaded.
    pub bytes: u64,
}

impl std::fmt::Debug for Installer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installer").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl<'a> Installer<'a> {
    /// Creates an installer for these interpreters, which uses `threads` threads.
    pub fn new(cache: &'a Cache, interpreters: &'a dyn Interpreters, threads: usize) -> Self {
        Self { cache, interpreters, threads }
    }

    /// Returns the platforms of the interpreters, the default one first, in the form that [`Target`] parses.
    pub fn platforms(&self) -> Vec<String> {
        self.interpreters.all().iter().map(|python| platform(python.target())).collect()
    }

    /// Finds an environment of a release that was materialized before. Needs no store.
    pub fn find(&self, release: &Digest) -> Option<Environment> {
        let environments = Environments::new(self.cache);
        let python = self.interpreter(&environments.platform(release)?).ok()?;
        environments.find(release, &python)
    }

    /// Checks that a release runs on this machine, and downloads its missing contents.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoPython`] or [`ErrorKind::OtherPlatform`] if the release does not run here, or an
    /// error if a content is missing.
    pub fn fetch<'s>(&self, store: &'s Store, release: &Digest) -> Result<Fetched<'s>, Error> {
        let contents = Contents::fetch(store, release)?;
        let python = self.interpreter(&contents.release().platform)?;
        let wheels = contents.dependencies()?.wheels;
        check_platform(contents.release(), &wheels, &python)?;
        let mut fetched = 0;
        for wheel in &wheels {
            fetched += usize::from(!self.cache.blobs().contains(&wheel.digest)?);
        }
        let bytes = contents.fetch_wheels(self.cache)?;
        Ok(Fetched { contents, digest: *release, python, wheels: wheels.len(), fetched, bytes })
    }

    /// Writes the environment of a fetched release, unless it exists. Reuses the bytecode of modules that are
    /// unchanged since `previous`, an earlier release.
    ///
    /// # Errors
    ///
    /// See [`Environments::materialize`].
    pub fn materialize(
        &self,
        fetched: &Fetched<'_>,
        previous: Option<&Digest>,
    ) -> Result<Environment, Error> {
        let Fetched { contents, digest, python, .. } = fetched;
        let environments = Environments::new(self.cache);
        let previous = previous.and_then(|release| environments.find(release, python));
        environments.materialize(contents, digest, python, previous.as_ref(), self.threads)
    }

    /// Returns the interpreter for a platform.
    fn interpreter(&self, platform: &str) -> Result<Interpreter, Error> {
        let target: Target = platform.parse()?;
        let release = target.python().release();
        let version = release.iter().take(2).map(u64::to_string).collect::<Vec<_>>().join(".");
        self.interpreters.find(&version).map_err(|reason| {
            let (platform, python) = (platform.to_owned(), format!("Python {version}"));
            ErrorKind::NoPython { platform, python, reason }.into()
        })
    }
}

impl Fetched<'_> {
    /// Returns the release.
    pub fn release(&self) -> &Release {
        self.contents.release()
    }
}

/// Returns a platform with its full version of Python, in the form that [`Target`] parses.
fn platform(target: &Target) -> String {
    let label = target.to_string();
    let system = label.split('-').next().unwrap_or_default();
    format!("{system}-{}", target.python())
}
