//! Environments on disk: one for each release and interpreter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_build::{Cache, LocalDistribution, UnpackedWheels, Wheel, env_interpreter};
use pinnace_env::{
    Conflict, Contents as Files, Distribution, Layer as Input, LinkMode, Plan, Policy, Ruling,
    Script, Venv, merge,
};
use pinnace_pex::{PlatformRules, console_scripts};
use pinnace_store::{Digest, Durability, PendingFolder, PutResult};
use pinnace_wheel::{Compatibility, Interpreter, MarkerVariable, Target};
use serde::{Deserialize, Serialize};

use crate::{
    Contents, Error, ErrorKind, Release,
    source_side::{CODE, SourceSide, write},
};

/// A materialized environment of a release, in which its processes can start.
#[derive(Clone, Debug)]
pub struct Environment {
    folder: PathBuf,
    marker: CompleteMarker,
}

/// The marker file of a complete environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct CompleteMarker {
    release: Release,
    /// The folder of the project's own code.
    code: String,
}

impl CompleteMarker {
    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(io::Error::other);
        text.and_then(|text| write(path, &text)).map_err(Error::at("write", path))
    }
}

/// The name of the marker file.
pub(crate) const MARKER: &str = "whole.json";

impl Environment {
    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of the interpreter.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// Returns the folder of the project's own code, which its processes start in.
    pub fn code(&self) -> PathBuf {
        self.folder.join(&self.marker.code)
    }

    /// Returns the release.
    pub fn release(&self) -> &Release {
        &self.marker.release
    }
}

/// The environments in a machine's cache.
#[derive(Clone, Copy, Debug)]
pub struct Environments<'a> {
    cache: &'a Cache,
}

impl<'a> Environments<'a> {
    /// Returns the environments in a cache.
    pub fn new(cache: &'a Cache) -> Self {
        Self { cache }
    }

    /// Returns the folder of all environments, each below the digest of its release.
    pub(crate) fn folder(&self) -> PathBuf {
        self.cache.folder().join("environments").join("1")
    }

    /// Returns the platform of a release, if it has an environment for any interpreter.
    pub fn platform(&self, release: &Digest) -> Option<String> {
        let folders = fs::read_dir(self.folder().join(release.to_hex())).ok()?;
        let marks = folders.filter_map(|folder| fs::read(folder.ok()?.path().join(MARKER)).ok());
        let mut found =
            marks.filter_map(|mark| serde_json::from_slice::<CompleteMarker>(&mark).ok());
        found.next().map(|marker| marker.release.platform)
    }

    /// Finds the environment of a release for an interpreter; `None` if it is missing or incomplete.
    pub fn find(&self, release: &Digest, python: &Interpreter) -> Option<Environment> {
        let folder = self.place(release, python);
        let marker = fs::read(folder.join(MARKER)).ok()?;
        Some(Environment { marker: serde_json::from_slice(&marker).ok()?, folder })
    }

    /// Writes the environment of a release, unless it exists. Wheels are unpacked once per machine and shared.
    /// Reuses the bytecode of modules that are unchanged since `previous`, an earlier release.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::OtherPlatform`] if the release does not run here, or an error if a content is
    /// missing or cannot be written. An incomplete environment counts as absent.
    pub fn materialize(
        &self,
        contents: &Contents<'_>,
        release: &Digest,
        python: &Interpreter,
        previous: Option<&Environment>,
        threads: usize,
    ) -> Result<Environment, Error> {
        if let Some(found) = self.find(release, python) {
            return Ok(found);
        }
        let wheels = contents.dependencies()?.wheels;
        // Download no wheels of a release that does not run here.
        check_platform(contents.release(), &wheels, python)?;
        contents.fetch_wheels(self.cache)?;
        self.cache.unpack_all(&wheels, threads)?;
        let plan = self.plan(contents.release(), &wheels, python)?;
        let place = self.place(release, python);
        let pending = self.create(release, python)?;
        let folder = pending.unfinished_path();
        let venv = Venv::new(env_interpreter(python)?, LinkMode::SymbolicLink);
        venv.lay(&plan, &UnpackedWheels::new(self.cache, &wheels), &folder, &place)?;
        let library = venv.library();
        let previous = previous.map(|environment| (environment.folder(), cache_tag(python)));
        let source = SourceSide { contents, folder: &folder, place: &place, library, previous };
        source.write()?;
        let marker = CompleteMarker { release: contents.release().clone(), code: CODE.to_owned() };
        marker.write(&folder.join(MARKER))?;
        let committed = pending.commit_new()?;
        if committed == PutResult::AlreadyExists && self.find(release, python).is_none() {
            let taken = io::Error::other("an incomplete environment exists there: remove it");
            return Err(Error::at("create", &place)(taken));
        }
        Ok(Environment { folder: place, marker })
    }

