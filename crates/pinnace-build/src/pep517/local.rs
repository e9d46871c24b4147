//! Builds on this machine: an environment of the backend's requirements, and its hooks in it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pinnace_store::{Digest, PendingFolder};
use pinnace_wheel::{
    Downloaded, Event, Formats, Index, Interpreter, Metadata, Outcome, Progress, Request,
    Requirement, Silent, Target, resolve,
};

use super::{
    builder::{BuildOutput, BuildRequest, Builder},
    hook::{Answer, Place, Wanted, Watch},
    system::BuildSystem,
};
use crate::{
    Cache, Context, Error, ErrorKind, Wheel, interpreters::interpreter_like, project::read_text,
};

/// A builder that uses an interpreter of this machine (PEP 517, PEP 518).
///
/// Each build has an environment of its own, which holds the backend's requirements and nothing else. It
/// inherits no variables but those of compilers, has an empty home, and no network where the system
/// lets it be cut off. The backend's requirements must have wheels.
pub struct LocalBuilder<'a> {
    index: &'a Index<'a>,
    pub(super) cache: &'a Cache,
    pub(super) interpreter: Interpreter,
    variables: BTreeMap<String, String>,
    exclude_newer: Option<u64>,
    progress: &'a dyn Progress,
    threads: usize,
}

/// The variables of compilers. They are part of the builder's name.
const TELLING: [&str; 32] = [
    "AR",
    "ARCHFLAGS",
    "CC",
    "CFLAGS",
    "CMAKE_ARGS",
    "CPATH",
    "CPP",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "FC",
    "FFLAGS",
    "LD",
    "LDFLAGS",
    "LDSHARED",
    "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET",
    "NM",
    "PDM_BUILD_SCM_VERSION",
    "PKG_CONFIG",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "RANLIB",
    "RUSTC",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "SDKROOT",
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "STRIP",
    "_PYTHON_HOST_PLATFORM",
];
/// The variables that find programs, or say how many run at once.
const FINDING: [&str; 5] = ["CARGO_HOME", "LD_LIBRARY_PATH", "MAKEFLAGS", "PATH", "RUSTUP_HOME"];
/// The variables that give a version in place of version control.
const VERSIONS: [&str; 2] = ["SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"];
/// The times that a backend may require more once it runs; one that never stops is broken.
const ROUNDS: usize = 4;

/// Returns a builder for a platform: `python`, or another interpreter of this machine with the same minor
/// version. Without one, only wheels satisfy a request.
pub fn local_builder<'a>(
    cx: &'a Context<'a>,
    index: &'a Index<'a>,
    request: &Request,
    target: &Target,
    python: Option<&str>,
) -> Option<LocalBuilder<'a>> {
    let (env, cache) = (cx.env(), cx.cache());
    let interpreter = interpreter_like(target, python, env, cache)?;
    Some(
        LocalBuilder::new(index, cache, interpreter)
            .with_variables(&env.variables)
            .with_exclude_newer(request.newest())
            .with_progress(cx.progress(), env.threads),
    )
}

impl<'a> LocalBuilder<'a> {
    /// Creates a builder. Requirements of backends come from the index, through the cache.
    pub fn new(index: &'a Index<'a>, cache: &'a Cache, interpreter: Interpreter) -> Self {
        let (variables, exclude_newer) = Default::default();
        Self { index, cache, interpreter, variables, exclude_newer, progress: &Silent, threads: 1 }
    }

    /// Passes on the variables of compilers, and no others.
    #[must_use]
    pub fn with_variables(mut self, all: &BTreeMap<String, String>) -> Self {
        let passed = |name: &&String| {
            TELLING.contains(&name.as_str())
                || FINDING.contains(&name.as_str())
                || name.starts_with("SETUPTOOLS_SCM_PRETEND_VERSION_FOR_")
        };
        let passed = all.keys().filter(passed).filter_map(|name| all.get_key_value(name));
        self.variables = passed.map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(home) = all.get("HOME").filter(|_| !all.contains_key("RUSTUP_HOME")) {
            let toolchains = Path::new(home).join(".rustup").display().to_string();
            self.variables.insert("RUSTUP_HOME".to_owned(), toolchains);
        }
        self
    }

    /// Ignores uploads after a time, in seconds since 1970.
    #[must_use]
    pub fn with_exclude_newer(mut self, time: Option<u64>) -> Self {
        self.exclude_newer = time;
        self
    }

