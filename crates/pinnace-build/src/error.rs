use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{OutputProblem, ProjectOption, Sdists};

/// A failure to read inputs, choose wheels, build them, or write a PEX file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns the kind, with its facts.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if a retry may succeed.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Store(error) => error.is_retryable(),
            ErrorKind::Changed { .. } | ErrorKind::ChangedWhileAsked { .. } => true,
            _ => false,
        }
    }

    /// Creates the error of an operation on `path`; used as `.map_err(Error::at("read", path))`.
    pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| ErrorKind::Io { doing, path: path.to_owned(), source }.into()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<pinnace_store::Error> for Error {
    fn from(error: pinnace_store::Error) -> Self {
        ErrorKind::Store(error).into()
    }
}

impl From<pinnace_pex::Error> for Error {
    fn from(error: pinnace_pex::Error) -> Self {
        match error.kind() {
            pinnace_pex::ErrorKind::Changed { path } => {
                ErrorKind::Changed { path: path.display().to_string() }.into()
            }
            _ => ErrorKind::Pex(error).into(),
        }
    }
}

impl From<pinnace_env::Error> for Error {
    fn from(error: pinnace_env::Error) -> Self {
        ErrorKind::Environment(error).into()
    }
}

impl From<pinnace_wheel::Error> for Error {
    fn from(error: pinnace_wheel::Error) -> Self {
        match error.kind() {
            pinnace_wheel::ErrorKind::Cancelled => ErrorKind::Cancelled.into(),
            _ => ErrorKind::Wheel(error).into(),
        }
    }
}

