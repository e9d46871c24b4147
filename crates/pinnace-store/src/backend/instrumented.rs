use std::{
    fmt, io,
    io::{Read, Write},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use super::{Backend, Listed, Meta, PutMode, PutResult, Reading, Upload};
use crate::{Error, ErrorKind, Key};

/// An observer of transfers, which can also cancel them.
pub trait Progress: Send + Sync {
    /// Reports that so many bytes were transferred, in or out. Called from many threads.
    fn moved(&self, bytes: u64);

    /// Returns true if the work should stop as soon as possible.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// A backend that reports its transfers. The observer can cancel it with [`ErrorKind::Cancelled`]
/// between any two requests or pieces of an object.
pub struct Instrumented<B> {
    backend: B,
    progress: Arc<dyn Progress>,
}

impl<B: Backend> Instrumented<B> {
    /// Creates a backend that reports the transfers of `backend` to `progress`.
    pub fn new(backend: B, progress: Arc<dyn Progress>) -> Self {
        Self { backend, progress }
    }

    fn go_on(&self) -> Result<&B, Error> {
        if self.progress.is_cancelled() {
            Err(ErrorKind::Cancelled.into())
        } else {
            Ok(&self.backend)
        }
    }
}

/// Formats the inner backend, since messages name it.
impl<B: fmt::Debug> fmt::Debug for Instrumented<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}

impl<B: Backend> Backend for Instrumented<B> {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let reading = self.go_on()?.read(key, range)?;
        Ok(reading.map(|Reading { size, body }| {
            let body =
                Box::new(WatchedStream { stream: body, progress: Arc::clone(&self.progress) });
            Reading { size, body }
        }))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        let stream = self.go_on()?.write()?;
        Ok(Box::new(WatchedStream { stream, progress: Arc::clone(&self.progress) }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.go_on()?.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        self.go_on()?.missing(keys)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.go_on()?.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.go_on()?.remove(key)
    }

    fn file(&self, key: &Key) -> Option<PathBuf> {
        self.backend.file(key)
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        self.go_on()?.sweep(before)
    }

    fn release_reserve(&self) -> Result<bool, Error> {
        self.go_on()?.release_reserve()
    }

    fn refill_reserve(&self) {
        self.backend.refill_reserve();
    }

    fn forget(&self, key: &Key) -> Result<bool, Error> {
        self.go_on()?.forget(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.go_on()?.now()
    }
}

struct WatchedStream<S> {
    stream: S,
    progress: Arc<dyn Progress>,
}

impl<S> WatchedStream<S> {
    fn pass(&mut self, work: impl FnOnce(&mut S) -> io::Result<usize>) -> io::Result<usize> {
        if self.progress.is_cancelled() {
            return Err(io::Error::other("it was stopped"));
        }
        let n = work(&mut self.stream)?;
        self.progress.moved(n as u64);
        Ok(n)
    }
}

impl<S: Read> Read for WatchedStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pass(|stream| stream.read(buffer))
    }
}

impl<S: Write> Write for WatchedStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pass(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Upload for WatchedStream<Box<dyn Upload + '_>> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        if self.progress.is_cancelled() {
            Err(ErrorKind::Cancelled.into())
        } else {
            self.stream.finish(key, mode)
        }
    }
}
