//! Parallel work: most of the time of a request is waiting, and work on files can use all cores.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Waits for a thread, and returns its result. If the thread panicked, the caller panics too.
///
/// # Examples
///
/// ```
/// use pinnace_store::parallel;
///
/// let sum = std::thread::scope(|scope| parallel::join(scope.spawn(|| 1 + 1)));
/// assert_eq!(sum, 2);
/// ```
pub fn join<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Calls `work` with each item, and returns the results in the order of the items. Up to `at_once`
/// threads run it, one of which is the caller's. If the system gives fewer threads, fewer run.
///
/// # Panics
///
/// Panics if `work` does.
///
/// # Examples
///
/// ```
/// use pinnace_store::parallel;
///
/// let lengths = parallel::each(&["one", "two", "three"], 2, |word| word.len());
/// assert_eq!(lengths, [3, 3, 5]);
/// ```
pub fn each<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let lane = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..at_once.min(items.len()) {
            if thread::Builder::new().spawn_scoped(scope, lane).is_err() {
                break;
            }
        }
        lane();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
