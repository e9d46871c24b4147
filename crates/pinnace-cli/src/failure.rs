//! Why the command failed, with the way out, and the exit code that says so.

use std::{error::Error as StdError, fmt, io};

use serde_json::Value;

/// Bad usage; 1 is a job that failed, 130 one that was interrupted.
pub(crate) const USAGE: u8 = 2;

/// What the user is told, and what the shell is.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    /// What programs are told beside the message.
    details: Value,
}

impl Failure {
    /// The job failed.
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into(), hint: None, details: Value::Null }
    }

    /// The command was used wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: None, details: Value::Null }
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self { code: 130, message: "interrupted".to_owned(), hint: None, details: Value::Null }
    }

    /// The job is done, and its answer is no: there is nothing to be said of it.
    pub(crate) fn silent() -> Self {
        Self::job("")
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The same with keys of an object for programs.
    pub(crate) fn with_json(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

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

impl From<pinnace_wheel::Error> for Failure {
    fn from(error: pinnace_wheel::Error) -> Self {
        use pinnace_wheel::ErrorKind::{Cancelled, Offline, Parse, Transport};
        match error.kind() {
            Cancelled => Self::interrupted(),
            Offline { .. } => Self::from_error(&error).hint("build once without `--offline`"),
            Transport { .. } => Self::from_error(&error).hint(
                "check the network, the proxy variables and `--index-url`; `--offline` builds from the cache",
            ),
            Parse { .. } => Self { code: USAGE, ..Self::from_error(&error) },
            _ => Self::from_error(&error),
        }
    }
}

impl From<pinnace_pex::Error> for Failure {
    fn from(error: pinnace_pex::Error) -> Self {
        Self::from_error(&error)
    }
}

impl From<pinnace_deploy::Error> for Failure {
    fn from(error: pinnace_deploy::Error) -> Self {
        use pinnace_deploy::ErrorKind::{Settings, Store};
        match error.kind() {
            Store(inner) if matches!(inner.kind(), pinnace_store::ErrorKind::Cancelled) => {
                Self::interrupted()
            }
            Settings { .. } => Self { code: USAGE, ..Self::from_error(&error) },
            _ => Self::from_error(&error),
        }
    }
}

impl From<pinnace_store::Error> for Failure {
    fn from(error: pinnace_store::Error) -> Self {
        match error.kind() {
            pinnace_store::ErrorKind::Cancelled => Self::interrupted(),
            _ => Self::from_error(&error),
        }
    }
}

impl Failure {
    /// What could not be done, why, and what helps against it.
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        Self::io_at(format!("{doing}: {error}"), error)
    }

    /// The same with a message that tells it all.
    pub(crate) fn io_at(message: String, error: &io::Error) -> Self {
        let failure = Self::job(message);
        match io_hint(error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// The message, and what helps against the I/O failure at its root.
    fn from_error(error: &(dyn StdError + 'static)) -> Self {
        let failure = Self::job(error.to_string());
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(hint) = error.downcast_ref::<io::Error>().and_then(io_hint) {
                return failure.hint(hint);
            }
            cause = error.source();
        }
        // Some errors quote their cause without being able to hand it out.
        match failure.message.contains("os error 28") {
            true => failure.hint(NO_SPACE),
            false => failure,
        }
    }
}

const NO_SPACE: &str = "free some space, or move the cache with PINNACE_CACHE_DIR; nothing that was there before is lost";

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(NO_SPACE),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(
            "another folder, or the rights to this one; the cache can be moved with PINNACE_CACHE_DIR",
        ),
        _ => None,
    }
}
