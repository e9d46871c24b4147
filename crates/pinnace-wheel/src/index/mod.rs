//! Simple indexes over a network, with a cache in front and prefetching ahead of the resolver.

mod cached_page;
mod direct;
mod download;
mod entry;
mod file_download;
mod html;
mod json;
mod memo;
mod metadata;
mod page;
mod prefetch;
mod prefetch_queue;
mod retry;
mod semaphore;
mod source;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Address, Cache, Credentials, Error, ErrorKind, Fetch, Members, Metadata, Progress, Project,
    ProjectName, Wheels,
};

pub use download::Downloaded;
use entry::Entry;
use memo::Memo;
pub use page::parse_page;
use prefetch_queue::PrefetchQueue;
use semaphore::Semaphore;

/// A client of simple indexes (PEP 503, PEP 691): a [`Source`](crate::Source), and the downloads from them.
///
/// The first index that has a project owns it. The client asks no further index for that name, so a
/// public index cannot take over a private name.
pub struct Index<'a> {
    parts: IndexParts<'a>,
    options: IndexOptions,
    projects: Memo<ProjectName, Option<Arc<Project>>>,
    metadata: Memo<String, Option<Arc<Metadata>>>,
    links: Memo<Address, Arc<Vec<Entry<'static>>>>,
    /// The SHA-256 of downloaded files, by address.
    fetched: Mutex<BTreeMap<String, [u8; 32]>>,
    prefetch_queue: PrefetchQueue,
    pages: Semaphore,
    /// Limits how many oversized pages are read at once.
    large: Semaphore,
}

/// The dependencies of an [`Index`].
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds nothing but trait objects")]
pub struct IndexParts<'a> {
    /// The network client.
    pub fetch: &'a dyn Fetch,
    /// The cache of pages and metadata.
    pub cache: &'a dyn Cache,
    /// The store of wheels.
    pub wheels: &'a dyn Wheels,
    /// The reader of zip entries in wheels.
    pub members: &'a dyn Members,
    /// The observer of events, which may cancel the work.
    pub progress: &'a dyn Progress,
    /// The lookup of user and password for an address that has none.
    pub credentials: Option<&'a dyn Credentials>,
}

/// The options of an [`Index`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IndexOptions {
    /// The indexes, in the order in which the client asks them. The list may be empty.
    pub indexes: Vec<Address>,
    /// Pages and folders whose links are files of any project, in addition to those of the indexes.
    pub find_links: Vec<Address>,
    /// Projects that the client looks up on one index only.
    pub routes: BTreeMap<ProjectName, Address>,
    /// The current time in seconds since 1970. The age of a cached page is relative to it.
    pub now: u64,
    /// The maximum age of a cached page. Ten minutes by default, because many indexes send no
    /// caching headers.
    pub time_to_live: Duration,
    /// True to fetch nothing. Content that is not in the cache is then an error.
    pub offline: bool,
    /// The number of retries of a request that failed for a transient reason. Three by default.
    pub retries: u32,
    /// The number of concurrent requests. 24 by default: more gained nothing on an index with a
    /// latency of 30 ms.
    pub concurrency: usize,
}

impl IndexOptions {
    /// Returns the default options for these indexes at this time.
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
    /// Creates a client from these parts.
    pub fn new(parts: IndexParts<'a>, options: IndexOptions) -> Self {
        Self {
            parts,
            options,
            projects: Memo::default(),
            metadata: Memo::default(),
            links: Memo::default(),
            fetched: Mutex::default(),
            prefetch_queue: PrefetchQueue::default(),
            pages: Semaphore::new(PAGES_AT_ONCE),
            large: Semaphore::new(1),
        }
    }

    /// Checks whether an answer that was fetched at that time is still fresh. Offline, every answer is.
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

impl fmt::Debug for Index<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The number of pages that are parsed at once. Parsing a page takes several times its size in memory.
const PAGES_AT_ONCE: usize = 2;
