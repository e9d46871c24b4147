//! Output on stdout and stderr: as text for people, as JSON for programs.

use std::{fmt::Display, io::Write};

use crate::Failure;

/// The form and the amount of output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) style: Style,
    pub(crate) volume: Volume,
}

/// The form of results on stdout.
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

    /// Prints a result that `--quiet` does not suppress, such as a list or a lock.
    pub(crate) fn raw(self, text: &str, json: &serde_json::Value) -> Result<(), Failure> {
        match self.style {
            Style::Json => stdout(json),
            Style::Text => stdout(&text.trim_end_matches('\n')),
        }
    }

    /// Prints a line of a stream. Returns false if stdout is closed.
    pub(crate) fn line(self, text: &str) -> Result<bool, Failure> {
        let mut out = std::io::stdout().lock();
        match out.write_all(line(&text).as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Failure::io("cannot write to stdout", &error)),
        }
    }

    /// Returns an output that prints only errors, for work whose result is not printed.
    pub(crate) fn without_result(self) -> Self {
        Self { style: Style::Text, volume: Volume::Quiet }
    }

    /// Returns the JSON output of a command line that cannot be parsed.
    pub(crate) fn json_only() -> Self {
        Self { style: Style::Json, volume: Volume::Quiet }
    }

    /// Prints a failure as JSON only, because its text is on stderr already.
    pub(crate) fn fail_quietly(self, failure: &Failure) {
        let _ = stdout(&failure.as_json());
    }

    /// Prints a line on stderr, such as a warning, unless `--quiet` suppresses it.
    pub(crate) fn say(self, line: impl Display) {
        if self.volume > Volume::Quiet {
            stderr(&line);
        }
    }

    /// Prints a failure.
    pub(crate) fn fail(self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        stderr(failure);
        if self.style == Style::Json {
            // If stdout is closed, the exit code still tells of the failure.
            let _ = stdout(&failure.as_json());
        }
    }
}

/// Writes to stdout. A closed pipe (`| head`) is not an error; a full disk is.
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

/// Returns a line in one piece, since stderr is unbuffered and lines of processes must not mix.
fn line(text: &dyn Display) -> String {
    format!("{}\n", Plain(&text.to_string()))
}

/// A text with escaped control characters, so that indexes and archives cannot control the terminal.
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
