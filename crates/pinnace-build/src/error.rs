use std::{
    io,
    path::{Path, PathBuf},
};

/// A failure to read inputs, choose wheels, build them, or write a PEX file.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// Returns what happened, with its facts.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if trying again later may help.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Store(error) => error.is_retryable(),
            ErrorKind::Changed { .. } | ErrorKind::ChangedWhileAsked { .. } => true,
            _ => false,
        }
    }

    /// Makes the error of an operation on `path`; used as `.map_err(Error::at("read", path))`.
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
    #[error("cannot tell the current folder: {0}")]
    NoCurrentFolder(io::Error),
    /// Neither `HOME` nor a variable of the cache folder is set.
    #[error("there is no HOME; set PINNACE_CACHE_DIR to a folder for the cache")]
    NoHome,
    /// A keyring provider has an unknown name.
    #[error("`{name}` is no keyring provider")]
    UnknownKeyring {
        /// The name.
        name: String,
    },
    /// A page or folder of links is neither a URL nor a path that exists.
    #[error("a page of links has no scheme such as `https://`")]
    NoScheme,

    /// The settings of a project are malformed or contradictory.
    #[error("`{origin}`: {reason}")]
    Settings {
        /// The file.
        origin: String,
        /// The fault.
        reason: String,
    },
    /// A `dagster_cloud.yaml` has several code locations, and none was named.
    #[error("`{origin}`: it has several locations: {}", names.join(", "))]
    SeveralLocations {
        /// The file.
        origin: String,
        /// The names of the locations.
        names: Vec<String>,
    },
    /// A file of a project cannot be shipped.
    #[error("`{path}` cannot be shipped: {reason}")]
    Unfit {
        /// The path in the project's folder.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A project changed while it was read.
    #[error("`{path}` changed while it was read: try again when the project is at rest")]
    Changed {
        /// The file.
        path: String,
    },
    /// A project changed while its build backend was asked.
    #[error("the project in `{}` changed while its backend was asked: try again when it is at rest", folder.display())]
    ChangedWhileAsked {
        /// The project's folder.
        folder: PathBuf,
    },
    /// The project's `prepare` command failed.
    #[error("`{command}` (`prepare`) failed, {status}:\n{output}")]
    Prepare {
        /// The command.
        command: String,
        /// The exit status.
        status: String,
        /// The last lines of its output.
        output: String,
    },

    /// A requirements file is named by a URL.
    #[error("only requirements files of this machine are read")]
    RemoteFile {
        /// The URL.
        file: PathBuf,
    },
    /// A lock is named where requirements are expected.
    #[error("`{}` is a lock, and not what is required", path.display())]
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
    /// An extra, a group or a member is named, but no project or lock that could have it.
    #[error("{option} of a project is named, and no project")]
    NoProject {
        /// The option.
        option: ProjectOption,
    },
    /// A project requires something that only a build would tell.
    #[error("`{}` does not say what the project requires, but only building would", path.display())]
    DynamicRequirements {
        /// The `pyproject.toml`.
        path: PathBuf,
    },
    /// A `pyproject.toml` without `[project]` was named, and no dependency group.
    #[error("`{}` has no `[project]`, and says nothing that is required", path.display())]
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
    #[error("the source of `{project}`, `{}`, is not there", path.display())]
    MissingSource {
        /// The project.
        project: String,
        /// Its folder.
        path: PathBuf,
    },
    /// A folder holds another project than expected.
    #[error("`{}` is `{found}`, and not `{expected}`", path.display())]
    OtherProject {
        /// The folder.
        path: PathBuf,
        /// The project in it.
        found: String,
        /// The project that was expected.
        expected: String,
    },
    /// A project comes from an index that `[[tool.uv.index]]` does not have.
    #[error(
        "`{project}` is to come from the index `{index}`, which `[[tool.uv.index]]` does not have"
    )]
    UnknownIndex {
        /// The project.
        project: String,
        /// The name of the index.
        index: String,
    },
    /// A workspace has no member of that name.
    #[error("`{project}` is to come from the workspace, which has no such member")]
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
    /// A lock is one of the pex tool, in its own format.
    #[error("`{}` is a lock of the pex tool, which is not read", path.display())]
    ForeignLock {
        /// The lock.
        path: PathBuf,
    },
    /// A member is named, but only the lock of a workspace has members.
    #[error("only a `uv.lock` has members")]
    NoMembers,
    /// A lock has several members, and none was named.
    #[error("the lock has the members {}", members.join(", "))]
    SeveralMembers {
        /// The members.
        members: Vec<String>,
        /// True if the lock is that of a project that was named by its folder.
        is_of_project: bool,
    },
    /// A lock names a repository of version control.
    #[error("`{project}` is in a repository ({url}), and source is built from archives alone")]
    Repository {
        /// The project.
        project: String,
        /// The address, without credentials.
        url: String,
    },
    /// A lock is older than the project: it does not satisfy a requirement.
    #[error("the project requires {requirement}, and `{}` {}", lock.display(), shown(found.as_deref()))]
    StaleLock {
        /// The lock.
        lock: PathBuf,
        /// The requirement.
        requirement: String,
        /// The version that the lock pins, if it pins any.
        found: Option<String>,
    },

    /// A lock would replace one of its own inputs.
    #[error("`{}` is an input, and is left alone", path.display())]
    LockIsInput {
        /// The file.
        path: PathBuf,
    },
    /// A name cannot be that of a lock.
    #[error("`{}` is no name of a lock", path.display())]
    LockName {
        /// The name.
        path: PathBuf,
    },
    /// A file where a lock should be written is no lock.
    #[error("`{}` is there already, and is no lock: {reason}", path.display())]
    NotALock {
        /// The file.
        path: PathBuf,
        /// The fault.
        reason: String,
    },
    /// A requirements file where a lock should be written was written by hand.
    #[error("`{}` is there already, and does not pin what it has: it was written by hand", path.display())]
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
    /// No requirement and no project was named to lock.
    #[error("there is nothing to lock, and no project in this folder")]
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
        /// The reason why source distributions did not help.
        sdists: Sdists,
    },
    /// A source distribution must be built, and no interpreter of the platform is here.
    #[error("`{file}` must be built, and no Python of {target} is here to do it")]
    NoBuilder {
        /// The source distribution.
        file: String,
        /// The platform.
        target: String,
    },
    /// Only a backend describes a project, and no interpreter of the platform is here.
    #[error(
        "only its backend describes the project in `{}`, and no Python of {target} is here to ask it",
        folder.display()
    )]
    NoPythonToAsk {
        /// The project's folder.
        folder: PathBuf,
        /// The platform.
        target: String,
    },
    /// Bytecode is wanted, and no interpreter of the platform is here.
    #[error("bytecode needs a Python of {target}, and none is here")]
    NoPythonToCompile {
        /// The platform.
        target: String,
    },
    /// Bytecode is wanted for several platforms.
    #[error("bytecode is for one platform, and several are named")]
    SeveralPlatforms,
    /// The wheels do not go together.
    #[error("the wheels do not go together:\n{}", listed(conflicts))]
    Conflicts {
        /// The conflicts.
        conflicts: Vec<String>,
    },
    /// A wheel could not be built of a source, or is not the one that was asked for.
    #[error("`{what}` cannot be built: {reason}{log}")]
    Build {
        /// The source.
        what: String,
        /// The fault.
        reason: String,
        /// The last lines of the backend's output, each after a newline.
        log: String,
    },
    /// A blob that should be here or in the store is missing.
    #[error(
        "{digest} is not in the store, and {by} refers to it: `pinnace store check` finds all that is wrong"
    )]
    Lost {
        /// The digest of the blob.
        digest: pinnace_store::Digest,
        /// The referrer.
        by: String,
    },
    /// A manifest or a wheel is malformed.
    #[error("{digest} is no {kind} that can be used: {reason}")]
    Malformed {
        /// The digest of the content.
        digest: pinnace_store::Digest,
        /// The kind that it should be.
        kind: &'static str,
        /// The fault.
        reason: String,
    },

    /// No interpreter of these names is on `PATH`.
    #[error("there is no {} on PATH", names.join(" or "))]
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
    /// A platform is outside the interpreter constraints.
    #[error("{target} is none of the interpreters that {constraints} allows")]
    NotAllowed {
        /// The platform.
        target: String,
        /// The constraints.
        constraints: String,
    },

    /// No requirement, no code and no project was named.
    #[error("there is nothing to build, and no project in this folder")]
    Nothing,
    /// No output was named.
    #[error("no file to write is named")]
    NoOutput,
    /// A line of shell words is malformed.
    #[error("`{line}` has a quote without an end")]
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
    /// A PEX file or a wheel failed.
    #[error(transparent)]
    Pex(pinnace_pex::Error),
    /// An environment could not be written.
    #[error(transparent)]
    Environment(pinnace_env::Error),
    /// The index failed, or a name, version or platform is malformed.
    #[error(transparent)]
    Wheel(pinnace_wheel::Error),
}

