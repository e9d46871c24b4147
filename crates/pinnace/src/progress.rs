//! Output and progress: bars on a terminal, plain lines elsewhere, both on stderr.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pinnace_build::Step;
use pinnace_deploy::Stage;
use pinnace_wheel::{Event, Progress};

use crate::{Failure, interrupt::Interrupt};

/// The form and the amount of output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) style: Style,
    pub(crate) volume: Volume,
}

/// The form of the result on stdout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    Text,
    Json,
}

/// The amount of output on stderr.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Volume {
    Quiet,
    Normal,
    Verbose,
}

impl Output {
    /// Prints the result: `text` for people, `json` for programs.
    pub(crate) fn result(self, text: &str, json: &serde_json::Value) -> Result<(), Failure> {
        match self.style {
            Style::Json => stdout(json),
            Style::Text if self.volume > Volume::Quiet => stdout(&text),
            Style::Text => Ok(()),
        }
    }

    /// Prints a result that is a text of its own: `text` as it is, or `json` for programs.
    pub(crate) fn raw(self, text: &str, json: &serde_json::Value) -> Result<(), Failure> {
        match self.style {
            Style::Json => stdout(json),
            Style::Text => stdout(&text.trim_end_matches('\n')),
        }
    }

    /// Prints one line of a result as it comes. Returns `false` if no reader is left.
    pub(crate) fn line(self, text: &str) -> Result<bool, Failure> {
        let mut out = std::io::stdout().lock();
        match out.write_all(line(&text).as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::io("cannot write to stdout", &error)),
        }
    }

    /// Returns an output that prints nothing on stdout, which belongs to another program.
    pub(crate) fn without_result(self) -> Self {
        Self { style: Style::Text, volume: Volume::Quiet }
    }

    /// Returns the output for programs, before the other arguments are known.
    pub(crate) fn json_only() -> Self {
        Self { style: Style::Json, volume: Volume::Quiet }
    }

    /// Prints a failure as JSON, if its text was shown already.
    pub(crate) fn fail_quietly(self, failure: &Failure) {
        let _ = stdout(&failure.as_json());
    }

    /// Prints a line that matters, such as a warning.
    pub(crate) fn say(self, line: impl Display) {
        if self.volume > Volume::Quiet {
            stderr(&line);
        }
    }

    pub(crate) fn fail(self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        stderr(failure);
        if self.style == Style::Json {
            // A reader that is gone sees the exit code.
            let _ = stdout(&failure.as_json());
        }
    }
}

/// Writes to stdout. A closed pipe (`| head`) is no failure; a full disk is.
fn stdout(text: &dyn Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(line(text).as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to stdout", &error))
        }
        _ => Ok(()),
    }
}

fn stderr(text: &dyn Display) {
    let _ = std::io::stderr().write_all(line(text).as_bytes());
}

/// Returns a line in one piece: standard error has no buffer of its own.
fn line(text: &dyn Display) -> String {
    format!("{}\n", Plain(&text.to_string()))
}

/// A text whose control characters are shown, so that indexes and archives cannot steer the terminal.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        self.0.chars().try_for_each(|symbol| match symbol {
            '\n' => f.write_char(symbol),
            _ if symbol.is_control() => write!(f, "{}", symbol.escape_unicode()),
            _ => f.write_char(symbol),
        })
    }
}

/// The progress that the user sees.
#[derive(Debug)]
pub(crate) struct Reporter {
    output: Output,
    bar: ProgressBar,
    projects: AtomicUsize,
    interrupt: Interrupt,
}

impl Reporter {
    pub(crate) fn new(output: Output, interrupt: Interrupt) -> Self {
        let drawn = output.volume > Volume::Quiet && std::io::stderr().is_terminal();
        let target =
            if drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        Self { output, bar, projects: AtomicUsize::new(0), interrupt }
    }

    /// Shows a step without a measure.
    fn show(&self, message: &'static str) {
        self.bar.set_style(style("{spinner} {msg} {elapsed}"));
        self.bar.set_message(message);
        if !self.bar.is_hidden() {
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    /// Shows a step that is measured in bytes, without a known end.
    pub(crate) fn moving(&self, message: &'static str) {
        self.show(message);
        self.bar.set_style(style("{spinner} {msg} {bytes} {elapsed}"));
    }

    /// Ends a step, and leaves a line.
    fn done(&self, line: impl Display) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
        self.bar.reset();
        self.output.say(line);
    }

    /// Clears the display.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line that matters, above the display.
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
            Event::Building(what) => {
                if self.bar.is_hidden() {
                    self.note(format!("building {what}"));
                }
                self.bar.set_message(format!("building {what}"));
            }
            Event::Retry { url, reason } if self.output.volume == Volume::Verbose => {
                self.note(format!("asking {url} again: {reason}"));
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
            Step::AskingBackend => self.show("asking the backend of the project"),
            Step::Resolving => self.show("resolving"),
            Step::Resolved { distributions, target, elapsed } => {
                let (count, elapsed) =
                    (Count(distributions, "distribution"), elapsed.as_secs_f64());
                self.done(format!("resolved {count} for {target} in {elapsed:.2} s"));
            }
            _ => {}
        }
    }
}

impl pinnace_deploy::Progress for Reporter {
    fn stage(&self, stage: Stage<'_>) {
        match stage {
            Stage::Publishing => self.moving("publishing"),
            Stage::Starting => self.show("starting"),
            Stage::Waiting(thing) => self.note(format!("waiting for {thing}")),
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

/// A number with its noun: `1 wheel`, `2 wheels`.
pub(crate) struct Count(pub(crate) usize, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}

/// A number of bytes, as people read it: powers of ten, as disks are sold.
pub(crate) struct Size(pub(crate) u64);

impl Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n >= 1_000_000_000 => write!(f, "{:.1} GB", n as f64 / 1e9),
            n if n >= 1_000_000 => write!(f, "{:.1} MB", n as f64 / 1e6),
            n if n >= 1_000 => write!(f, "{:.1} kB", n as f64 / 1e3),
            n => write!(f, "{n} bytes"),
        }
    }
}
