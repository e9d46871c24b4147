use crate::ProjectName;

/// An observer of the work, which may also cancel it.
pub trait Progress: Send + Sync {
    /// Receives an event. Called from many threads.
    fn event(&self, event: Event<'_>);

    /// Returns true if the work should stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// An event during the work.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A project's page was read, from the network or the cache.
    ProjectRead(&'a ProjectName),
    /// Wheels will be downloaded.
    DownloadsStart {
        /// The number of wheels.
        wheels: usize,
        /// Their total size in bytes, as far as the index states it.
        bytes: u64,
    },
    /// More bytes were received; the value is their number.
    Received(u64),
    /// A wheel was downloaded and verified.
    Downloaded(&'a str),
    /// A source distribution is being built.
    Building(&'a str),
    /// A request failed and is retried.
    Retry {
        /// The address, without credentials.
        url: &'a str,
        /// The error.
        reason: &'a crate::Error,
    },
}

/// An observer that ignores all events and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}
