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

    /// The steps that somebody else took meanwhile.
    pub(crate) fn add(&mut self, steps: &[(String, f64)]) {
        for name in ["fetch", "materialise", "start", "live"] {
            let found = steps.iter().find(|(step, _)| step == name);
            let took = found.map(|(_, took)| Duration::from_secs_f64(took.max(0.0) / 1000.0));
            self.laps.extend(took.map(|took| (name, took)));
        }
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
