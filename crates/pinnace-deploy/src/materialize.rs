//! Releases on disk: one environment for each release and interpreter.

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
    Contents, Error, ErrorKind, Layer, Release, previous_environment::PreviousEnvironment,
};

/// An environment of a release on this machine, ready to be started.
#[derive(Clone, Debug)]
pub struct Environment {
    folder: PathBuf,
    whole: Whole,
}

/// The mark of a complete environment, as it stands in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Whole {
    release: Release,
    /// The folder of the project's own code.
    code: String,
}

/// The name of the mark.
pub(crate) const WHOLE: &str = "whole.json";
/// The folder of the project's own code, in an environment.
const CODE: &str = "code";
/// The folder of the code of other local projects.
const LOCAL: &str = "local";

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
        self.folder.join(&self.whole.code)
    }

    /// Returns the release.
    pub fn release(&self) -> &Release {
        &self.whole.release
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

    /// Returns the folder of all environments, which are named by what they hold.
    pub(crate) fn folder(&self) -> PathBuf {
        self.cache.folder().join("environments").join("1")
    }

    /// Returns the platform of a release that has an environment for any interpreter.
    pub fn platform(&self, release: &Digest) -> Option<String> {
        let folders = fs::read_dir(self.folder().join(release.to_hex())).ok()?;
        let marks = folders.filter_map(|folder| fs::read(folder.ok()?.path().join(WHOLE)).ok());
        let mut found = marks.filter_map(|mark| serde_json::from_slice::<Whole>(&mark).ok());
        found.next().map(|whole| whole.release.platform)
    }

    /// Finds the environment of a release for an interpreter; `None` if there is none, or it is incomplete.
    pub fn find(&self, release: &Digest, python: &Interpreter) -> Option<Environment> {
        let folder = self.place(release, python);
        let whole = fs::read(folder.join(WHOLE)).ok()?;
        Some(Environment { whole: serde_json::from_slice(&whole).ok()?, folder })
    }

    /// Writes the environment of a release, once. Wheels are unpacked once per machine and shared. Modules that
    /// are unchanged since `previous`, an earlier release, bring their bytecode along.
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
        // A release that does not run here is not fetched.
        check_platform(contents.release(), &wheels, python)?;
        contents.fetch_wheels(self.cache)?;
        self.cache.unpack_all(&wheels, threads)?;
        let plan = self.plan(contents.release(), &wheels, python)?;
        let place = self.place(release, python);
        let parent = place.parent().unwrap_or(&place);
        fs::create_dir_all(parent).map_err(Error::at("create the folder", parent))?;
        // An incomplete environment is the rest of one that was being removed.
        if self.find(release, python).is_none() {
            let _ = fs::remove_dir_all(&place);
        }
        let pending = PendingFolder::create(&place, Durability::Volatile)?;
        let folder = pending.unfinished_path();
        let venv = Venv::new(env_interpreter(python)?, LinkMode::SymbolicLink);
        venv.lay(&plan, &UnpackedWheels::new(self.cache, &wheels), &folder, &place)?;
        let library = venv.library();
        let previous = previous.map(|one| (one.folder(), cache_tag(python)));
        let source = SourceSide { contents, folder: &folder, place: &place, library, previous };
        source.write()?;
        let whole = Whole { release: contents.release().clone(), code: CODE.to_owned() };
        let text = serde_json::to_vec(&whole).map_err(io::Error::other);
        let path = folder.join(WHOLE);
        text.and_then(|text| write(&path, &text)).map_err(Error::at("write", &path))?;
        let committed = pending.commit_new()?;
        if committed == PutResult::AlreadyExists && self.find(release, python).is_none() {
            let taken = io::Error::other("it is there, and not whole: remove it");
            return Err(Error::at("create", &place)(taken));
        }
        Ok(Environment { folder: place, whole })
    }

    /// Merges the layers of a release as its interpreter will see them.
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
        let misfit = plan.conflicts().iter().find(|one| {
            matches!(one, Conflict::Misfit { .. }) && policy.judge(one) == Ruling::Refuse
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

/// Checks that an interpreter is of the platform of a release: its minor version, and all wheels.
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

/// Returns a project of the release as merging takes it: its scripts and its requirements.
fn local(one: &LocalDistribution) -> Distribution<[u8; 32]> {
    let lines = one.metadata.lines().take_while(|line| !line.is_empty());
    let requires = lines.filter_map(|line| line.strip_prefix("Requires-Dist: ")).map(str::to_owned);
    let scripts = console_scripts(&one.entry_points).into_iter();
    let scripts: Vec<Script> = scripts.map(|(name, target)| Script::new(name, target)).collect();
    let file_name = format!("{}-{}-py3-none-any.whl", one.name.replace('-', "_"), one.version);
    let contents = Files::new(Vec::new()).unwrap_or_default().with_scripts(scripts);
    Distribution::new(one.name.as_str(), one.version.as_str(), file_name, [0; 32])
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

/// The source side of an environment that is being written.
struct SourceSide<'a> {
    contents: &'a Contents<'a>,
    folder: &'a Path,
    /// The final folder of the environment.
    place: &'a Path,
    /// The folder of site-packages, in the environment.
    library: PathBuf,
    /// An environment of an earlier release, and the tag of its bytecode.
    previous: Option<(&'a Path, String)>,
}

impl SourceSide<'_> {
    fn write(&self) -> Result<(), Error> {
        let mut imports = Vec::new();
        let code = self.folder.join(CODE);
        fs::create_dir_all(&code).map_err(Error::at("create the folder", &code))?;
        for (number, layer) in self.contents.release().sources().enumerate() {
            let folder = match number {
                0 => PathBuf::from(CODE),
                _ => Path::new(LOCAL).join(&layer.name),
            };
            let files = self.contents.files(&layer.digest)?;
            let previous = self.previous.as_ref().map(|(environment, tag)| PreviousEnvironment {
                folder: environment.join(&folder),
                tag: tag.clone(),
            });
            self.contents.write_files(&files, &self.folder.join(&folder), previous.as_ref())?;
            imports.extend(self.imports(layer, &folder));
            layer.distribution.iter().try_for_each(|one| self.distribution(one))?;
        }
        self.see(&imports)
    }

    /// Returns the import roots of a layer, by their final paths.
    fn imports(&self, layer: &Layer, folder: &Path) -> Vec<String> {
        let root = self.place.join(folder);
        let folders = layer.imports.iter().map(|import| match import.as_str() {
            "" => root.clone(),
            import => root.join(import),
        });
        folders.map(|folder| folder.display().to_string()).collect()
    }

    /// Writes the files by which `importlib.metadata` finds a project.
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

    /// Puts import roots before all libraries on `sys.path`.
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

/// Returns a text as a literal that Python reads in any encoding.
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
