//! How long each step took.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub(crate) struct Timings {
    last: Instant,
    pub(crate) laps: Vec<(&'static str, Duration)>,
}

impl Default for Timings {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Timings {
    /// The step that ends now.
    pub(crate) fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed()));
        self.last = Instant::now();
    }

    /// All of it, since the command was started.
    pub(crate) fn total(&mut self, started: Instant) {
        self.laps.push(("total", started.elapsed()));
    }

    pub(crate) fn milliseconds(&self) -> BTreeMap<String, u64> {
        let laps = self.laps.iter();
        laps.map(|(name, took)| ((*name).to_owned(), took.as_millis() as u64)).collect()
    }
}
