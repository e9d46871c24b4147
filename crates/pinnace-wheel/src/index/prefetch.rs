//! Prefetching: pages and metadata are requested before the resolver asks for them.
//!
//! The resolver decides one package at a time, and each decision may need two answers from the
//! network. Threads of their own make those requests as soon as a project is first mentioned. They
//! only fill memos, so the resolver sees the same answers without them.

use std::thread;

use super::{
    Index,
    prefetch_queue::{PrefetchQueue, PrefetchRequest, State},
};
use crate::{
    ProjectName, Source, Specifiers, Target,
    resolve::{Candidates, Choice, Request, Yanked, best_release},
};

impl Index<'_> {
    /// Runs `work`, mostly a resolution of that request for `target`, with prefetching.
    pub fn reading_ahead<T>(
        &self,
        request: &Request,
        target: &Target,
        work: impl FnOnce() -> T,
    ) -> T {
        let candidates = Candidates { target, rules: &request.files };
        self.prefetch_queue.set(State::Reading);
        thread::scope(|scope| {
            // The threads stop even if `work` panics.
            let _stop = StopOnDrop(&self.prefetch_queue);
            let read = || {
                while let Some(next) = self.prefetch_queue.pop() {
                    self.prefetch_answer(next, candidates);
                }
            };
            for _ in 0..self.options.concurrency {
                // If the system refuses more threads, fewer of them prefetch.
                if thread::Builder::new().spawn_scoped(scope, read).is_err() {
                    break;
                }
            }
            work()
        })
    }

    /// Fills the memos. They keep errors too, which the resolver then finds.
    fn prefetch_answer(&self, request: PrefetchRequest, candidates: Candidates<'_>) {
        match request {
            PrefetchRequest::Project(name, specifiers) => {
                self.prefetch_project(&name, &specifiers, candidates)
            }
            PrefetchRequest::Metadata(file) => drop(self.metadata(&file)),
        }
    }

    fn prefetch_project(
        &self,
        name: &ProjectName,
        specifiers: &Specifiers,
        candidates: Candidates<'_>,
    ) {
        let Ok(Some(project)) = self.project(name) else { return };
        let Some(release) = best_release(&project, specifiers) else { return };
        if let Ok(Choice::File(file)) = candidates.choose(name, release, Yanked::Refused) {
            let _ = self.metadata(&file);
        }
    }
}

struct StopOnDrop<'a>(&'a PrefetchQueue);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(State::Idle);
    }
}
