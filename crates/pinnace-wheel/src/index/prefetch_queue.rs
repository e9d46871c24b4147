//! The queue between the resolver, which announces what it will need, and the prefetching threads.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{File, ProjectName, Specifiers};

/// A queue of prefetch requests. It accepts them only while threads read it.
#[derive(Default)]
pub(super) struct PrefetchQueue {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    requests: VecDeque<PrefetchRequest>,
    state: State,
}

/// An answer that the resolver will likely need.
pub(super) enum PrefetchRequest {
    /// A page, and the metadata of the version that the resolver will likely choose.
    Project(ProjectName, Specifiers),
    Metadata(Box<File>),
}

#[derive(Default, PartialEq)]
pub(super) enum State {
    #[default]
    Idle,
    Reading,
}

impl PrefetchQueue {
    pub(super) fn push(&self, request: impl FnOnce() -> PrefetchRequest) {
        let mut queue = self.lock();
        if queue.state == State::Reading {
            queue.requests.push_back(request());
            self.filled.notify_one();
        }
    }

    pub(super) fn set(&self, state: State) {
        let mut queue = self.lock();
        queue.state = state;
        queue.requests.clear();
        self.filled.notify_all();
    }

    /// Waits for the next request and returns it. Returns `None` when there will be no more.
    pub(super) fn pop(&self) -> Option<PrefetchRequest> {
        let mut queue = self.lock();
        while queue.state == State::Reading && queue.requests.is_empty() {
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.requests.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