/// The kinds of [`Error`], with their facts. A program maps them to its own remedies, such as flags.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file system failed.
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// The caller cancelled the work.
    #[error("interrupted")]
    Cancelled,
    /// The current folder cannot be read.
    #[error("cannot read the current folder: {0}")]
    NoCurrentFolder(io::Error),
    /// Neither `HOME` nor a variable of the cache folder is set.
    #[error("no folder for the cache: HOME is not set; set PINNACE_CACHE_DIR")]
    NoHome,
    /// A keyring provider has an unknown name.
    #[error("unknown keyring provider: `{name}`")]
    UnknownKeyring {
        /// The name.
        name: String,
    },
    /// A page or folder of links is neither a URL nor a path that exists.
    #[error("the address of a page of links has no scheme such as `https://`")]
    NoScheme,

    /// Settings of a project are malformed or contradictory.
    #[error("`{origin}`: {reason}")]
    Settings {
        /// The file.
        origin: String,
        /// The fault.
        reason: String,
    },
    /// A `dagster_cloud.yaml` has several code locations, and none was named.
    #[error("`{origin}` has several locations: {}", names.join(", "))]
    SeveralLocations {
        /// The file.
        origin: String,
        /// The names of the locations.
        names: Vec<String>,
    },
    /// A file of a project cannot ship.
    #[error("cannot ship `{path}`: {reason}")]
    Unfit {
        /// The path in the project's folder.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A project changed while it was read.
    #[error("`{path}` changed while it was read: try again")]
    Changed {
        /// The file.
        path: String,
    },
    /// A project changed while its build backend read it.
    #[error("the project in `{}` changed while its build backend read it: try again", folder.display())]
    ChangedWhileAsked {
        /// The project's folder.
        folder: PathBuf,
    },
    /// The project's `prepare` command failed.
    #[error("the `prepare` command `{command}` failed ({status}):\n{output}")]
    Prepare {
        /// The command.
        command: String,
        /// The exit status.
        status: String,
        /// The last lines of its output.
        output: String,
    },

    /// A requirements file is a URL.
    #[error("a requirements file cannot be a URL")]
    RemoteFile {
        /// The URL.
        file: PathBuf,
    },
    /// A lock is given where requirements are expected.
    #[error("`{}` is a lock, not a requirements file", path.display())]
    IsLock {
        /// The lock.
        path: PathBuf,
    },
    /// A project has no extra of that name.
    #[error("`{}` has no extra `{extra}`", path.display())]
    UnknownExtra {
        /// The `pyproject.toml`.
        path: PathBuf,
        /// The extra.
        extra: String,
    },
    /// The caller names an extra, a group or a member, but no project or lock that could have it.
    #[error("cannot select {option} without a project")]
    NoProject {
        /// The option.
        option: ProjectOption,
    },
    /// A project's requirements are dynamic: only its build backend can tell them.
    #[error("the requirements of `{}` are dynamic: only a build can tell them", path.display())]
    DynamicRequirements {
        /// The `pyproject.toml`.
        path: PathBuf,
    },
    /// A `pyproject.toml` has no `[project]`, and the caller names no dependency group.
    #[error("`{}` has no requirements: it has no `[project]`", path.display())]
    NoRequirements {
        /// The `pyproject.toml`.
        path: PathBuf,
    },
    /// The `pyproject.toml` of a project cannot be read.
    #[error("cannot read the project `{}`: {source}", path.display())]
    UnreadableProject {
        /// The file.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// A source of `[tool.uv.sources]` does not exist.
    #[error("the source of `{project}` does not exist: `{}`", path.display())]
    MissingSource {
        /// The project.
        project: String,
        /// Its folder.
        path: PathBuf,
    },
    /// A folder contains another project than expected.
    #[error("`{}` is the project `{found}`, not `{expected}`", path.display())]
    OtherProject {
        /// The folder.
        path: PathBuf,
        /// The project in it.
        found: String,
        /// The project that was expected.
        expected: String,
    },
    /// `[tool.uv.sources]` names an index that `[[tool.uv.index]]` does not define.
    #[error(
        "`{project}` is bound to the index `{index}`, which `[[tool.uv.index]]` does not define"
    )]
    UnknownIndex {
        /// The project.
        project: String,
        /// The name of the index.
        index: String,
    },
    /// A workspace has no member of that name.
    #[error("the workspace has no member `{project}`")]
    NoMember {
        /// The member.
        project: String,
    },

    /// A lock cannot be read.
    #[error("cannot read the lock `{}`: {source}", path.display())]
    UnreadableLock {
        /// The lock.
        path: PathBuf,
        /// The failure itself.
        source: io::Error,
    },
    /// A lock is in the pex tool's own format.
    #[error("`{}` is a lock of the pex tool, which is not supported", path.display())]
    ForeignLock {
        /// The lock.
        path: PathBuf,
    },
    /// The caller names a workspace member, but the lock is not that of a workspace.
    #[error("only a `uv.lock` has workspace members")]
    NoMembers,
    /// A lock has several members, and the caller names none.
    #[error("the lock has several members: {}", members.join(", "))]
    SeveralMembers {
        /// The members.
        members: Vec<String>,
        /// True if the lock was found through a project's folder.
        is_of_project: bool,
    },
    /// A lock pins a version control repository.
    #[error("cannot build `{project}` from a repository ({url}): only archives are supported")]
    Repository {
        /// The project.
        project: String,
        /// The address, without credentials.
        url: String,
    },
    /// A lock is stale: it does not satisfy a requirement of the project.
    #[error("the lock is stale: the project requires {requirement}, but `{}` {}", lock.display(), shown(found.as_deref()))]
    StaleLock {
        /// The lock.
        lock: PathBuf,
        /// The requirement.
        requirement: String,
        /// The version that the lock pins, if any.
        found: Option<String>,
    },

    /// The output of a lock is one of its own inputs.
    #[error("cannot write the lock to `{}`: it is an input", path.display())]
    LockIsInput {
        /// The file.
        path: PathBuf,
    },
    /// A lock's file name has an unknown ending.
    #[error("not a file name of a lock: `{}`", path.display())]
    LockName {
        /// The name.
        path: PathBuf,
    },
    /// The output of a lock exists, and is not a lock.
    #[error("`{}` exists and is not a lock: {reason}", path.display())]
    NotALock {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// The output of a lock is a requirements file that was written by hand.
    #[error("`{}` exists and does not pin every requirement: it was written by hand", path.display())]
    WrittenByHand {
        /// The file.
        path: PathBuf,
    },
    /// A project to upgrade is not in the lock.
    #[error("`{}` has no `{project}` to upgrade", path.display())]
    NothingToUpgrade {
        /// The lock.
        path: PathBuf,
        /// The project.
        project: String,
    },
    /// The caller names no requirement, and the current folder has no project to lock.
    #[error("nothing to lock: no requirements, and no project in this folder")]
    NothingToLock,

    /// No set of files satisfies the request.
    #[error("{explanation}\nthe platform is {target}")]
    Unsolvable {
        /// The explanation of the resolver.
        explanation: String,
        /// The resolver's advice, if relaxing a requirement may help.
        hint: Option<String>,
        /// The platform.
        target: String,
        /// The part that source distributions have in it.
        sdists: Sdists,
    },
    /// A source distribution must be built, but this machine has no interpreter of the platform.
    #[error("cannot build `{file}`: this machine has no Python of {target}")]
    NoBuilder {
        /// The source distribution.
        file: String,
        /// The platform.
        target: String,
    },
    /// A project's backend must be queried, but this machine has no interpreter of the platform.
    #[error(
        "only its build backend can describe the project in `{}`, and this machine has no Python of {target}",
        folder.display()
    )]
    NoPythonToAsk {
        /// The project's folder.
        folder: PathBuf,
        /// The platform.
        target: String,
    },
    /// Bytecode is requested, but this machine has no interpreter of the platform.
    #[error("cannot compile bytecode: this machine has no Python of {target}")]
    NoPythonToCompile {
        /// The platform.
        target: String,
    },
    /// Bytecode is requested for several platforms.
    #[error("cannot compile bytecode for several platforms")]
    SeveralPlatforms,
    /// The wheels conflict.
    #[error("the wheels conflict:\n{}", listed(conflicts))]
    Conflicts {
        /// The conflicts.
        conflicts: Vec<String>,
    },
    /// A wheel cannot be built from a source, or is not the expected one.
    #[error("cannot build `{what}`: {reason}{log}")]
    Build {
        /// The source.
        what: String,
        /// The fault.
        reason: String,
        /// The last lines of the backend's output, each after a newline.
        log: String,
    },
    /// A blob is missing in the cache or in the store.
    #[error(
        "{digest} is missing in the store, and {by} refers to it: `pinnace store check` lists all damage"
    )]
    Lost {
        /// The digest of the blob.
        digest: pinnace_store::Digest,
        /// The referrer.
        by: String,
    },
    /// A manifest or a wheel is malformed.
    #[error("{digest} is not a valid {kind}: {reason}")]
    Malformed {
        /// The digest of the content.
        digest: pinnace_store::Digest,
        /// The expected kind.
        kind: &'static str,
        /// The fault.
        reason: String,
    },

    /// No interpreter of these names is on `PATH`.
    #[error("no {} on PATH", names.join(" or "))]
    NoPython {
        /// The names.
        names: Vec<String>,
    },
    /// No interpreter on `PATH` satisfies the constraints.
    #[error("no interpreter on PATH satisfies {constraints}")]
    NoPythonSatisfies {
        /// The constraints.
        constraints: String,
    },
    /// A platform does not satisfy the interpreter constraints.
    #[error("{target} does not satisfy the interpreter constraint {constraints}")]
    NotAllowed {
        /// The platform.
        target: String,
        /// The constraints.
        constraints: String,
    },

    /// The caller names no requirement and no code, and the current folder has no project.
    #[error("nothing to build: no requirements, and no project in this folder")]
    Nothing,
    /// The caller names no output.
    #[error("no output file is given")]
    NoOutput,
    /// A line of shell words has an unclosed quote.
    #[error("unclosed quote in `{line}`")]
    Quote {
        /// The line.
        line: String,
    },
    /// The output cannot be written at this path.
    #[error("{}", problem.shown(path))]
    Output {
        /// The path.
        path: PathBuf,
        /// The problem.
        problem: OutputProblem,
    },

    /// The store failed.
    #[error(transparent)]
    Store(pinnace_store::Error),
    /// A PEX file or a wheel is malformed or cannot be written.
    #[error(transparent)]
    Pex(pinnace_pex::Error),
    /// An environment could not be written.
    #[error(transparent)]
    Environment(pinnace_env::Error),
    /// The index failed, or a name, version or platform is malformed.
    #[error(transparent)]
    Wheel(pinnace_wheel::Error),
}

fn shown(found: Option<&str>) -> String {
    found.map_or_else(|| "lacks it".to_owned(), |version| format!("has {version}"))
}

fn listed(conflicts: &[String]) -> String {
    conflicts.iter().map(|conflict| format!("  - {conflict}")).collect::<Vec<_>>().join("\n")
}
