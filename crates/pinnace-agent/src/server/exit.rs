//! Exit statuses in words.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

/// Describes the end of a process, as in "ended with exit code 1".
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
