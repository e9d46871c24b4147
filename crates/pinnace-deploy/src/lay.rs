//! A release as an environment on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pinnace_env::{
    Conflict, Contents as Files, Distribution, Layer as Input, LinkMode, Plan, Policy, Ruling,
    Script, Source, Unpacked, Venv, merge,
};
use pinnace_pex::{PexDistribution, PlatformRules};
use pinnace_store::{Digest, Durability, PendingFolder, PutResult, parallel};
use pinnace_wheel::{Compatibility, Interpreter, MarkerVariable, Target, WheelName};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    Contents, Error, ErrorKind, Layer, LocalDistribution, Machine, Release, Wheel, bytecode::Kin,
};

/// A release that is laid out on this machine, ready to be started.
#[derive(Clone, Debug)]
pub struct Laid {
    folder: PathBuf,
    whole: Whole,
}

/// What stands in an environment once it is whole.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Whole {
    release: Release,
    /// The folder of the project's own code.
    code: String,
}

/// The mark of an environment that is whole.
pub(crate) const WHOLE: &str = "whole.json";
/// Where the project's own code is, in an environment.
const CODE: &str = "code";
/// Where the code of the projects that it stands on is.
const LOCAL: &str = "local";
/// Remembers what merging must know of wheels, by their digest.
const CONTENTS: &str = "contents-2";

impl Laid {
    /// The folder of the environment.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin").join("python")
    }

    /// The project's own code: the folder that its processes start in.
    pub fn code(&self) -> PathBuf {
        self.folder.join(&self.whole.code)
    }

    /// What it is.
    pub fn release(&self) -> &Release {
        &self.whole.release
    }
}

impl Machine {
    /// The platform of a release that is laid out here for some interpreter.
    pub fn platform(&self, release: &Digest) -> Option<String> {
        let folders = fs::read_dir(self.environments().join(release.to_hex())).ok()?;
        let marks = folders.filter_map(|folder| fs::read(folder.ok()?.path().join(WHOLE)).ok());
        let mut found = marks.filter_map(|mark| serde_json::from_slice::<Whole>(&mark).ok());
        found.next().map(|whole| whole.release.platform)
    }

    /// A release as it is laid out already; `None` if it is not, or not wholly.
    pub fn laid(&self, release: &Digest, python: &Interpreter) -> Option<Laid> {
        let folder = self.place(release, python);
        let whole = fs::read(folder.join(WHOLE)).ok()?;
        Some(Laid { whole: serde_json::from_slice(&whole).ok()?, folder })
    }

    /// Lays a release out, once: what is there stays, whoever uses it. Wheels are unpacked once, and shared. Modules that
    /// are as in `kin`, an earlier release, bring the bytecode along that was made of them there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OtherPlatform`] if it does not run here; else if something of it cannot be had or
    /// written. What was written until then counts for nothing.
    pub fn lay(
        &self,
        contents: &Contents<'_>,
        release: &Digest,
        python: &Interpreter,
        kin: Option<&Laid>,
        threads: usize,
    ) -> Result<Laid, Error> {
        if let Some(laid) = self.laid(release, python) {
            return Ok(laid);
        }
        let wheels = contents.dependencies()?.wheels;
        // What does not run here is not fetched.
        fits(contents.release(), &wheels, python)?;
        contents.fetch_wheels(self)?;
        for unpacked in parallel::each(&wheels, threads, |wheel| self.unpack(wheel)) {
            unpacked?;
        }
        let plan = self.plan(contents.release(), &wheels, python)?;
        let place = self.place(release, python);
        let parent = place.parent().unwrap_or(&place);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        // What is there and not whole is what somebody was kept from removing.
        if self.laid(release, python).is_none() {
            let _ = fs::remove_dir_all(&place);
        }
        let pending = PendingFolder::create(&place, Durability::Volatile)?;
        let folder = pending.unfinished_path();
        let venv = Venv::new(interpreter(python)?, LinkMode::SymbolicLink);
        venv.lay(&plan, &Wheels { machine: self, wheels: &wheels }, &folder, &place)?;
        let (library, kin) = (venv.library(), kin.map(|kin| (kin.folder(), cache_tag(python))));
        let layout = Layout { contents, folder: &folder, place: &place, library, kin };
        layout.sources()?;
        let whole = Whole { release: contents.release().clone(), code: CODE.to_owned() };
        let text = serde_json::to_vec(&whole).map_err(io::Error::other);
        let path = folder.join(WHOLE);
        text.and_then(|text| write(&path, &text)).map_err(Error::at("write", &path))?;
        if pending.commit_new()? == PutResult::AlreadyExists && self.laid(release, python).is_none()
        {
            let taken = io::Error::other("it is there, and not whole: remove it");
            return Err(Error::at("create", &place)(taken));
        }
        Ok(Laid { folder: place, whole })
    }

