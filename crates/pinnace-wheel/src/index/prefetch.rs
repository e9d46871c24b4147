//! Prefetching: pages and metadata are requested before the resolver asks for them.
//!
//! The resolver decides one package at a time, and each decision may need two answers from the
//! network. Threads of their own make those requests as soon as a project is first mentioned. They
//! only fill memos, so the resolver sees the same answers without them.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use super::Index;
use crate::{
    File, ProjectName, Source, Specifiers, Target,
    resolve::{Candidates, Choice, Request, Yanked, best_release},
};

#[derive(Default)]
pub(super) struct Ahead {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    wishes: VecDeque<Wish>,
    state: State,
}

/// An answer that the resolver will likely need.
pub(super) enum Wish {
    /// A page, and the metadata of the version that the resolver will likely choose.
    Project(ProjectName, Specifiers),
    Metadata(Box<File>),
}

#[derive(Default, PartialEq)]
enum State {
    #[default]
    Idle,
    Reading,
}

impl Ahead {
    pub(super) fn push(&self, wish: impl FnOnce() -> Wish) {
        let mut queue = self.lock();
        if queue.state == State::Reading {
            queue.wishes.push_back(wish());
            self.filled.notify_one();
        }
    }

    fn set(&self, state: State) {
        let mut queue = self.lock();
        queue.state = state;
        queue.wishes.clear();
        self.filled.notify_all();
    }

    /// Waits for the next wish and returns it. Returns `None` when there will be no more.
    fn pop(&self) -> Option<Wish> {
        let mut queue = self.lock();
        while queue.state == State::Reading && queue.wishes.is_empty() {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.wishes.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index<'_> {
    /// Runs `work`, mostly a resolution of that request for `target`, with prefetching.
    pub fn reading_ahead<T>(
        &self,
        request: &Request,
        target: &Target,
        work: impl FnOnce() -> T,
    ) -> T {
        let candidates = Candidates { target, rules: &request.files };
        self.ahead.set(State::Reading);
        thread::scope(|scope| {
            // The threads stop even if `work` panics.
            let _stop = StopOnDrop(&self.ahead);
            let read = || {
                while let Some(wish) = self.ahead.pop() {
                    self.read(wish, candidates);
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
    fn read(&self, wish: Wish, candidates: Candidates<'_>) {
        match wish {
            Wish::Project(name, specifiers) => self.read_project(&name, &specifiers, candidates),
            Wish::Metadata(file) => drop(self.metadata(&file)),
        }
    }

    fn read_project(
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

struct StopOnDrop<'a>(&'a Ahead);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(State::Idle);
    }
}
