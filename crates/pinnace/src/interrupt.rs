//! Ctrl-C: all work stops by itself, so that temporary files are removed.

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

use crate::{Failure, progress::Output as Shown};

/// The user's wish to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    /// Another reason to stop the work.
    other: Option<Arc<AtomicBool>>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP. `also` is called then.
    pub(crate) fn listen(also: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.flag);
        ctrlc::set_handler(move || {
            flag.store(true, Ordering::Relaxed);
            also();
        })
        .map_err(|error| Failure::job(format!("cannot listen for signals: {error}")))?;
        Ok(interrupt)
    }

    /// Listens for work that leaves nothing behind wherever it is ended. Work that does not stop by itself,
    /// since it waits for a network, is ended after a moment.
    pub(crate) fn listen_for_good(output: Shown) -> Result<Self, Failure> {
        Self::listen(move || {
            thread::sleep(PATIENCE);
            let failure = Failure::interrupted();
            output.fail(&failure);
            process::exit(i32::from(failure.code()));
        })
    }

    /// Waits until the user wants to stop.
    pub(crate) fn wait(&self) {
        while !self.is_set() {
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.flag) || self.other.as_deref().is_some_and(is_set)
    }

    /// Adds another reason to stop.
    pub(crate) fn or(&self, other: Arc<AtomicBool>) -> Self {
        Self { flag: Arc::clone(&self.flag), other: Some(other) }
    }

    /// Turns a failure into an interruption, if the user wanted to stop before it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        if self.is_set() { Failure::interrupted() } else { failure }
    }

    /// Returns standard input; waiting for it ends once the user wants to stop.
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

/// Standard input, read by another thread.
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
                0 if self.interrupt.is_set() => return Err(stopped()),
                0 => {}
                n => return Ok(n),
            }
            match self.pieces.recv_timeout(LOOK) {
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

fn stopped() -> io::Error {
    io::Error::other("interrupted")
}

/// The time that work may take to stop by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);
