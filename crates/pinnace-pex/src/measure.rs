//! Opening and measuring wheels ahead of the writer, in order, on several threads.

use std::{
    io,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use pinnace_archive::Content;

use crate::{ReadSeek, WheelFiles};

/// How far each thread may be ahead: enough that the writer never waits for a small wheel, few
/// enough that a thousand wheels never mean a thousand open files.
const AHEAD: usize = 4;

type Measured = io::Result<Content<Box<dyn ReadSeek>>>;

/// Measured wheels, in the order in which they were listed.
pub(crate) struct InOrder {
    lanes: Vec<Receiver<Measured>>,
    next: usize,
}

impl InOrder {
    /// Starts measuring; thread n takes every n-th wheel, so order needs no sorting.
    pub(crate) fn start<'scope>(
        scope: &'scope thread::Scope<'scope, '_>,
        wheels: &'scope dyn WheelFiles,
        digests: &'scope [[u8; 32]],
        threads: usize,
    ) -> io::Result<Self> {
        let threads = threads.clamp(1, digests.len().max(1));
        let lanes = (0..threads)
            .map(|lane| {
                let (sender, receiver) = sync_channel(AHEAD);
                let measure = move || {
                    for sha256 in digests.iter().skip(lane).step_by(threads) {
                        let measured = wheels
                            .open(sha256)
                            .and_then(|file| Content::measure_verified(file, *sha256));
                        // A writer that failed wants no more.
                        if sender.send(measured).is_err() {
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
