//! Opening and measuring wheels and files ahead of the writer, in order, on several threads.

use std::{
    fs::File,
    io,
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use pinnace_archive::Content;

use crate::{ReadSeek, WheelFiles};

/// How far each thread may be ahead: enough that the writer seldom waits for a small file, few
/// enough that a thousand wheels never mean a thousand open files.
const AHEAD: usize = 32;

type Measured = io::Result<Content<Box<dyn ReadSeek>>>;

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) enum Ahead<'m> {
    /// A wheel, which is verified when it is opened.
    Wheel(&'m [u8; 32]),
    /// A file, which is not.
    File(&'m Path),
}

impl Ahead<'_> {
    fn measure(self, wheels: &dyn WheelFiles) -> Measured {
        match self {
            Self::Wheel(sha256) => {
                wheels.open(sha256).and_then(|file| Content::measure_verified(file, *sha256))
            }
            Self::File(path) => Content::measure(Box::new(File::open(path)?) as Box<dyn ReadSeek>),
        }
    }
}

/// What was measured, in the order in which it was listed.
pub(crate) struct InOrder {
    lanes: Vec<Receiver<Measured>>,
    next: usize,
}

impl InOrder {
    /// Starts measuring; thread n takes every n-th one, so order needs no sorting.
    pub(crate) fn start<'scope>(
        scope: &'scope thread::Scope<'scope, '_>,
        wheels: &'scope dyn WheelFiles,
        listed: &'scope [Ahead<'scope>],
        threads: usize,
    ) -> io::Result<Self> {
        let threads = threads.clamp(1, listed.len().max(1));
        let lanes = (0..threads)
            .map(|lane| {
                let (sender, receiver) = sync_channel(AHEAD);
                let measure = move || {
                    for one in listed.iter().skip(lane).step_by(threads) {
                        // A writer that failed wants no more.
                        if sender.send(one.measure(wheels)).is_err() {
                            return;
                        }
                    }
                };
                thread::Builder::new().spawn_scoped(scope, measure).map(|_| receiver)
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { lanes, next: 0 })
    }

    pub(crate) fn next(&mut self) -> Measured {
        let lane = &self.lanes[self.next % self.lanes.len()];
        self.next += 1;
        lane.recv().unwrap_or_else(|_| Err(io::Error::other("a thread stopped unexpectedly")))
    }
}
