//! Builds on this machine: the backend's hooks run in an environment with its requirements.

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
    hook::{Answer, Hook, HookRun, Recording},
    system::BuildSystem,
};
use crate::{
    Cache, Context, Error, ErrorKind, Wheel, interpreters::interpreter_like, project::read_text,
};

/// A builder that uses an interpreter of this machine (PEP 517, PEP 518).
///
/// Each build has its own environment with the backend's requirements, which must have wheels. The build
/// inherits only variables of compilers, has an empty home, and has no network if the system supports network
/// namespaces.
pub struct LocalBuilder<'a> {
    index: &'a Index<'a>,
    pub(super) cache: &'a Cache,
    pub(super) interpreter: Interpreter,
    variables: BTreeMap<String, String>,
    exclude_newer: Option<u64>,
    progress: &'a dyn Progress,
    threads: usize,
}

/// The variables that configure compilers. They are part of the builder's name, and so of cache keys.
const COMPILER_VARIABLES: [&str; 32] = [
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
/// The variables that locate programs or set their parallelism. They are not part of the builder's name.
const LOOKUP_VARIABLES: [&str; 5] =
    ["CARGO_HOME", "LD_LIBRARY_PATH", "MAKEFLAGS", "PATH", "RUSTUP_HOME"];
/// The variables that set a version in place of version control.
const VERSION_VARIABLES: [&str; 2] = ["SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"];
/// The maximum number of times that a backend may ask for additional requirements.
const MAX_ROUNDS: usize = 4;

/// Returns a builder for a platform, with `python` or another interpreter of the same minor version. Returns
/// `None` if this machine has no such interpreter.
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
    /// Creates a builder. The requirements of backends come from the index, through the cache.
    pub fn new(index: &'a Index<'a>, cache: &'a Cache, interpreter: Interpreter) -> Self {
        let (variables, exclude_newer) = Default::default();
        Self { index, cache, interpreter, variables, exclude_newer, progress: &Silent, threads: 1 }
    }

    /// Sets the variables to pass on, which are those of compilers among `all`.
    #[must_use]
    pub fn with_variables(mut self, all: &BTreeMap<String, String>) -> Self {
        let passed = |name: &&String| {
            COMPILER_VARIABLES.contains(&name.as_str())
                || LOOKUP_VARIABLES.contains(&name.as_str())
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

    /// Sets the time from which to ignore uploads, in seconds since 1970.
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

    /// Queries the backend of a source, and repeats the query after each answer with additional requirements.
    pub(super) fn ask(
        &self,
        request: &BuildRequest<'_>,
        scratch: &PendingFolder,
        hook: Hook,
        recording: Recording,
    ) -> Result<Answer, Error> {
        self.progress.event(Event::Building(request.what));
        let system = BuildSystem::of(request.source)
            .map_err(|error| refuse(request.what, error.to_string()))?;
        let folder = scratch.unfinished_path();
        let mut variables = self.variables.clone();
        if recording == Recording::On {
            // The copy of a project lacks its version control.
            let is_set = |name: &str| self.variables.keys().any(|key| key.starts_with(name));
            let missing = VERSION_VARIABLES.into_iter().filter(|name| !is_set(name));
            variables.extend(missing.map(|name| (name.to_owned(), "0".to_owned())));
        }
        let mut requirements = system.requires.clone();
        for round in 0..MAX_ROUNDS {
            let environment = folder.join(format!("environment-{round}"));
            self.write_environment(request.what, &requirements, &environment)?;
            let run = HookRun {
                what: request.what,
                source: request.source,
                out: request.out,
                folder: &folder,
                environment: &environment,
                variables: &variables,
                progress: self.progress,
            };
            let answer = run.call(&system, &requirements, hook, recording)?;
            if answer.needs.is_empty() {
                return Ok(answer);
            }
            requirements.extend(answer.needs);
        }
        Err(refuse(request.what, "its backend asks for more requirements every time".to_owned()))
    }

    /// Writes an environment with the backend's requirements.
    fn write_environment(
        &self,
        what: &str,
        requires: &[String],
        folder: &Path,
    ) -> Result<(), Error> {
        fs::create_dir(folder).map_err(Error::at("create the folder", folder))?;
        let parse = |text: &String| text.parse::<Requirement>();
        let parsed: Vec<Requirement> = requires
            .iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map_err(|error| refuse(what, format!("malformed requirement: {error}")))?;
        let mut request = Request::new(parsed).with_only_binary(Formats::All);
        if let Some(time) = self.exclude_newer {
            request = request.exclude_newer(time);
        }
        let target = self.interpreter.target();
        let resolution = match resolve(self.index, &request, target)? {
            Outcome::Solved(resolution) => resolution,
            Outcome::Unsolvable(explanation) => {
                let reason =
                    format!("the requirements of its backend cannot be satisfied: {explanation}");
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
        let compilers =
            self.variables.iter().filter(|(name, _)| !LOOKUP_VARIABLES.contains(&name.as_str()));
        let lines: String = compilers.map(|(name, value)| format!("{name}={value}\n")).collect();
        if lines.is_empty() {
            return "local-1".to_owned();
        }
        let digest = Digest::of(lines).to_hex();
        format!("local-1-{}", &digest[..16])
    }

    fn metadata(&self, request: &BuildRequest<'_>) -> Result<Option<Metadata>, Error> {
        let scratch = self.scratch(request.what)?;
        let answer = self.ask(request, &scratch, Hook::Metadata, Recording::Off)?;
        let Some(name) = answer.metadata else { return Ok(None) };
        let path = request.out.join(name).join("METADATA");
        let text = read_text(&path)?.unwrap_or_default();
        let metadata = Metadata::parse(text.as_bytes());
        metadata.map(Some).map_err(|error| refuse(request.what, error.to_string()))
    }

    fn wheel(&self, request: &BuildRequest<'_>) -> Result<BuildOutput, Error> {
        let scratch = self.scratch(request.what)?;
        let answer = self.ask(request, &scratch, Hook::Wheel, Recording::Off)?;
        let name = answer.wheel.map(PathBuf::from).unwrap_or_default();
        let is_name = name.file_name() == Some(name.as_os_str());
        let file = request.out.join(&name);
        if !is_name || !file.is_file() {
            return Err(refuse(request.what, "its backend made no wheel".to_owned()));
        }
        let mut notes = Vec::new();
        if answer.network {
            notes.push(format!("`{}` could reach the network while it was built", request.what));
        }
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
