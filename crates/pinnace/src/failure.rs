//! Failures of the command: message, remedy and exit code.

use std::{error::Error as StdError, fmt, io};

use serde_json::Value;

/// The exit code of bad usage; 1 is a failed job, 130 an interrupted one.
pub(crate) const USAGE: u8 = 2;

/// A failure, as the user and the shell see it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    /// Keys for programs, beside the message.
    details: Value,
}

impl Failure {
    /// Creates the failure of a job.
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None, details: Value::Null }
    }

    /// Creates the failure of a command that was used wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: None, details: Value::Null }
    }

    /// Creates the failure of a job that Ctrl-C ended.
    pub(crate) fn interrupted() -> Self {
        Self { code: 130, message: "interrupted".to_owned(), hint: None, details: Value::Null }
    }

    /// Creates the failure of a job whose answer is no; it has no message.
    pub(crate) fn silent() -> Self {
        Self::job("")
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// Adds keys for programs.
    pub(crate) fn with_json(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Makes it a failure of usage.
    pub(crate) fn bad_usage(mut self) -> Self {
        self.code = USAGE;
        self
    }

    /// Adds a remedy.
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

    /// Creates the failure of a library, with the remedy for the I/O failure at its root.
    pub(crate) fn from_error(error: &(dyn StdError + 'static)) -> Self {
        let failure = Self::job(error.to_string());
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(hint) = error.downcast_ref::<io::Error>().and_then(io_hint) {
                return failure.hint(hint);
            }
            cause = error.source();
        }
        // Some errors quote their cause but do not return it.
        if failure.message.contains("os error 28") { failure.hint(NO_SPACE) } else { failure }
    }
}

const NO_SPACE: &str = "free some space, or move the cache with PINNACE_CACHE_DIR; nothing that was there before is lost";

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(NO_SPACE),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(
            "choose a writable folder or fix its permissions; PINNACE_CACHE_DIR moves the cache",
        ),
        _ => None,
    }
}
