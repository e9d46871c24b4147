//! Things that are timed in turn.

use std::{
    error::Error,
    time::{Duration, Instant},
};

/// What is timed in turn, in one run: of the names, every second one is measured against the one before
/// it.
#[derive(Debug)]
pub struct Lanes<const N: usize> {
    names: [&'static str; N],
    times: [Vec<Duration>; N],
}

impl<const N: usize> Lanes<N> {
    /// Lanes of these names.
    pub fn new(names: [&'static str; N]) -> Self {
        Self { names, times: std::array::from_fn(|_| Vec::new()) }
    }

    /// Times work on a lane. The first round, 0, warms up.
    ///
    /// # Errors
    ///
    /// If the work fails.
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

    /// Names and medians.
    pub fn medians(mut self) -> Vec<(&'static str, Duration)> {
        self.times.iter_mut().for_each(|times| times.sort());
        let median =
            |times: &Vec<Duration>| times.get(times.len() / 2).copied().unwrap_or_default();
        self.names.into_iter().zip(self.times.iter().map(median)).collect()
    }
}
