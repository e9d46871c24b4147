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
    /// Returns what happened, with its facts.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// Returns true if trying again later may help.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Store(error) => error.is_retryable(),
            ErrorKind::Build(error) => error.is_retryable(),
            ErrorKind::Changed { .. } => true,
            _ => false,
        }
    }

    /// Returns true if the store lacks an object that it should have.
    pub fn is_lost(&self) -> bool {
        match self.kind() {
            ErrorKind::Lost { .. } => true,
            ErrorKind::Store(error) => {
                matches!(error.kind(), pinnace_store::ErrorKind::Lost { .. })
            }
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
    /// A project has no name that a service could have.
    #[error("the project has no name that a service could have")]
    NoServiceName,
    /// A text cannot be the name of a service.
    #[error("`{name}` is no name of a service")]
    ServiceName {
        /// The text.
        name: String,
    },
    /// A project has neither code nor dependencies.
    #[error("there is nothing to deploy in `{}`", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// Several platforms are named for one release.
    #[error("a release is for one platform, and {count} are named")]
    SeveralPlatforms {
        /// The number of platforms.
        count: usize,
    },
    /// Dependencies changed, and the caller wants no resolution.
    #[error("what the project requires is not what is live, and nothing shall be resolved")]
    WouldResolve,
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
    /// A manifest is malformed, or of another kind.
    #[error("{digest} is no {kind} that can be used: {reason}")]
    Manifest {
        /// The digest of the manifest.
        digest: Digest,
        /// The kind that it should be.
        kind: &'static str,
        /// The fault.
        reason: String,
    },
    /// An object of a release is missing in the store.
    #[error(
        "{digest} is not in the store, and {by} refers to it: `pinnace store check` finds all that is wrong"
    )]
    Lost {
        /// The digest of the object.
        digest: Digest,
        /// The referrer.
        by: String,
    },
    /// Files that a measurement needs are missing in the store.
    #[error("{0}")]
    LostWheels(#[source] Box<Error>),

    /// Another deployer moved the service first.
    #[error("{}", superseded(service, newest.as_ref()))]
    Superseded {
        /// The service.
        service: String,
        /// The newest deployment, if it can be read.
        newest: Option<Deployment>,
    },
    /// The store has no such service.
    #[error("there is no service `{service}` in the store")]
    NoService {
        /// The service.
        service: String,
    },
    /// A service was taken out of use.
    #[error("`{service}` is out of use since generation {generation}")]
    Stopped {
        /// The service.
        service: String,
        /// The generation that stopped it.
        generation: u64,
    },
    /// A text is neither a service nor a release.
    #[error("there is no service or release `{text}` in the store")]
    NoRelease {
        /// The text.
        text: String,
    },
    /// The first digits of a digest mean several releases.
    #[error("`{text}` may be\n{}", listed(releases))]
    Ambiguous {
        /// The digits.
        text: String,
        /// The releases.
        releases: Vec<Digest>,
    },
    /// A service has no generation before the newest.
    #[error("`{service}` has no generation before that")]
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
    /// A generation stopped its service.
    #[error("generation {generation} of `{service}` is no release")]
    NotARelease {
        /// The service.
        service: String,
        /// The generation.
        generation: u64,
    },
    /// The release of a generation was collected.
    #[error("the release of generation {generation} is not in the store any more: {source}")]
    Collected {
        /// The generation.
        generation: u64,
        /// The failure itself.
        source: pinnace_store::Error,
    },

    /// A release does not run on this machine.
    #[error("the release is for {platform}, and {python} is {found}: {reason}")]
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
    /// No interpreter of this machine fits a release.
    #[error("the release is for {platform}, and there is no {python} here: {reason}")]
    NoPython {
        /// The platform of the release.
        platform: String,
        /// The missing interpreter.
        python: String,
        /// The reason.
        reason: String,
    },
    /// An exported file has other bytes than when the release was made.
    #[error("`{file}` of the release was {expected}, and would be {actual}: nothing was written")]
    OtherBytes {
        /// The file.
        file: String,
        /// Its digest in the release.
        expected: Digest,
        /// The digest that it would have.
        actual: Digest,
    },

    /// An interpreter of this machine is named, but the release runs on another.
    #[error("`{name}` is an interpreter here, and the release runs elsewhere")]
    LocalInterpreter {
        /// The interpreter.
        name: String,
    },
    /// A host has no interpreter of a version.
    #[error("the agent at {host} has no Python{}; {}", version.as_ref().map_or_else(String::new, |one| format!(" {one}")), available(platforms))]
    HostHasNoPython {
        /// The host.
        host: String,
        /// The version, if one is wanted.
        version: Option<String>,
        /// The platforms of the host.
        platforms: Vec<String>,
    },
    /// A release is for a platform that a host does not have.
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
    /// A wheel does not fit a host.
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
    #[error("the agent at {host} does not have environment variables that the release needs: {}", names.join(", "))]
    HostLacksVariables {
        /// The host.
        host: String,
        /// The names of the variables.
        names: Vec<String>,
        /// The remedy, as the host tells it.
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
    /// A PEX file or a wheel failed.
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
        return format!("another deployer changed `{service}` meanwhile");
    };
    let release = newest.release.map_or_else(|| "nothing".to_owned(), |one| one.to_string());
    let (generation, by) = (newest.generation, &newest.by);
    format!(
        "another deployer was first: `{service}` is at generation {generation} by {by}, {release}"
    )
}

fn listed(releases: &[Digest]) -> String {
    releases.iter().map(|one| format!("  {one}")).collect::<Vec<_>>().join("\n")
}

fn available(platforms: &[String]) -> String {
    let all = if platforms.is_empty() { "none".to_owned() } else { platforms.join(", ") };
    format!("it has: {all}")
}
