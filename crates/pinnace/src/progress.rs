//! Progress on stderr: bars on a terminal, plain lines elsewhere.

use std::{
    fmt::Display,
    io::IsTerminal,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pinnace_build::Step;
use pinnace_deploy::Stage;
use pinnace_wheel::{Event, Progress};

use crate::{
    interrupt::Interrupt,
    output::{Output, Volume},
    quantity::{Count, Size},
};

/// The reporter of progress: a bar on a terminal, or plain lines.
#[derive(Debug)]
pub(crate) struct Reporter {
    output: Output,
    bar: ProgressBar,
    projects: AtomicUsize,
    interrupt: Interrupt,
}

impl Reporter {
    pub(crate) fn new(output: Output, interrupt: Interrupt) -> Self {
        let is_drawn = output.volume > Volume::Quiet && std::io::stderr().is_terminal();
        let target =
            if is_drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        Self { output, bar, projects: AtomicUsize::new(0), interrupt }
    }

    /// Shows work without a measure.
    fn show(&self, message: &'static str) {
        self.bar.set_style(style("{spinner} {msg} {elapsed}"));
        self.bar.set_message(message);
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// Shows a transfer of bytes without a known total.
    pub(crate) fn show_bytes(&self, message: &'static str) {
        self.show(message);
        self.bar.set_style(style("{spinner} {msg} {bytes} {elapsed}"));
    }

    /// Ends the display of work, and prints a line.
    fn finish(&self, line: impl Display) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.reset();
        self.output.say(line);
    }

    /// Clears the display.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line above the bar.
    pub(crate) fn note(&self, line: impl Display) {
        self.bar.suspend(|| self.output.say(line));
    }
}

impl Progress for Reporter {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::ProjectRead(name) => {
                let count = self.projects.fetch_add(1, Ordering::Relaxed) + 1;
                self.bar.set_message(format!("resolving: {}, {name}", Count(count, "project")));
            }
            Event::DownloadsStart { wheels, bytes } => {
                if self.bar.is_hidden() {
                    self.note(format!("downloading {}, {}", Count(wheels, "wheel"), Size(bytes)));
                }
                self.bar.set_length(bytes);
                self.bar.set_position(0);
                self.bar.set_style(style("{msg} {wide_bar} {bytes}/{total_bytes} {eta}"));
                self.bar.set_message(format!("downloading {}", Count(wheels, "wheel")));
            }
            Event::Received(bytes) => self.bar.inc(bytes),
            Event::Downloaded(wheel) if self.output.volume == Volume::Verbose => {
                self.note(format!("downloaded {wheel}"));
            }
            Event::Building(file) => {
                if self.bar.is_hidden() {
                    self.note(format!("building {file}"));
                }
                self.bar.set_message(format!("building {file}"));
            }
            Event::Retry { url, reason } if self.output.volume == Volume::Verbose => {
                self.note(format!("retrying {url}: {reason}"));
            }
            _ => {}
        }
    }

    fn is_cancelled(&self) -> bool {
        self.interrupt.is_set()
    }
}

impl pinnace_build::Progress for Reporter {
    fn step(&self, step: Step<'_>) {
        match step {
            Step::Preparing => self.show("preparing"),
            Step::AskingBackend => self.show("reading project metadata"),
            Step::Resolving => self.show("resolving"),
            Step::Resolved { distributions, target, elapsed } => {
                let (count, elapsed) =
                    (Count(distributions, "distribution"), elapsed.as_secs_f64());
                self.finish(format!("resolved {count} for {target} in {elapsed:.2} s"));
            }
            _ => {}
        }
    }
}

impl pinnace_deploy::Progress for Reporter {
    fn stage(&self, stage: Stage<'_>) {
        match stage {
            Stage::Publishing => self.show_bytes("publishing"),
            Stage::Starting => self.show("starting"),
            Stage::Waiting(condition) => self.note(format!("waiting for {condition}")),
            _ => {}
        }
    }
}

impl pinnace_store::Progress for Reporter {
    fn moved(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn is_cancelled(&self) -> bool {
        self.interrupt.is_set()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
