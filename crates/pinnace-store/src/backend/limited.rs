use std::{
    io::{self, Read, Write},
    ops::Range,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{Backend, Listed, Meta, PutMode, PutResult, Reading, Upload};
use crate::{Error, Key};

/// A backend with limits on concurrent requests and on bandwidth, for its own good and that of
/// other traffic on the way.
#[derive(Debug)]
pub struct Limited<B> {
    backend: B,
    limits: Arc<Limits>,
}

#[derive(Debug)]
struct Limits {
    at_once: usize,
    bytes_per_second: u64,
    running: Mutex<usize>,
    freed: Condvar,
    /// The time until which the bytes that passed occupy the line.
    busy_until: Mutex<Option<Instant>>,
}

/// A permit for one of the concurrent requests.
struct Turn(Arc<Limits>);

impl<B: Backend> Limited<B> {
    /// Creates a backend with at most `at_once` concurrent requests and `bytes_per_second` in both
    /// directions together.
    pub fn new(backend: B, at_once: usize, bytes_per_second: u64) -> Self {
        let limits = Limits {
            at_once: at_once.max(1),
            bytes_per_second: bytes_per_second.max(1),
            running: Mutex::default(),
            freed: Condvar::new(),
            busy_until: Mutex::default(),
        };
        Self { backend, limits: Arc::new(limits) }
    }

    fn turn(&self) -> Turn {
        let limits = Arc::clone(&self.limits);
        let mut running = limits.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= limits.at_once {
            running = limits.freed.wait(running).unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        drop(running);
        Turn(limits)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

impl Turn {
    /// Waits until so many bytes may pass.
    fn pass(&self, bytes: usize) {
        let takes = Duration::from_secs_f64(bytes as f64 / self.0.bytes_per_second as f64);
        let now = Instant::now();
        let until = {
            let mut busy = self.0.busy_until.lock().unwrap_or_else(PoisonError::into_inner);
            let until = busy.filter(|until| *until > now).unwrap_or(now) + takes;
            *busy = Some(until);
            until
        };
        thread::sleep(until - now);
    }
}

impl<B: Backend> Backend for Limited<B> {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let turn = self.turn();
        let reading = self.backend.read(key, range)?;
        Ok(reading.map(|Reading { size, body }| {
            let body = Box::new(LimitedRead { body, turn });
            Reading { size, body }
        }))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        let turn = self.turn();
        let upload = self.backend.write()?;
        Ok(Box::new(LimitedUpload { upload, turn }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let _turn = self.turn();
        self.backend.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let _turn = self.turn();
        self.backend.missing(keys)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let _turn = self.turn();
        self.backend.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        let _turn = self.turn();
        self.backend.remove(key)
    }

    fn sweep(&self, before: u64) -> Result<usize, Error> {
        self.backend.sweep(before)
    }

    fn release_reserve(&self) -> Result<bool, Error> {
        self.backend.release_reserve()
    }

    fn refill_reserve(&self) {
        self.backend.refill_reserve();
    }

    fn forget(&self, key: &Key) -> Result<bool, Error> {
        self.backend.forget(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.backend.now()
    }
}

struct LimitedRead {
    body: Box<dyn Read + Send>,
    turn: Turn,
}

impl Read for LimitedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.body.read(buffer)?;
        self.turn.pass(n);
        Ok(n)
    }
}

struct LimitedUpload<'a> {
    upload: Box<dyn Upload + 'a>,
    turn: Turn,
}

impl Write for LimitedUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.upload.write(bytes)?;
        self.turn.pass(n);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}

impl Upload for LimitedUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        self.upload.finish(key, mode)
    }
}
