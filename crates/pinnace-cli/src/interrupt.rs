//! Ctrl-C: everything under way stops by itself, so that temporary files are removed on the way.

use std::{
    io::{self, Cursor, Read, Write},
    os::unix::process::CommandExt,
    process::{self, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{Failure, progress::Output as Shown};

/// Whether the user wants to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    flag: Arc<AtomicBool>,
    /// Something else that makes what is under way pointless.
    other: Option<Arc<AtomicBool>>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP; what else stops with them is called then.
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

    /// The same for work that leaves nothing behind wherever it is ended: what does not stop by itself, since
    /// it waits for a network, is ended after a moment.
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

    /// The same, or what makes the work that is given it pointless.
    pub(crate) fn or(&self, other: Arc<AtomicBool>) -> Self {
        Self { flag: Arc::clone(&self.flag), other: Some(other) }
    }

    /// What a program says until it ends; it and what it has started are ended once the user wants to stop.
    pub(crate) fn output(&self, mut command: Command) -> io::Result<Output> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        loop {
            match ended.recv_timeout(LOOK) {
                Ok(output) => return output,
                Err(RecvTimeoutError::Timeout) if !self.is_set() => {}
                Err(_) => {
                    if let Some(group) = group {
                        let _ = kill_process_group(group, Signal::TERM);
                    }
                    return Err(stopped());
                }
            }
        }
    }

    /// Turns whatever failed after the user wanted to stop into just that.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        if self.is_set() { Failure::interrupted() } else { failure }
    }

    /// Standard input, waiting for which ends once the user wants to stop.
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

    /// The same output, which fails once the user wants to stop.
    pub(crate) fn guard<W: Write>(&self, out: W) -> Guarded<W> {
        Guarded { out, interrupt: self.clone() }
    }
}

/// What is read of standard input, by another thread.
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

/// How long work may take to stop by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often somebody who waits looks whether to go on.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Guarded<W> {
    out: W,
    interrupt: Interrupt,
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.is_set() {
            return Err(stopped());
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
