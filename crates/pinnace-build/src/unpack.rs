//! Unpacked wheels in the cache, and environments of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_env::{Distribution, Layer, LinkMode, Source, Unpacked, Venv, merge};
use pinnace_pex::{PexDistribution, PlatformRules};
use pinnace_store::{Durability, PendingFolder, parallel};
use pinnace_wheel::{Interpreter, MarkerVariable};

use crate::{Cache, Error, ErrorKind, Wheel};

/// The cache bucket of the inputs of a merge, by the digest of the wheel.
const CONTENTS: &str = "contents-2";

impl Cache {
    /// Returns a cached wheel as an input of a merge. Each wheel is read once.
    ///
    /// # Errors
    ///
    /// Returns an error if the wheel is missing, or malformed.
    pub fn distribution(&self, wheel: &Wheel) -> Result<Distribution<[u8; 32]>, Error> {
        let key = wheel.digest.to_hex();
        let kept = self.recall(CONTENTS, &key);
        if let Some(known) = kept.and_then(|bytes| PexDistribution::decode(&wheel.name, &bytes)) {
            return Ok(known);
        }
        let bytes = PexDistribution::encode(&wheel.name, *wheel.digest.as_bytes(), self)?;
        self.remember(CONTENTS, &key, &bytes);
        let unread = || ErrorKind::Malformed {
            digest: wheel.digest,
            kind: "wheel",
            reason: "it cannot be looked into".to_owned(),
        };
        Ok(PexDistribution::decode(&wheel.name, &bytes).ok_or_else(unread)?)
    }

    /// Unpacks a cached wheel, once, and returns its folder. Checks every file against RECORD.
    ///
    /// # Errors
    ///
    /// Returns an error if the wheel is missing or malformed, or cannot be written.
    pub fn unpack(&self, wheel: &Wheel) -> Result<PathBuf, Error> {
        let place = self.unpacked_wheel(wheel);
        if place.is_dir() {
            return Ok(place);
        }
        let parent = self.unpacked();
        fs::create_dir_all(&parent).map_err(Error::at("create the folder", &parent))?;
        let pending = PendingFolder::create(&place, Durability::Volatile)?;
        let distribution = PexDistribution::of_wheel(&wheel.name, *wheel.digest.as_bytes(), self)?;
        distribution.unpack(&pending.unfinished_path())?;
        pending.commit_new()?;
        Ok(place)
    }

    /// Unpacks cached wheels in parallel.
    ///
    /// # Errors
    ///
    /// See [`Self::unpack`].
    pub fn unpack_all(&self, wheels: &[Wheel], threads: usize) -> Result<(), Error> {
        let unpacked = parallel::each(wheels, threads, |wheel| self.unpack(wheel));
        unpacked.into_iter().try_for_each(|folder| folder.map(drop))
    }

    /// Writes an environment of cached wheels into an empty folder, which must not be moved afterwards.
    ///
    /// # Errors
    ///
    /// Returns an error if a wheel is missing or malformed, or the folder cannot be written.
    pub fn write_environment(
        &self,
        wheels: &[Wheel],
        python: &Interpreter,
        folder: &Path,
        threads: usize,
    ) -> Result<(), Error> {
        self.unpack_all(wheels, threads)?;
        let mut layer = Layer::new("wheels");
        for wheel in wheels {
            layer = layer.with(self.distribution(wheel)?);
        }
        let plan = merge(&[layer], &PlatformRules(python.target()));
        let venv = Venv::new(env_interpreter(python)?, LinkMode::SymbolicLink);
        Ok(venv.lay(&plan, &UnpackedWheels::new(self, wheels), folder, folder)?)
    }

    fn unpacked_wheel(&self, wheel: &Wheel) -> PathBuf {
        self.unpacked().join(wheel.digest.to_hex())
    }
}

/// The folders of unpacked wheels, as the source of an environment's files.
#[derive(Clone, Copy, Debug)]
pub struct UnpackedWheels<'a> {
    cache: &'a Cache,
    wheels: &'a [Wheel],
}

impl<'a> UnpackedWheels<'a> {
    /// Creates a source of these wheels, which must be [unpacked](Cache::unpack) already.
    pub fn new(cache: &'a Cache, wheels: &'a [Wheel]) -> Self {
        Self { cache, wheels }
    }
}

impl Unpacked<[u8; 32]> for UnpackedWheels<'_> {
    fn folder(&self, source: &Source<[u8; 32]>) -> io::Result<PathBuf> {
        let name = source.distribution().map(Distribution::file_name);
        let wheel = self.wheels.iter().find(|wheel| Some(wheel.name.as_str()) == name);
        // A local project has scripts in the environment, but no files.
        Ok(wheel.map_or_else(|| self.cache.unpacked(), |wheel| self.cache.unpacked_wheel(wheel)))
    }
}

/// Returns the interpreter for new environments; for that of a virtual environment, its base interpreter.
///
/// # Errors
///
/// Returns an error if the interpreter no longer exists.
pub fn env_interpreter(python: &Interpreter) -> Result<pinnace_env::Interpreter, Error> {
    let path = python.path().canonicalize().map_err(Error::at("look at", python.path()))?;
    let release = python.target().python().release();
    let part = |at: usize| release.get(at).copied().unwrap_or_default();
    let markers = python.target().markers();
    let implementation = match markers.get(MarkerVariable::ImplementationName) {
        Some("pypy") => pinnace_env::Implementation::PyPy,
        _ => pinnace_env::Implementation::CPython,
    };
    let version = (part(0), part(1), part(2));
    let interpreter = pinnace_env::Interpreter::new(path, implementation, version);
    let is_free = python.target().to_string().ends_with('t');
    Ok(if is_free { interpreter.free_threaded() } else { interpreter })
}
