//! Work that is timed in turn.

use std::{
    error::Error,
    time::{Duration, Instant},
};

/// Lanes of work, timed in turn in one run. Every second lane is compared with the one before it.
#[derive(Debug)]
pub struct Lanes<const N: usize> {
    names: [&'static str; N],
    times: [Vec<Duration>; N],
}

impl<const N: usize> Lanes<N> {
    /// Creates lanes with these names.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, times: std::array::from_fn(|_| Vec::new()) }
    }

    /// Times work on a lane. The first round, 0, warms up.
    ///
    /// # Errors
    ///
    /// Returns the error of the work.
    pub fn time(
        &mut self,
        run: usize,
        lane: usize,
        work: impl FnOnce() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        work()?;
        if run > 0 {
            self.times[lane].push(started.elapsed());
        }
        Ok(())
    }

    /// Returns names and medians.
    pub fn medians(mut self) -> Vec<(&'static str, Duration)> {
        self.times.iter_mut().for_each(|times| times.sort());
        let median =
            |times: &Vec<Duration>| times.get(times.len() / 2).copied().unwrap_or_default();
        self.names.into_iter().zip(self.times.iter().map(median)).collect()
    }
}
