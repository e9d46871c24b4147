//! The store that the user means.

use std::{path::PathBuf, sync::Arc};

use pinnace_agent::Client;
use pinnace_deploy::Settings;
use pinnace_store::{
    Durability, Instrumented, LocalStore, MemoryBackend, Progress, S3Backend, Store,
};

use crate::{
    Failure, arguments::StoreArguments, environment::Environment, later::Later, progress::Reporter,
};

/// What becomes of a name under which there is no store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Absent {
    /// The store is made.
    Make,
    /// It is as if the store were there, with nothing in it.
    Pretend,
    /// It is an error: the name is a wrong one.
    Refuse,
    /// It was there, and will be again.
    Await,
}

/// The store of `--store`, else of PINNACE_STORE.
pub(crate) fn named(
    url: Option<&str>,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    open(named_url(url, environment)?, absent, environment, reporter)
}

/// The store that is named, else that of an agent: the nearest word counts, of the command line, the project, the
/// environment; and of one place the store before the agent.
pub(crate) fn reached(
    arguments: &StoreArguments,
    project: Option<&Settings>,
    client: Option<&Client>,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Unseen, Failure> {
    let of_project = |said: fn(&Settings) -> Option<&String>| project.and_then(said);
    let places = [
        (arguments.store.as_deref(), arguments.agent.agent.as_deref()),
        (
            of_project(|one| one.store.as_ref()).map(String::as_str),
            of_project(|one| one.agent.as_ref()).map(String::as_str),
        ),
        (environment.variable("PINNACE_STORE"), environment.variable("PINNACE_AGENT")),
    ];
    let nearest = places.into_iter().find(|(store, agent)| store.is_some() || agent.is_some());
    match (nearest, client) {
        (Some((None, Some(url))), Some(client)) => {
            let progress: Arc<dyn Progress> = Arc::clone(reporter) as _;
            let store = Store::unopened(Instrumented::new(client.backend(), progress));
            Ok(Unseen { store, url: url.to_owned(), absent: Absent::Refuse, is_of_agent: true })
        }
        (nearest, _) => unseen(nearest.and_then(|(store, _)| store), absent, environment, reporter),
    }
}

/// The same, of which nothing was looked at: whoever takes it so asks whether it [is there](Unseen::is_there)
/// beside the rest, since that takes as long as any request.
pub(crate) fn unseen(
    url: Option<&str>,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Unseen, Failure> {
    let url = named_url(url, environment)?;
    let progress: Arc<dyn Progress> = Arc::clone(reporter) as _;
    let store = match Place::parse(url, environment)? {
        Place::Bucket(backend) => Store::unopened(Instrumented::new(backend, progress)),
        Place::Folder(path) => {
            let backend = match absent {
                Absent::Make => Some(LocalStore::open(path, Durability::Durable)?),
                Absent::Pretend | Absent::Refuse => {
                    LocalStore::open_existing(path, Durability::Durable)?
                }
                Absent::Await => {
                    let store = Store::unopened(Instrumented::new(Later::new(path), progress));
                    return Ok(Unseen { store, url: url.to_owned(), absent, is_of_agent: false });
                }
            };
            match backend {
                Some(backend) => Store::unopened(Instrumented::new(backend, progress)),
                None if absent == Absent::Pretend => Store::unopened(MemoryBackend::new()),
                None => return Err(nothing_at(url)),
            }
        }
    };
    Ok(Unseen { store, url: url.to_owned(), absent, is_of_agent: false })
}

/// A store that may not be there.
pub(crate) struct Unseen {
    pub(crate) store: Store,
    url: String,
    absent: Absent,
    /// Whether it is reached through an agent.
    pub(crate) is_of_agent: bool,
}

impl Unseen {
    /// Makes sure that there is a store, of this format.
    pub(crate) fn is_there(&self) -> Result<(), Failure> {
        match (self.absent, self.store.exists()?) {
            (_, true) | (Absent::Pretend, false) => Ok(()),
            (Absent::Make, false) => Ok(self.store.make()?),
            (Absent::Refuse | Absent::Await, false) => Err(nothing_at(&self.url)),
        }
    }
}

fn named_url<'u>(url: Option<&'u str>, environment: &'u Environment) -> Result<&'u str, Failure> {
    let url = url.or_else(|| environment.variable("PINNACE_STORE"));
    url.filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::usage("no store is named")
            .hint("name one with `--store`, as in `--store /srv/pinnace` or `--store s3://bucket/folder`, or set PINNACE_STORE; \
             or name an agent that has one")
    })
}

/// The store of a URL, or in a folder.
pub(crate) fn open(
    url: &str,
    absent: Absent,
    environment: &Environment,
    reporter: &Arc<Reporter>,
) -> Result<Store, Failure> {
    let found = unseen(Some(url), absent, environment, reporter)?;
    found.is_there()?;
    Ok(found.store)
}

fn nothing_at(url: &str) -> Failure {
    Failure::job(format!("there is no store at `{url}`"))
        .hint("`pinnace store put` and `pinnace deploy` make one where there is none")
}

/// Where a store is, or will be.
enum Place {
    Folder(PathBuf),
    Bucket(S3Backend),
}

impl Place {
    fn parse(url: &str, environment: &Environment) -> Result<Self, Failure> {
        if url.starts_with("s3://") {
            let variables = environment.variables.iter();
            let variables = variables.filter(|(name, _)| name.starts_with("AWS_"));
            let variables: Vec<(String, String)> =
                variables.map(|(name, value)| (name.clone(), value.clone())).collect();
            return Ok(Self::Bucket(S3Backend::open(url, &variables)?));
        }
        let refused = |what: &str| {
            Failure::usage(format!("{what} is no store"))
                .hint("a folder, `file:///folder` or `s3://bucket/folder` is expected")
        };
        if url.starts_with("s3:") || url.starts_with("file:/") && !url.starts_with("file:///") {
            return Err(refused("this"));
        }
        match url.split_once("://") {
            None => Ok(Self::Folder(environment.folder.join(url))),
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
            Some(_) => Err(refused(&format!("`{url}`"))),
        }
    }
}
