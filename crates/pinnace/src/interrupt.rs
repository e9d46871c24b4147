//! Interruption by a signal: work stops by itself, so that it removes its temporary files.

use std::{
    io::{self, Cursor, Read},
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use crate::{Failure, output::Output};

/// A flag that a signal sets to stop the work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    /// A second flag, such as a newer change in `pinnace up`.
    other: Option<Arc<AtomicBool>>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP, and calls `on_signal` after each.
    pub(crate) fn listen(on_signal: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.flag);
        ctrlc::set_handler(move || {
            flag.store(true, Ordering::Relaxed);
            on_signal();
        })
        .map_err(|error| Failure::job(format!("cannot listen for signals: {error}")))?;
        Ok(interrupt)
    }

    /// Listens like [`Self::listen`], and exits the process if the work has not stopped after a grace
    /// period. Only for work that leaves nothing behind, such as a wait for the network.
    pub(crate) fn listen_or_exit(output: Output) -> Result<Self, Failure> {
        Self::listen(move || {
            thread::sleep(GRACE_PERIOD);
            let failure = Failure::interrupted();
            output.fail(&failure);
            process::exit(i32::from(failure.code()));
        })
    }

    /// Waits for a signal.
    pub(crate) fn wait(&self) {
        while !self.is_set() {
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Returns true if the work must stop.
    pub(crate) fn is_set(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.flag) || self.other.as_deref().is_some_and(is_set)
    }

    /// Returns a copy that a second flag sets, too.
    pub(crate) fn or(&self, other: Arc<AtomicBool>) -> Self {
        Self { flag: Arc::clone(&self.flag), other: Some(other) }
    }

    /// Replaces a failure after a signal by an interruption, which caused it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        if self.is_set() { Failure::interrupted() } else { failure }
    }

    /// Returns standard input. Reads fail after a signal, instead of waiting for input.
    pub(crate) fn stdin(&self) -> Stdin {
        let (sender, pieces) = mpsc::sync_channel(2);
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut piece = vec![0; 1 << 17];
                let read = stdin.read(&mut piece);
                let is_last = !matches!(read, Ok(n) if n > 0);
                let sent = sender.send(read.map(|n| {
                    piece.truncate(n);
                    piece
                }));
                if is_last || sent.is_err() {
                    break;
                }
            }
        });
        Stdin { pieces, piece: Cursor::default(), interrupt: self.clone() }
    }
}

/// Standard input, read by a thread of its own.
#[derive(Debug)]
pub(crate) struct Stdin {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Cursor<Vec<u8>>,
    interrupt: Interrupt,
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.piece.read(buffer)? {
                0 if self.interrupt.is_set() => return Err(io::Error::other("interrupted")),
                0 => {}
                n => return Ok(n),
            }
            match self.pieces.recv_timeout(POLL_INTERVAL) {
                Ok(piece) => self.piece = Cursor::new(piece?),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.piece.get_ref().is_empty() {
                return Ok(0);
            }
        }
    }
}

/// The time in which work must stop by itself.
const GRACE_PERIOD: Duration = Duration::from_secs(2);
/// The pause between two checks of the flag.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
