use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The durations of the steps of a job.
#[derive(Clone, Debug)]
pub struct Timings {
    started: Instant,
    last: Instant,
    steps: Vec<(String, Duration)>,
}

impl Default for Timings {
    fn default() -> Self {
        Self::since(Instant::now())
    }
}

impl Timings {
    /// Creates timings of a job that began at `started`. The first step begins now.
    pub fn since(started: Instant) -> Self {
        Self { started, last: Instant::now(), steps: Vec::new() }
    }

    /// Records the end of a step, and begins the next one.
    pub fn end_step(&mut self, name: &str) {
        self.add(name, self.last.elapsed());
        self.last = Instant::now();
    }

    /// Adds a step with a known duration.
    pub fn add(&mut self, name: &str, took: Duration) {
        self.steps.push((name.to_owned(), took));
    }

    /// Records the end of the job, as the step `total`.
    pub fn finish(&mut self) {
        self.add("total", self.started.elapsed());
    }

    /// Returns the steps in the order in which they ended.
    pub fn steps(&self) -> &[(String, Duration)] {
        &self.steps
    }

    /// Returns the duration of the whole job; zero before [`Self::finish`].
    pub fn total(&self) -> Duration {
        let total = self.steps.iter().find(|(name, _)| name == "total");
        total.map_or(Duration::ZERO, |(_, took)| *took)
    }

    /// Returns the durations in whole milliseconds, by name.
    pub fn milliseconds(&self) -> BTreeMap<String, u64> {
        let steps = self.steps.iter();
        steps.map(|(name, took)| (name.clone(), took.as_millis() as u64)).collect()
    }
}
