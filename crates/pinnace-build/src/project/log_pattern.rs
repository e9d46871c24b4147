//! The pattern of a log line that tells readiness.

use std::{fmt, str::FromStr};

use regex_lite::Regex;

/// A regular expression for a line of output. It is compiled once, when it is parsed.
///
/// ```
/// use pinnace_build::LogPattern;
///
/// let pattern: LogPattern = "listening on .*".parse()?;
/// assert!(pattern.is_match("listening on 8080"));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogPattern(Regex);

impl LogPattern {
    /// Returns true if a part of the line matches.
    pub fn is_match(&self, line: &str) -> bool {
        self.0.is_match(line)
    }
}

impl FromStr for LogPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Regex::new(text).map(Self).map_err(|error| error.to_string())
    }
}

impl PartialEq for LogPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for LogPattern {}

impl fmt::Display for LogPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}