/// An input that only a project or the lock of a workspace can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProjectOption {
    /// An extra.
    Extra,
    /// A dependency group.
    Group,
    /// A member of a workspace.
    Member,
}

impl std::fmt::Display for ProjectOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Extra => "an extra",
            Self::Group => "a group",
            Self::Member => "a member",
        })
    }
}

/// The part that source distributions have in an unsolvable request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sdists {
    /// None: they would not help.
    Irrelevant,
    /// The request leaves them out, and a builder is here.
    LeftOut,
    /// They cannot be built: no interpreter of the platform is here.
    NoBuilder,
}

/// A reason why a path cannot be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OutputProblem {
    /// It is stdout, and the output is not text.
    Stdout,
    /// It is a folder, and the output is a file.
    Folder,
    /// It is a device or a pipe.
    NotOrdinary,
    /// Its folder does not exist.
    NoParent,
    /// It exists, and is no archive.
    NotArchive,
    /// It exists, and is no folder.
    NotFolder,
    /// The folder exists, and is neither empty nor a PEX file.
    NotEmpty,
    /// The folder holds a PEX file that was changed since it was built.
    Edited,
}

impl OutputProblem {
    fn shown(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Stdout => "the output is a file, and cannot be written to stdout".to_owned(),
            Self::Folder => format!("`{path}` is a folder, and the output is a file"),
            Self::NotOrdinary => format!("`{path}` is no ordinary file, and is left alone"),
            Self::NoParent => format!("no such folder: `{path}`"),
            Self::NotArchive => {
                format!("`{path}` is there already, and no archive; it is left alone")
            }
            Self::NotFolder => format!("`{path}` is no folder, and this layout is one"),
            Self::NotEmpty => {
                format!("`{path}` is there already, and not empty, nor a PEX file in a folder")
            }
            Self::Edited => format!("`{path}` is there already, and not as a build made it"),
        }
    }
}

fn shown(found: Option<&str>) -> String {
    found.map_or_else(|| "does not have it".to_owned(), |version| format!("has {version}"))
}

fn listed(conflicts: &[String]) -> String {
    conflicts.iter().map(|one| format!("  - {one}")).collect::<Vec<_>>().join("\n")
}
