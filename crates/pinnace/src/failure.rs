//! Failures of the command: message, hint and exit code.

use std::{error::Error as StdError, fmt, io};

use serde_json::Value;

/// The exit code of a usage error. A failed job exits with 1, and an interrupted one with 130.
pub(crate) const USAGE: u8 = 2;

/// A failure with its message, its hint and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    /// Further keys of the JSON object.
    details: Value,
}

impl Failure {
    /// Creates the failure of a job.
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None, details: Value::Null }
    }

    /// Creates a usage error.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: None, details: Value::Null }
    }

    /// Creates the failure of a job that a signal ended.
    pub(crate) fn interrupted() -> Self {
        Self { code: 130, message: "interrupted".to_owned(), hint: None, details: Value::Null }
    }

    /// Creates a failure without a message, which only sets the exit code.
    pub(crate) fn silent() -> Self {
        Self::job("")
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// Adds keys to the JSON object.
    pub(crate) fn with_json(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Turns the failure into a usage error.
    pub(crate) fn bad_usage(mut self) -> Self {
        self.code = USAGE;
        self
    }

    /// Sets the hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn as_json(&self) -> Value {
        let mut json = serde_json::json!({ "error": self.message, "hint": self.hint });
        if let (Value::Object(json), Value::Object(details)) = (&mut json, &self.details) {
            json.extend(details.clone());
        }
        json
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl Failure {
    /// Creates the failure of an I/O operation.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        Self::io_at(format!("{doing}: {error}"), error)
    }

    /// Creates the failure of an I/O operation with a complete message.
    pub(crate) fn io_at(message: String, error: &io::Error) -> Self {
        let failure = Self::job(message);
        match io_hint(error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Creates the failure of a library error, with a hint for the I/O error at its root.
    pub(crate) fn from_error(error: &(dyn StdError + 'static)) -> Self {
        let failure = Self::job(error.to_string());
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(hint) = error.downcast_ref::<io::Error>().and_then(io_hint) {
                return failure.hint(hint);
            }
            cause = error.source();
        }
        // Some errors quote their cause without returning it as their source.
        if failure.message.contains("os error 28") { failure.hint(NO_SPACE) } else { failure }
    }
}

const NO_SPACE: &str =
    "free disk space, or move the cache with PINNACE_CACHE_DIR; existing files are intact";

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(NO_SPACE),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(
            "choose a writable folder or fix its permissions; PINNACE_CACHE_DIR moves the cache",
        ),
        _ => None,
    }
}