    /// Creates the folder of an environment, which appears under its name on commit.
    fn create(&self, release: &Digest, python: &Interpreter) -> Result<PendingFolder, Error> {
        let place = self.place(release, python);
        let parent = place.parent().unwrap_or(&place);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        // An incomplete environment is left over from an interrupted removal.
        if self.find(release, python).is_none() {
            let _ = fs::remove_dir_all(&place);
        }
        Ok(PendingFolder::create(&place, Durability::Volatile)?)
    }

    /// Merges the layers of a release, and checks that its interpreter can run the result.
    fn plan(
        &self,
        release: &Release,
        wheels: &[Wheel],
        python: &Interpreter,
    ) -> Result<Plan<[u8; 32]>, Error> {
        let mut layers = Vec::new();
        for layer in release.sources() {
            let local = layer.distribution.iter().map(local);
            layers.push(local.fold(Input::new(layer.name.as_str()), Input::with));
        }
        let mut dependencies = Input::new("deps");
        for wheel in wheels {
            dependencies = dependencies.with(self.cache.distribution(wheel)?);
        }
        layers.push(dependencies);
        let plan = merge(&layers, &PlatformRules(python.target()));
        let policy = Policy::of_installers();
        let misfit = plan.conflicts().iter().find(|conflict| {
            matches!(conflict, Conflict::Misfit { .. }) && policy.judge(conflict) == Ruling::Refuse
        });
        match misfit {
            None => Ok(plan),
            Some(misfit) => Err(other_platform(release, python, &misfit.to_string())),
        }
    }

    /// Returns the folder of a release for an interpreter.
    fn place(&self, release: &Digest, python: &Interpreter) -> PathBuf {
        let path = Digest::of(python.path().as_os_str().as_encoded_bytes()).to_hex();
        let name = format!("{}-{}", python.target().python(), &path[..8]);
        self.folder().join(release.to_hex()).join(name)
    }
}

/// Checks that an interpreter has the minor version of a release, and that all wheels are compatible with it.
pub(crate) fn check_platform(
    release: &Release,
    wheels: &[Wheel],
    python: &Interpreter,
) -> Result<(), Error> {
    let target: Target = release.platform.parse()?;
    let minor =
        |target: &Target| target.python().release().iter().take(2).copied().collect::<Vec<_>>();
    if minor(&target) != minor(python.target()) {
        return Err(other_platform(release, python, "it is for another version of Python"));
    }
    for wheel in wheels {
        if !matches!(python.target().rank(&wheel.name), Compatibility::Compatible(_)) {
            return Err(other_platform(release, python, &format!("`{}` does not fit", wheel.name)));
        }
    }
    Ok(())
}

fn other_platform(release: &Release, python: &Interpreter, reason: &str) -> Error {
    let (platform, found) = (release.platform.clone(), python.target().to_string());
    let (python, reason) = (python.path().display().to_string(), reason.to_owned());
    ErrorKind::OtherPlatform { platform, python, found, reason }.into()
}

/// Returns a project of the release as an input of the merge: its scripts and its requirements.
fn local(project: &LocalDistribution) -> Distribution<[u8; 32]> {
    let lines = project.metadata.lines().take_while(|line| !line.is_empty());
    let requires = lines.filter_map(|line| line.strip_prefix("Requires-Dist: ")).map(str::to_owned);
    let scripts = console_scripts(&project.entry_points).into_iter();
    let scripts: Vec<Script> = scripts.map(|(name, target)| Script::new(name, target)).collect();
    let name = project.name.replace('-', "_");
    let file_name = format!("{name}-{}-py3-none-any.whl", project.version);
    let contents = Files::new(Vec::new()).unwrap_or_default().with_scripts(scripts);
    Distribution::new(project.name.as_str(), project.version.as_str(), file_name, [0; 32])
        .requiring(requires.collect(), Vec::new())
        .with_contents(contents)
}

/// Returns the tag of an interpreter's bytecode (`sys.implementation.cache_tag`).
fn cache_tag(python: &Interpreter) -> String {
    let release = python.target().python().release();
    let part = |at: usize| release.get(at).copied().unwrap_or_default();
    let markers = python.target().markers();
    let name = markers.get(MarkerVariable::ImplementationName).unwrap_or("cpython");
    let between = if name == "pypy" { "" } else { "-" };
    format!("{name}{between}{}{}", part(0), part(1))
}