    /// Sets the observer, and the number of threads.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress, threads: usize) -> Self {
        (self.progress, self.threads) = (progress, threads);
        self
    }

    /// Asks the backend of a source, again after each answer that requires more.
    pub(super) fn ask(
        &self,
        request: &BuildRequest<'_>,
        scratch: &PendingFolder,
        wanted: Wanted,
        watch: Watch,
    ) -> Result<Answer, Error> {
        self.progress.event(Event::Building(request.what));
        let system = BuildSystem::of(request.source)
            .map_err(|error| refuse(request.what, error.to_string()))?;
        let folder = scratch.unfinished_path();
        let mut variables = self.variables.clone();
        if watch == Watch::Watched {
            // The copy of a project has no version control.
            let is_told = |name: &str| self.variables.keys().any(|key| key.starts_with(name));
            let missing = VERSIONS.into_iter().filter(|name| !is_told(name));
            variables.extend(missing.map(|name| (name.to_owned(), "0".to_owned())));
        }
        let mut given = system.requires.clone();
        for round in 0..ROUNDS {
            let environment = folder.join(format!("environment-{round}"));
            self.lay(request.what, &given, &environment)?;
            let place = Place {
                what: request.what,
                source: request.source,
                out: request.out,
                folder: &folder,
                environment: &environment,
                variables: &variables,
                progress: self.progress,
            };
            let answer = place.call(&system, &given, wanted, watch)?;
            if answer.needs.is_empty() {
                return Ok(answer);
            }
            given.extend(answer.needs);
        }
        Err(refuse(request.what, "its backend never has all that it requires".to_owned()))
    }

    /// Writes an environment of the backend's requirements.
    fn lay(&self, what: &str, requires: &[String], folder: &Path) -> Result<(), Error> {
        fs::create_dir(folder).map_err(Error::at("create the folder", folder))?;
        let parse = |text: &String| text.parse::<Requirement>();
        let requirements: Vec<Requirement> =
            requires.iter().map(parse).collect::<Result<_, _>>().map_err(|error| {
                refuse(what, format!("it requires what is no requirement: {error}"))
            })?;
        let mut request = Request::new(requirements).with_only_binary(Formats::All);
        if let Some(time) = self.exclude_newer {
            request = request.exclude_newer(time);
        }
        let target = self.interpreter.target();
        let resolution = match resolve(self.index, &request, target)? {
            Outcome::Solved(resolution) => resolution,
            Outcome::Unsolvable(explanation) => {
                let reason = format!("what its backend requires cannot be had: {explanation}");
                return Err(refuse(what, reason));
            }
        };
        let files = self.index.download(resolution.pins())?;
        let wheel = |file: &Downloaded| {
            let name = file.artifact.wheel()?.clone();
            Some(Wheel::new(name, Digest::new(file.sha256), Vec::new()))
        };
        let wheels: Vec<Wheel> = files.iter().filter_map(wheel).collect();
        self.cache.write_environment(&wheels, &self.interpreter, folder, self.threads)
    }

    pub(super) fn scratch(&self, what: &str) -> Result<PendingFolder, Error> {
        let name = Digest::of(what).to_hex();
        self.cache.workplace(&name)
    }
}

impl Builder for LocalBuilder<'_> {
    fn name(&self) -> String {
        let told = self.variables.iter().filter(|(name, _)| !FINDING.contains(&name.as_str()));
        let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}\n")).collect();
        match told.is_empty() {
            true => "local-1".to_owned(),
            false => {
                let digest = Digest::of(told.concat()).to_hex();
                format!("local-1-{}", &digest[..16])
            }
        }
    }

    fn metadata(&self, request: &BuildRequest<'_>) -> Result<Option<Metadata>, Error> {
        let scratch = self.scratch(request.what)?;
        let answer = self.ask(request, &scratch, Wanted::Metadata, Watch::Unwatched)?;
        let Some(name) = answer.metadata else { return Ok(None) };
        let path = request.out.join(name).join("METADATA");
        let text = read_text(&path)?.unwrap_or_default();
        let metadata = Metadata::parse(text.as_bytes());
        metadata.map(Some).map_err(|error| refuse(request.what, error.to_string()))
    }

    fn wheel(&self, request: &BuildRequest<'_>) -> Result<BuildOutput, Error> {
        let scratch = self.scratch(request.what)?;
        let answer = self.ask(request, &scratch, Wanted::Wheel, Watch::Unwatched)?;
        let name = answer.wheel.map(PathBuf::from).unwrap_or_default();
        let is_name = name.file_name() == Some(name.as_os_str());
        let file = request.out.join(&name);
        if !is_name || !file.is_file() {
            return Err(refuse(request.what, "its backend made no wheel".to_owned()));
        }
        let notes = match answer.network {
            true => vec![format!("`{}` could reach the network while it was built", request.what)],
            false => Vec::new(),
        };
        Ok(BuildOutput { file, notes })
    }
}

impl std::fmt::Debug for LocalBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalBuilder")
            .field("interpreter", &self.interpreter)
            .finish_non_exhaustive()
    }
}

pub(super) fn refuse(what: &str, reason: String) -> Error {
    ErrorKind::Build { what: what.to_owned(), reason, log: String::new() }.into()
}
