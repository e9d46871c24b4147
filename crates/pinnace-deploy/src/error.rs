use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
};

use pinnace_store::{Deployment, Digest};

/// A failure to make, publish, fetch, materialize or roll out a release.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

/// A failure of a [`Host`](crate::Host), as the host reports it.
pub type HostError = Box<dyn StdError + Send + Sync>;

impl Error {
    /// Returns the kind, with its facts.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if a retry may succeed.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Store(error) => error.is_retryable(),
            ErrorKind::Build(error) => error.is_retryable(),
            ErrorKind::Changed { .. } => true,
            _ => false,
        }
    }

    /// Returns true if the store has lost an object.
    pub fn is_lost(&self) -> bool {
        match self.kind() {
            ErrorKind::Lost { .. } => true,
            ErrorKind::Store(error) => {
                matches!(error.kind(), pinnace_store::ErrorKind::Lost { .. })
            }
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

impl From<pinnace_build::Error> for Error {
    fn from(error: pinnace_build::Error) -> Self {
        match error.kind() {
            pinnace_build::ErrorKind::Changed { path } => {
                ErrorKind::Changed { path: path.clone() }.into()
            }
            pinnace_build::ErrorKind::Cancelled => ErrorKind::Cancelled.into(),
            _ => ErrorKind::Build(error).into(),
        }
    }
}

impl From<pinnace_store::Error> for Error {
    fn from(error: pinnace_store::Error) -> Self {
        match error.kind() {
            pinnace_store::ErrorKind::Cancelled => ErrorKind::Cancelled.into(),
            _ => ErrorKind::Store(error).into(),
        }
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

    /// A project's folder does not exist.
    #[error("no such folder: `{}`", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// No valid service name can be derived from a project.
    #[error("the project has no name to use for the service")]
    NoServiceName,
    /// A service name is malformed.
    #[error("invalid service name: `{name}`")]
    ServiceName {
        /// The text.
        name: String,
    },
    /// A project has neither code nor dependencies.
    #[error("nothing to deploy in `{}`", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// The options name several platforms, and a release is for one.
    #[error("a release is for one platform, but {count} are given")]
    SeveralPlatforms {
        /// The number of platforms.
        count: usize,
    },
    /// The requirements differ from those of the live release, and the options forbid resolving.
    #[error("the requirements differ from those of the live release, and resolving is not allowed")]
    WouldResolve,
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
    /// A manifest is malformed, or of another kind.
    #[error("{digest} is not a valid {kind}: {reason}")]
    Manifest {
        /// The digest of the manifest.
        digest: Digest,
        /// The expected kind.
        kind: &'static str,
        /// The fault.
        reason: String,
    },
    /// An object of a release is missing in the store.
    #[error(
        "{digest} is missing in the store, and {by} refers to it: `pinnace store check` lists all damage"
    )]
    Lost {
        /// The digest of the object.
        digest: Digest,
        /// The referrer.
        by: String,
    },
    /// The store has lost wheels that the digest of `deps.pex` is computed from.
    #[error("{0}")]
    LostWheels(#[source] Box<Error>),

    /// Another deployer published first.
    #[error("{}", superseded(service, newest.as_ref()))]
    Superseded {
        /// The service.
        service: String,
        /// The newest deployment, if it can be read.
        newest: Option<Deployment>,
    },
    /// The store has no such service.
    #[error("no such service in the store: `{service}`")]
    NoService {
        /// The service.
        service: String,
    },
    /// A service is stopped.
    #[error("`{service}` is stopped since generation {generation}")]
    Stopped {
        /// The service.
        service: String,
        /// The generation since which it is stopped.
        generation: u64,
    },
    /// A text names neither a service nor a release.
    #[error("no such service or release in the store: `{text}`")]
    NoRelease {
        /// The text.
        text: String,
    },
    /// The first digits of a digest match several releases.
    #[error("`{text}` is ambiguous:\n{}", listed(releases))]
    Ambiguous {
        /// The digits.
        text: String,
        /// The releases.
        releases: Vec<Digest>,
    },
    /// A service has no earlier generation to return to.
    #[error("`{service}` has no earlier generation to return to")]
    NothingBefore {
        /// The service.
        service: String,
    },
    /// A service has no such generation.
    #[error("`{service}` has no generation {generation}")]
    NoGeneration {
        /// The service.
        service: String,
        /// The generation.
        generation: u64,
    },
    /// A generation has no release, since it stopped its service.
    #[error("generation {generation} of `{service}` has no release: it stopped the service")]
    NotARelease {
        /// The service.
        service: String,
        /// The generation.
        generation: u64,
    },
    /// Garbage collection has removed the release of a generation.
    #[error("the release of generation {generation} was removed by a garbage collection: {source}")]
    Collected {
        /// The generation.
        generation: u64,
        /// The failure itself.
        source: pinnace_store::Error,
    },

    /// A release is for another platform than an interpreter.
    #[error("the release is for {platform}, but {python} is {found}: {reason}")]
    OtherPlatform {
        /// The platform of the release.
        platform: String,
        /// The interpreter.
        python: String,
        /// The platform of the interpreter.
        found: String,
        /// The difference.
        reason: String,
    },
    /// No interpreter of this machine can run a release.
    #[error("the release is for {platform}, but this machine has no {python}: {reason}")]
    NoPython {
        /// The platform of the release.
        platform: String,
        /// The missing interpreter.
        python: String,
        /// The reason.
        reason: String,
    },
    /// An exported file differs from the one that the release was made with.
    #[error("`{file}` does not match the release: expected {expected}, got {actual}")]
    OtherBytes {
        /// The file.
        file: String,
        /// Its digest in the release.
        expected: Digest,
        /// Its digest now.
        actual: Digest,
    },

    /// The options name an interpreter of this machine, but the release runs on a host.
    #[error("`{name}` is an interpreter of this machine, but the release runs on a host")]
    LocalInterpreter {
        /// The interpreter.
        name: String,
    },
    /// A host has no interpreter of the requested version.
    #[error("the agent at {host} has no {}; {}", python(version.as_deref()), available(platforms))]
    HostHasNoPython {
        /// The host.
        host: String,
        /// The requested version, if any.
        version: Option<String>,
        /// The platforms of the host.
        platforms: Vec<String>,
    },
    /// A release is for a platform that a host lacks.
    #[error(
        "the release is for {target}, which does not run on the agent at {host}; {}",
        available(platforms)
    )]
    HostOtherPlatform {
        /// The host.
        host: String,
        /// The platform of the release.
        target: String,
        /// The platforms of the host.
        platforms: Vec<String>,
    },
    /// A wheel is incompatible with a host.
    #[error("`{wheel}` does not run on the agent at {host}, which is {platform}")]
    HostMisfit {
        /// The host.
        host: String,
        /// The wheel.
        wheel: String,
        /// The platform of the host.
        platform: String,
    },
    /// A host does not run a service.
    #[error("the agent at {host} does not run `{service}`; it runs: {}", services.join(", "))]
    HostRunsOthers {
        /// The host.
        host: String,
        /// The service.
        service: String,
        /// The services that it runs.
        services: Vec<String>,
    },
    /// A host lacks environment variables that a release needs.
    #[error("the agent at {host} lacks environment variables that the release needs: {}", names.join(", "))]
    HostLacksVariables {
        /// The host.
        host: String,
        /// The names of the variables.
        names: Vec<String>,
        /// The remedy that the host reports.
        remedy: String,
    },
    /// A deployment did not go live on a host.
    #[error("{}", .0)]
    NotLive(Box<crate::NotLive>),
    /// A host failed.
    #[error("{0}")]
    Host(#[source] HostError),

    /// A build failed.
    #[error(transparent)]
    Build(pinnace_build::Error),
    /// The store failed.
    #[error(transparent)]
    Store(pinnace_store::Error),
    /// A PEX file or a wheel is malformed or cannot be written.
    #[error(transparent)]
    Pex(pinnace_pex::Error),
    /// An environment could not be written.
    #[error(transparent)]
    Environment(pinnace_env::Error),
    /// A platform or a name is malformed.
    #[error(transparent)]
    Wheel(pinnace_wheel::Error),
}

fn superseded(service: &str, newest: Option<&Deployment>) -> String {
    let Some(newest) = newest else {
        return format!("another deployer was first: `{service}` has changed");
    };
    let release =
        newest.release.map_or_else(|| "nothing".to_owned(), |release| release.to_string());
    let (generation, by) = (newest.generation, &newest.by);
    format!(
        "another deployer was first: `{service}` is at generation {generation} by {by}, {release}"
    )
}

fn listed(releases: &[Digest]) -> String {
    releases.iter().map(|release| format!("  {release}")).collect::<Vec<_>>().join("\n")
}

fn python(version: Option<&str>) -> String {
    version.map_or_else(|| "Python".to_owned(), |version| format!("Python {version}"))
}

fn available(platforms: &[String]) -> String {
    let all = if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") };
    format!("it has: {all}")
}
