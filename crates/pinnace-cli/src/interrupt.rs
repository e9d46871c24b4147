//! Ctrl-C: everything under way stops by itself, so that temporary files are removed on the way.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Failure;

/// Whether the user wants to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP; what else stops with them is called then.
    pub(crate) fn listen(also: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        ctrlc::set_handler(move || {
            flag.store(true, Ordering::Relaxed);
            also();
        })
        .map_err(|error| Failure::job(format!("cannot listen for signals: {error}")))?;
        Ok(interrupt)
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Turns whatever failed after the user wanted to stop into just that.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        if self.is_set() { Failure::interrupted() } else { failure }
    }

    /// The same output, which fails once the user wants to stop.
    pub(crate) fn guard<W: Write>(&self, out: W) -> Guarded<W> {
        Guarded { out, interrupt: self.clone() }
    }
}

#[derive(Debug)]
pub(crate) struct Guarded<W> {
    out: W,
    interrupt: Interrupt,
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.interrupt.is_set() {
            return Err(io::Error::other("interrupted"));
        }
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