    /// What an interpreter will see of it.
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
            dependencies = dependencies.with(self.distribution(wheel)?);
        }
        layers.push(dependencies);
        let plan = merge(&layers, &PlatformRules(python.target()));
        let policy = Policy::of_installers();
        let misfit = plan.conflicts().iter().find(|one| {
            matches!(one, Conflict::Misfit { .. }) && policy.judge(one) == Ruling::Refuse
        });
        match misfit {
            None => Ok(plan),
            Some(misfit) => Err(other(release, python, &misfit.to_string())),
        }
    }

    /// What merging must know of a wheel that is here. It is looked into once.
    ///
    /// # Errors
    ///
    /// If it is not here, or no wheel.
    pub fn distribution(&self, wheel: &Wheel) -> Result<Distribution<[u8; 32]>, Error> {
        let name: WheelName = wheel.name.parse()?;
        let key = wheel.digest.to_hex();
        let kept = self.known(CONTENTS, &key);
        if let Some(one) = kept.and_then(|bytes| PexDistribution::decode(&name, &bytes)) {
            return Ok(one);
        }
        let bytes = PexDistribution::encode(&name, *wheel.digest.as_bytes(), self)?;
        self.learn(CONTENTS, &key, &bytes);
        let unread = || ErrorKind::Manifest {
            digest: wheel.digest,
            kind: "wheel",
            reason: "it cannot be looked into".to_owned(),
        };
        Ok(PexDistribution::decode(&name, &bytes).ok_or_else(unread)?)
    }

    /// Lays an environment of wheels that are here out into an empty folder, which stays where it is.
    pub(crate) fn lay_wheels(
        &self,
        wheels: &[Wheel],
        python: &Interpreter,
        folder: &Path,
        threads: usize,
    ) -> Result<(), Error> {
        for unpacked in parallel::each(wheels, threads, |wheel| self.unpack(wheel)) {
            unpacked?;
        }
        let mut layer = Input::new("wheels");
        for wheel in wheels {
            layer = layer.with(self.distribution(wheel)?);
        }
        let plan = merge(&[layer], &PlatformRules(python.target()));
        let venv = Venv::new(interpreter(python)?, LinkMode::SymbolicLink);
        Ok(venv.lay(&plan, &Wheels { machine: self, wheels }, folder, folder)?)
    }

    /// Unpacks a wheel that is here, once; the answer is where it is.
    pub(crate) fn unpack(&self, wheel: &Wheel) -> Result<PathBuf, Error> {
        let place = self.unpacked_wheel(wheel);
        if place.is_dir() {
            return Ok(place);
        }
        let parent = self.unpacked();
        fs::create_dir_all(&parent).map_err(Error::at("create the folder", &parent))?;
        let pending = PendingFolder::create(&place, Durability::Volatile)?;
        let name: WheelName = wheel.name.parse()?;
        let distribution = PexDistribution::of_wheel(&name, *wheel.digest.as_bytes(), self)?;
        distribution.unpack(&pending.unfinished_path())?;
        pending.commit_new()?;
        Ok(place)
    }

    fn unpacked_wheel(&self, wheel: &Wheel) -> PathBuf {
        self.unpacked().join(wheel.digest.to_hex())
    }

    /// Where a release is laid out for an interpreter.
    fn place(&self, release: &Digest, python: &Interpreter) -> PathBuf {
        let path = Sha256::digest(python.path().as_os_str().as_encoded_bytes());
        let path = Digest::new(path.into()).to_hex();
        let name = format!("{}-{}", python.target().python(), &path[..8]);
        self.environments().join(release.to_hex()).join(name)
    }
}

/// Whether an interpreter is of the platform of a release: its version, and all wheels.
pub(crate) fn fits(release: &Release, wheels: &[Wheel], python: &Interpreter) -> Result<(), Error> {
    let target: Target = release.platform.parse()?;
    let minor =
        |target: &Target| target.python().release().iter().take(2).copied().collect::<Vec<_>>();
    if minor(&target) != minor(python.target()) {
        return Err(other(release, python, "it is for another version of Python"));
    }
    for wheel in wheels {
        if !matches!(python.target().rank(&wheel.name.parse()?), Compatibility::Compatible(_)) {
            return Err(other(release, python, &format!("`{}` does not fit", wheel.name)));
        }
    }
    Ok(())
}

fn other(release: &Release, python: &Interpreter, reason: &str) -> Error {
    let (platform, found) = (release.platform.clone(), python.target().to_string());
    let (python, reason) = (python.path().display().to_string(), reason.to_owned());
    ErrorKind::OtherPlatform { platform, python, found, reason }.into()
}

