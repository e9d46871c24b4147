//! A machine with its interpreters: where releases are laid out.

use pinnace_store::{Digest, Store};
use pinnace_wheel::{Interpreter, Target};

use crate::{Contents, Error, ErrorKind, Laid, Machine, Release, lay::fits};

/// The interpreters of a machine.
pub trait Pythons: Send + Sync {
    /// The interpreter of a minor version such as `3.12`.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn find(&self, version: &str) -> Result<Interpreter, String>;

    /// All that releases may run on, the one that is meant where nothing is said first.
    fn all(&self) -> Vec<Interpreter>;
}

/// A machine on which releases are laid out for its interpreters.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    machine: &'a Machine,
    pythons: &'a dyn Pythons,
    threads: usize,
}

/// A release whose contents are here.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetched<'s> {
    contents: Contents<'s>,
    digest: Digest,
    python: Interpreter,
    /// How many wheels it has.
    pub wheels: usize,
    /// How many of them were not here.
    pub fetched: usize,
    /// How many bytes these have.
    pub bytes: u64,
}

impl std::fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl<'a> Host<'a> {
    /// This machine with these interpreters, laying out with so many threads.
    pub fn new(machine: &'a Machine, pythons: &'a dyn Pythons, threads: usize) -> Self {
        Self { machine, pythons, threads }
    }

    /// The platforms that releases may be for, the one that is meant where nothing is said first; each as a
    /// [`Target`] is read.
    pub fn platforms(&self) -> Vec<String> {
        self.pythons.all().iter().map(|python| platform(python.target())).collect()
    }

    /// A release that is laid out here already: no store is needed for it.
    pub fn laid(&self, release: &Digest) -> Option<Laid> {
        let platform = self.machine.platform(release)?;
        let python = self.interpreter(&platform).ok()?;
        self.machine.laid(release, &python)
    }

    /// Fetches what is lacking of a release, after making sure that it runs here.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherPlatform`] if it does not run here; or if something of it cannot be had.
    pub fn fetch<'s>(&self, store: &'s Store, release: &Digest) -> Result<Fetched<'s>, Error> {
        let contents = Contents::fetch(store, release)?;
        let python = self.interpreter(&contents.release().platform)?;
        let wheels = contents.dependencies()?.wheels;
        fits(contents.release(), &wheels, &python)?;
        let mut fetched = 0;
        for wheel in &wheels {
            fetched += usize::from(!self.machine.blobs().contains(&wheel.digest)?);
        }
        let bytes = contents.fetch_wheels(self.machine)?;
        Ok(Fetched { contents, digest: *release, python, wheels: wheels.len(), fetched, bytes })
    }

    /// Lays out what was fetched, once; `before` is a release like it, whose bytecode serves where it is the same.
    ///
    /// # Errors
    ///
    /// As [`Machine::lay`].
    pub fn lay(&self, fetched: &Fetched<'_>, before: Option<&Digest>) -> Result<Laid, Error> {
        let Fetched { contents, digest, python, .. } = fetched;
        let kin = before.and_then(|before| self.machine.laid(before, python));
        self.machine.lay(contents, digest, python, kin.as_ref(), self.threads)
    }

    /// The interpreter for a platform.
    fn interpreter(&self, platform: &str) -> Result<Interpreter, Error> {
        let target: Target = platform.parse()?;
        let release = target.python().release();
        let version = release.iter().take(2).map(u64::to_string).collect::<Vec<_>>().join(".");
        self.pythons.find(&version).map_err(|reason| {
            let (platform, python) = (platform.to_owned(), format!("Python {version}"));
            ErrorKind::NoPython { platform, python, reason }.into()
        })
    }
}

impl Fetched<'_> {
    /// The release.
    pub fn release(&self) -> &Release {
        self.contents.release()
    }
}

/// A platform with its full version of Python, which [`Target`] reads again.
fn platform(target: &Target) -> String {
    let label = target.to_string();
    let system = label.split('-').next().unwrap_or_default();
    format!("{system}-{}", target.python())
}
