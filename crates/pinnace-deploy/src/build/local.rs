//! Building on this machine: an environment of what the backend requires, and its hooks in it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use pinnace_store::{Digest, PendingFolder};
use pinnace_wheel::{
    Event, Formats, Index, Interpreter, Metadata, Outcome, Progress, Request, Requirement, Silent,
    resolve,
};
use sha2::{Digest as _, Sha256};

use super::{
    Builder, Order, Product,
    hook::{Answer, Place, Wanted, Watch},
    system::BuildSystem,
};
use crate::{Error, ErrorKind, Machine, Wheel};

/// Builds with an interpreter of this machine, as PEP 517 and PEP 518 have it.
///
/// Each build has an environment of its own, resolved and laid out here: what the backend requires, and nothing else.
/// It inherits no variables but those that compilers are told by, has an empty home, and no network where the system
/// lets it be cut off. What the backend requires must have wheels.
pub struct LocalBuilder<'a> {
    index: &'a Index<'a>,
    pub(super) machine: &'a Machine,
    pub(super) interpreter: Interpreter,
    variables: BTreeMap<String, String>,
    exclude_newer: Option<u64>,
    progress: &'a dyn Progress,
    threads: usize,
}

/// What tells compilers what to do. They are part of what the builder is known by.
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
/// What programs are found by, and how many of them run at once.
const FINDING: [&str; 5] = ["CARGO_HOME", "LD_LIBRARY_PATH", "MAKEFLAGS", "PATH", "RUSTUP_HOME"];
/// What says a version in place of version control.
const VERSIONS: [&str; 2] = ["SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"];
/// A backend may ask for more once it runs; one that never stops asking is broken.
const ROUNDS: usize = 4;

impl<'a> LocalBuilder<'a> {
    /// Builds with that interpreter; what backends require comes from the index, through the machine.
    pub fn new(index: &'a Index<'a>, machine: &'a Machine, interpreter: Interpreter) -> Self {
        let (variables, exclude_newer) = Default::default();
        Self {
            index,
            machine,
            interpreter,
            variables,
            exclude_newer,
            progress: &Silent,
            threads: 1,
        }
    }

    /// The same, which passes on what these variables tell compilers, and nothing else of them.
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

    /// The same, which takes for backends nothing that was uploaded later, in seconds since 1970.
    #[must_use]
    pub fn with_exclude_newer(mut self, time: Option<u64>) -> Self {
        self.exclude_newer = time;
        self
    }

    /// The same, which tells somebody what it does, and uses so many threads.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress, threads: usize) -> Self {
        (self.progress, self.threads) = (progress, threads);
        self
    }

    /// Asks the backend of a source, as often as it takes until it has what it requires.
    pub(super) fn ask(
        &self,
        order: &Order<'_>,
        scratch: &PendingFolder,
        wanted: Wanted,
        watch: Watch,
    ) -> Result<Answer, Error> {
        self.progress.event(Event::Building(order.what));
        let system =
            BuildSystem::of(order.source).map_err(|error| refuse(order.what, error.to_string()))?;
        let folder = scratch.unfinished_path();
        let mut variables = self.variables.clone();
        if watch == Watch::Watched {
            // A project's copy has no version control that would tell.
            let is_told = |name: &str| self.variables.keys().any(|key| key.starts_with(name));
            let missing = VERSIONS.into_iter().filter(|name| !is_told(name));
            variables.extend(missing.map(|name| (name.to_owned(), "0".to_owned())));
        }
        let mut given = system.requires.clone();
        for round in 0..ROUNDS {
            let environment = folder.join(format!("environment-{round}"));
            self.lay(order.what, &given, &environment)?;
            let place = Place {
                what: order.what,
                source: order.source,
                out: order.out,
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
        Err(refuse(order.what, "its backend never has all that it requires".to_owned()))
    }

    /// Lays out an environment of what a backend requires.
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
        let wheels: Vec<Wheel> = files
            .iter()
            .map(|one| Wheel::new(one.artifact.file_name(), Digest::new(one.sha256), Vec::new()))
            .collect();
        self.machine.lay_wheels(&wheels, &self.interpreter, folder, self.threads)
    }

    pub(super) fn scratch(&self, what: &str) -> Result<PendingFolder, Error> {
        let name = Digest::new(Sha256::digest(what).into()).to_hex();
        self.machine.workplace(&name)
    }
}

impl Builder for LocalBuilder<'_> {
    fn name(&self) -> String {
        let told = self.variables.iter().filter(|(name, _)| !FINDING.contains(&name.as_str()));
        let told: Vec<String> = told.map(|(name, value)| format!("{name}={value}\n")).collect();
        match told.is_empty() {
            true => "local-1".to_owned(),
            false => {
                let digest = Digest::new(Sha256::digest(told.concat()).into()).to_hex();
                format!("local-1-{}", &digest[..16])
            }
        }
    }

    fn metadata(&self, order: &Order<'_>) -> Result<Option<Metadata>, Error> {
        let scratch = self.scratch(order.what)?;
        let answer = self.ask(order, &scratch, Wanted::Metadata, Watch::Unwatched)?;
        let Some(name) = answer.metadata else { return Ok(None) };
        let path = order.out.join(name).join("METADATA");
        let text = crate::project::read(&path)?.unwrap_or_default();
        let metadata = Metadata::parse(text.as_bytes());
        metadata.map(Some).map_err(|error| refuse(order.what, error.to_string()))
    }

    fn wheel(&self, order: &Order<'_>) -> Result<Product, Error> {
        let scratch = self.scratch(order.what)?;
        let answer = self.ask(order, &scratch, Wanted::Wheel, Watch::Unwatched)?;
        let name = answer.wheel.map(PathBuf::from).unwrap_or_default();
        let is_name = name.file_name() == Some(name.as_os_str());
        let file = order.out.join(&name);
        if !is_name || !file.is_file() {
            return Err(refuse(order.what, "its backend made no wheel".to_owned()));
        }
        let notes = match answer.network {
            true => vec![format!("`{}` could reach the network while it was built", order.what)],
            false => Vec::new(),
        };
        Ok(Product { file, notes })
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