/// A project of the release as merging takes it: its scripts, and what it requires.
fn local(one: &LocalDistribution) -> Distribution<[u8; 32]> {
    let lines = one.metadata.lines().take_while(|line| !line.is_empty());
    let requires = lines.filter_map(|line| line.strip_prefix("Requires-Dist: ")).map(str::to_owned);
    let scripts = pinnace_pex::console_scripts(&one.entry_points).into_iter();
    let scripts: Vec<Script> = scripts.map(|(name, target)| Script::new(name, target)).collect();
    let file_name = format!("{}-{}-py3-none-any.whl", one.name.replace('-', "_"), one.version);
    let contents = Files::new(Vec::new()).unwrap_or_default().with_scripts(scripts);
    Distribution::new(one.name.as_str(), one.version.as_str(), file_name, [0; 32])
        .requiring(requires.collect(), Vec::new())
        .with_contents(contents)
}

/// The interpreter that environments are made from: of a virtual environment the one behind it.
fn interpreter(python: &Interpreter) -> Result<pinnace_env::Interpreter, Error> {
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

/// What an interpreter calls its bytecode (`sys.implementation.cache_tag`).
fn cache_tag(python: &Interpreter) -> String {
    let release = python.target().python().release();
    let part = |at: usize| release.get(at).copied().unwrap_or_default();
    let markers = python.target().markers();
    let name = markers.get(MarkerVariable::ImplementationName).unwrap_or("cpython");
    let between = if name == "pypy" { "" } else { "-" };
    format!("{name}{between}{}{}", part(0), part(1))
}

/// Where the sources of a plan are unpacked.
struct Wheels<'a> {
    machine: &'a Machine,
    wheels: &'a [Wheel],
}

impl Unpacked<[u8; 32]> for Wheels<'_> {
    fn folder(&self, source: &Source<[u8; 32]>) -> io::Result<PathBuf> {
        let name = source.distribution().map(Distribution::file_name);
        let wheel = self.wheels.iter().find(|wheel| Some(wheel.name.as_str()) == name);
        // A project of the release has no files here but its scripts.
        Ok(wheel
            .map_or_else(|| self.machine.unpacked(), |wheel| self.machine.unpacked_wheel(wheel)))
    }
}

/// The source side of an environment on its way.
struct Layout<'a> {
    contents: &'a Contents<'a>,
    folder: &'a Path,
    /// Where the environment will be.
    place: &'a Path,
    /// Where modules are imported from.
    library: PathBuf,
    /// The environment of an earlier release, and what its interpreter calls bytecode.
    kin: Option<(&'a Path, String)>,
}

impl Layout<'_> {
    fn sources(&self) -> Result<(), Error> {
        let mut imports = Vec::new();
        let code = self.folder.join(CODE);
        fs::create_dir_all(&code).map_err(Error::at("create the folder", &code))?;
        for (number, layer) in self.contents.release().sources().enumerate() {
            let folder = match number {
                0 => PathBuf::from(CODE),
                _ => Path::new(LOCAL).join(&layer.name),
            };
            let files = self.contents.files(&layer.digest)?;
            let kin = self.kin.as_ref();
            let kin = kin.map(|(kin, tag)| Kin { folder: kin.join(&folder), tag: tag.clone() });
            self.contents.write_files(&files, &self.folder.join(&folder), kin.as_ref())?;
            imports.extend(self.imports(layer, &folder));
            layer.distribution.iter().try_for_each(|one| self.distribution(one))?;
        }
        self.see(&imports)
    }

    /// The folders that modules of a layer are imported from, where they will be.
    fn imports(&self, layer: &Layer, folder: &Path) -> Vec<String> {
        let root = self.place.join(folder);
        let folders = layer.imports.iter().map(|import| match import.as_str() {
            "" => root.clone(),
            import => root.join(import),
        });
        folders.map(|folder| folder.display().to_string()).collect()
    }

    /// What `importlib.metadata` finds of a project.
    fn distribution(&self, one: &LocalDistribution) -> Result<(), Error> {
        let folder = self.folder.join(&self.library);
        for (name, text) in one.files() {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
            write(&path, text.as_bytes()).map_err(Error::at("write", &path))?;
        }
        Ok(())
    }

    /// Source comes before all libraries.
    fn see(&self, imports: &[String]) -> Result<(), Error> {
        if imports.is_empty() {
            return Ok(());
        }
        let list: Vec<String> = imports.iter().map(|path| literal(path)).collect();
        let line = format!(
            "import sys; sys.path[:0] = [one for one in [{}] if one not in sys.path]\n",
            list.join(", ")
        );
        let path = self.folder.join(&self.library).join("_pinnace.pth");
        write(&path, line.as_bytes()).map_err(Error::at("write", &path))
    }
}

/// A text as Python reads it in any encoding.
fn literal(text: &str) -> String {
    let escaped = text.chars().map(|symbol| match symbol {
        ' '..='~' if !matches!(symbol, '\'' | '\\') => symbol.to_string(),
        _ => format!("\\U{:08x}", u32::from(symbol)),
    });
    format!("'{}'", escaped.collect::<String>())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::create_new(path)?, bytes)
}
