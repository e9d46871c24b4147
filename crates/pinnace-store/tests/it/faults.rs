//! Backends that fail, lie and die.

use std::{
    io::{self, Write},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use pinnace_store::{
    Backend, Error, ErrorKind, Key, Listed, MemoryBackend, Meta, PutMode, PutResult, Reading,
    Upload,
};

/// A backend that ignores conditional writes, as some servers do.
#[derive(Debug, Default)]
pub(crate) struct Careless(MemoryBackend);

/// A backend that fails at one request and at all later ones, like a process that was killed there.
/// The request may have been done before it fails.
#[derive(Clone, Debug)]
pub(crate) struct Dying {
    backend: MemoryBackend,
    steps: Arc<AtomicUsize>,
    last: usize,
    is_done_all_the_same: bool,
}

impl Dying {
    pub(crate) fn new(backend: MemoryBackend, last: usize, is_done_all_the_same: bool) -> Self {
        Self { backend, steps: Arc::default(), last, is_done_all_the_same }
    }

    /// Returns true if the backend has died.
    pub(crate) fn is_dead(&self) -> bool {
        self.steps.load(Ordering::Relaxed) > self.last
    }

    fn step<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        if step < self.last {
            return work();
        }
        if step == self.last && self.is_done_all_the_same {
            work()?;
        }
        Err(died())
    }
}

fn died() -> Error {
    let (key, source) = (String::new(), "the process was killed".into());
    ErrorKind::Backend { doing: "go on with", key, source, is_retryable: false }.into()
}

impl Backend for Dying {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        self.step(|| self.backend.read(key, range))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(DyingUpload { upload: self.backend.write()?, backend: self }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.step(|| self.backend.head(key))
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.step(|| self.backend.list(prefix, after, limit))
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.step(|| self.backend.remove(key))
    }

    fn now(&self) -> Result<u64, Error> {
        self.step(|| self.backend.now())
    }
}

struct DyingUpload<'a> {
    upload: Box<dyn Upload + 'a>,
    backend: &'a Dying,
}

impl Write for DyingUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}

impl Upload for DyingUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, condition: PutMode) -> Result<PutResult, Error> {
        self.backend.step(|| self.upload.finish(key, condition))
    }
}

impl Backend for Careless {
    fn location(&self) -> String {
        self.0.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        self.0.read(key, range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(CarelessUpload(self.0.write()?)))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.0.head(key)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.0.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.0.remove(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.0.now()
    }
}

struct CarelessUpload<'a>(Box<dyn Upload + 'a>);

impl Write for CarelessUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Upload for CarelessUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, _condition: PutMode) -> Result<PutResult, Error> {
        self.0.finish(key, PutMode::Overwrite)
    }
}

/// A backend that counts requests and the bytes that pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counting {
    backend: MemoryBackend,
    pub(crate) requests: Arc<AtomicUsize>,
    pub(crate) bytes: Arc<AtomicUsize>,
}

impl Counting {
    fn count(&self) -> &MemoryBackend {
        self.requests.fetch_add(1, Ordering::Relaxed);
        &self.backend
    }
}

impl Backend for Counting {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let reading = self.count().read(key, range)?;
        let size = reading.as_ref().map_or(0, |reading| reading.size);
        self.bytes.fetch_add(size as usize, Ordering::Relaxed);
        Ok(reading)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        self.count().write()
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.count().head(key)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let listed = self.count().list(prefix, after, limit)?;
        // An entry takes at most so many bytes in a response of S3.
        self.bytes.fetch_add(400 * listed.len(), Ordering::Relaxed);
        Ok(listed)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.count().remove(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.count().now()
    }
}
