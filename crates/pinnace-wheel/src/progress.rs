use crate::ProjectName;

/// Told of what is going on; asked whether to go on.
pub trait Progress: Send + Sync {
    /// Something happened. Called from many threads.
    fn event(&self, event: Event<'_>);

    /// Whether to stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A project's page was read, from the network or the cache.
    ProjectRead(&'a ProjectName),
    /// So many wheels, of so many bytes altogether as far as known, will be downloaded.
    DownloadsStart {
        /// How many.
        wheels: usize,
        /// Their size, as far as the index tells.
        bytes: u64,
    },
    /// So many bytes more have come.
    Received(u64),
    /// A wheel has been downloaded and verified.
    Downloaded(&'a str),
    /// A source distribution is being built.
    Building(&'a str),
    /// A request failed and is made again.
    Retry {
        /// The address, without credentials.
        url: &'a str,
        /// What went wrong.
        reason: &'a crate::Error,
    },
}

/// Says nothing, and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
