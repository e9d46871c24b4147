//! Parallel work on items whose results are consumed in order on the calling thread.

use std::{
    io,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use crate::Error;

/// The number of items per batch: large enough that waking a thread costs nothing beside the work.
const BATCH: usize = 16;
/// The number of finished batches that wait on each thread. It bounds the results in memory, and so
/// the open files.
const AHEAD: usize = 1;

/// Calls `work` for each item on `threads` threads, and `then` with the results, in order.
pub(crate) fn for_each<'a, T: Sync, M: Send>(
    items: &'a [T],
    threads: usize,
    work: impl Fn(&'a T) -> M + Sync,
    mut then: impl FnMut(&'a T, M) -> Result<(), Error>,
) -> Result<(), Error> {
    let batches = items.len().div_ceil(BATCH);
    if threads.min(batches) <= 1 {
        return items.iter().try_for_each(|item| then(item, work(item)));
    }
    let threads = threads.min(batches);
    thread::scope(|scope| {
        let work = &work;
        let lanes: Vec<Receiver<Vec<M>>> = (0..threads)
            .map(|lane| {
                let (sender, receiver) = sync_channel(AHEAD);
                let run = move || {
                    for batch in items.chunks(BATCH).skip(lane).step_by(threads) {
                        // The receiver is gone because the writer failed.
                        if sender.send(batch.iter().map(work).collect()).is_err() {
                            return;
                        }
                    }
                };
                thread::Builder::new().spawn_scoped(scope, run).map(|_| receiver)
            })
            .collect::<io::Result<_>>()
            .map_err(|error| Error::io("start a thread", error))?;
        for (at, batch) in items.chunks(BATCH).enumerate() {
            let done = lanes[at % threads].recv().map_err(|_| {
                Error::io("measure a member", io::Error::other("a thread stopped unexpectedly"))
            })?;
            batch.iter().zip(done).try_for_each(|(item, done)| then(item, done))?;
        }
        Ok(())
    })
}
