//! Simple indexes over a network, with a cache in front and readers ahead of the solver.

mod cached_page;
mod direct;
mod download;
mod entry;
mod html;
mod json;
mod metadata;
mod page;
mod prefetch;
mod retry;
mod semaphore;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use crate::{
    Address, Cache, Credentials, Error, ErrorKind, Fetch, File, Members, Metadata, Progress,
    Project, ProjectName, Source, Specifiers, Wheels,
};

use entry::Entry;

pub(crate) use cached_page::KeptPage;
pub use download::Downloaded;
pub(crate) use entry::{hex, parse_sha256};
pub use page::parse_page;
use prefetch::{Ahead, Wish};
use semaphore::Semaphore;

/// Simple indexes (PEP 503, PEP 691) as a [`Source`], and the downloads from them.
///
/// Of several indexes the first that has a project owns it: a name is never looked up further, so
/// a private name cannot be taken over by a public index.
pub struct Index<'a> {
    parts: IndexParts<'a>,
    options: IndexOptions,
    projects: Memo<ProjectName, Option<Arc<Project>>>,
    metadata: Memo<String, Option<Arc<Metadata>>>,
    links: Memo<Address, Arc<Vec<Entry<'static>>>>,
    /// The SHA-256 of what was downloaded, by address.
    fetched: Mutex<BTreeMap<String, [u8; 32]>>,
    ahead: Ahead,
    pages: Semaphore,
    /// For bodies of pages that are larger than any page should be.
    large: Semaphore,
}

/// What an [`Index`] stands on.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds nothing but trait objects")]
pub struct IndexParts<'a> {
    /// The network.
    pub fetch: &'a dyn Fetch,
    /// For pages and metadata.
    pub cache: &'a dyn Cache,
    /// For wheels.
    pub wheels: &'a dyn Wheels,
    /// For looking into wheels.
    pub members: &'a dyn Members,
    /// Who is told, and may cancel.
    pub progress: &'a dyn Progress,
    /// Who knows user and password for an address that has none.
    pub credentials: Option<&'a dyn Credentials>,
}

/// How an [`Index`] behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IndexOptions {
    /// The indexes, in the order in which they are asked. None at all is allowed.
    pub indexes: Vec<Address>,
    /// Pages and folders whose links are files of any project, beside what the indexes have.
    pub find_links: Vec<Address>,
    /// Projects that one index has, and no other is asked for.
    pub routes: BTreeMap<ProjectName, Address>,
    /// Now, in seconds since 1970: pages have an age.
    pub now: u64,
    /// How old a cached page may be. Ten minutes by default: many indexes send no caching headers.
    pub time_to_live: Duration,
    /// Never to fetch: what is not in the cache is an error.
    pub offline: bool,
    /// How often a request that failed for a passing reason is made again. Three by default.
    pub retries: u32,
    /// How many requests are made at once. 24 by default: more gained nothing on an index that is
    /// 30 ms away.
    pub concurrency: usize,
}

impl IndexOptions {
    /// The defaults for these indexes at this time.
    pub fn new(indexes: Vec<Address>, now: u64) -> Self {
        Self {
            indexes,
            find_links: Vec::new(),
            routes: BTreeMap::new(),
            now,
            time_to_live: Duration::from_secs(600),
            offline: false,
            retries: 3,
            concurrency: 24,
        }
    }
}

impl<'a> Index<'a> {
    /// An index on these parts.
    pub fn new(parts: IndexParts<'a>, options: IndexOptions) -> Self {
        Self {
            parts,
            options,
            projects: Memo::default(),
            metadata: Memo::default(),
            links: Memo::default(),
            fetched: Mutex::default(),
            ahead: Ahead::default(),
            pages: Semaphore::new(PAGES_AT_ONCE),
            large: Semaphore::new(1),
        }
    }

    /// Whether what was fetched then is still believed.
    fn is_fresh(&self, fetched_at: u64) -> bool {
        let age = self.options.now.checked_sub(fetched_at);
        let fresh = age.is_some_and(|age| age < self.options.time_to_live.as_secs());
        fresh || self.options.offline
    }

    fn digests(&self) -> MutexGuard<'_, BTreeMap<String, [u8; 32]>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_cancelled(&self) -> Result<(), Error> {
        if self.parts.progress.is_cancelled() { Err(ErrorKind::Cancelled.into()) } else { Ok(()) }
    }

    fn check_online(&self, address: &Address) -> Result<(), Error> {
        if self.options.offline && !address.is_file() {
            return Err(ErrorKind::Offline { url: address.to_string() }.into());
        }
        Ok(())
    }
}

impl Source for Index<'_> {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        self.projects.get_or_make(name.clone(), || page::project(self, name))
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        let key = file.address.without_credentials();
        self.metadata.get_or_make(key, || Ok(metadata::metadata(self, file)?.map(Arc::new)))
    }

    fn direct(&self, name: &ProjectName, url: &str) -> Result<File, Error> {
        direct::file(self, name, url)
    }

    fn is_cancelled(&self) -> bool {
        self.parts.progress.is_cancelled()
    }

    fn prefetch(&self, name: &ProjectName, specifiers: &Specifiers) {
        self.ahead.push(|| Wish::Project(name.clone(), specifiers.clone()));
    }

    fn prefetch_metadata(&self, files: Vec<File>) {
        for file in files {
            self.ahead.push(|| Wish::Metadata(Box::new(file)));
        }
    }
}

impl fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Pages that are parsed at once: one takes several times its size while that lasts.
const PAGES_AT_ONCE: usize = 2;

type Slot<V> = Arc<OnceLock<Result<V, Error>>>;

/// Answers that are made once, by whoever asks first; everybody else waits for that one.
struct Memo<K, V>(Mutex<BTreeMap<K, Slot<V>>>);

impl<K: Ord, V: Clone> Memo<K, V> {
    fn get_or_make(&self, key: K, make: impl FnOnce() -> Result<V, Error>) -> Result<V, Error> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key).or_default())
        };
        slot.get_or_init(make).clone()
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
