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

/// The number of files that each thread may be ahead. It is large enough that the writer seldom
/// waits for a small file. It is small enough that a thousand wheels never mean a thousand open
/// files.
const AHEAD: usize = 32;

type Measured = io::Result<Content<Box<dyn ReadSeek>>>;

/// A source that is measured ahead of the writer.
#[derive(Clone, Copy)]
pub(crate) enum Ahead<'m> {
    /// A wheel, verified when it is opened.
    Wheel(&'m [u8; 32]),
    /// A file, not verified.
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

/// The measured sources, in the order of the list.
pub(crate) struct InOrder {
    lanes: Vec<Receiver<Measured>>,
    next: usize,
}

impl InOrder {
    /// Starts the threads. Of n threads, each takes every n-th source, so the results need no
    /// sorting.
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
                    for source in listed.iter().skip(lane).step_by(threads) {
                        // The writer failed and closed its end.
                        if sender.send(source.measure(wheels)).is_err() {
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
