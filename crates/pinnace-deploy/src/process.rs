//! How a process of a release is started, and what is known of its life.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A process of a release.
///
/// In the words of its command `{port}` and `{socket}` are filled in when it is started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// When it is ready to answer.
    #[serde(default)]
    pub ready: Ready,
    /// How it is asked to stop.
    #[serde(default)]
    pub stop: Stop,
    /// How long it may take to finish what it is at.
    #[serde(default)]
    pub drain: Drain,
}

/// When a process is ready to answer.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(into = "String", try_from = "String")]
pub enum Ready {
    /// When it takes connections: `tcp`.
    #[default]
    Tcp,
    /// When it answers a request for this path with success: `http:/path`.
    Http(String),
    /// When this gRPC service says that it is healthy, all of them without a name: `grpc:NAME`.
    Grpc(String),
    /// When it logs a line that matches this expression: `log:REGEX`.
    Log(String),
}

/// How a process is asked to stop: `signal:TERM`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Stop {
    signal: String,
}

/// A time for which work may go on, in seconds: `30s`, `5m` or `1h`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Drain(u64);

/// The signals that a process can be asked with.
const SIGNALS: [&str; 7] = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH"];

impl Process {
    /// A process that takes connections, and stops when it is asked with SIGTERM.
    pub fn new(argv: Vec<String>) -> Self {
        let (ready, stop, drain) = Default::default();
        Self { argv, ready, stop, drain }
    }
}

impl Stop {
    /// The signal, without `SIG`.
    pub fn signal(&self) -> &str {
        &self.signal
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: "TERM".to_owned() }
    }
}

impl Drain {
    /// The time in seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self(30)
    }
}

impl FromStr for Ready {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "tcp" => Ok(Self::Tcp),
            None if text == "grpc" => Ok(Self::Grpc(String::new())),
            Some(("http", path)) if path.starts_with('/') => Ok(Self::Http(path.to_owned())),
            Some(("grpc", service)) => Ok(Self::Grpc(service.to_owned())),
            Some(("log", line)) if !line.is_empty() => Ok(Self::Log(line.to_owned())),
            _ => Err(format!(
                "`ready = \"{text}\"`: `tcp`, `http:/path`, `grpc:SERVICE` or `log:REGEX` is expected"
            )),
        }
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
            Self::Http(path) => write!(f, "http:{path}"),
            Self::Grpc(service) => write!(f, "grpc:{service}"),
            Self::Log(line) => write!(f, "log:{line}"),
        }
    }
}

impl FromStr for Stop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let signal = text.strip_prefix("signal:").unwrap_or_default().to_uppercase();
        let signal = signal.strip_prefix("SIG").unwrap_or(&signal);
        match SIGNALS.contains(&signal) {
            true => Ok(Self { signal: signal.to_owned() }),
            false => Err(format!(
                "`stop = \"{text}\"`: `signal:NAME` is expected, with one of {}",
                SIGNALS.join(", ")
            )),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signal:{}", self.signal)
    }
}

impl FromStr for Drain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`drain = \"{text}\"`: `30s`, `5m` or `1h` is expected");
        let unit = text.chars().last().ok_or_else(refused)?;
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return Err(refused()),
        };
        let number: u64 = text[..text.len() - 1].parse().map_err(|_| refused())?;
        number.checked_mul(factor).map(Self).ok_or_else(refused)
    }
}

impl fmt::Display for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )*};
}

as_text!(Ready, Stop, Drain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_written_again() {
        for text in ["tcp", "http:/health", "grpc:DagsterApi", "grpc:", "log:Listening at .*"] {
            assert_eq!(text.parse::<Ready>().unwrap().to_string(), text);
        }
        assert_eq!("signal:sigint".parse::<Stop>().unwrap().to_string(), "signal:INT");
        assert_eq!("5m".parse::<Drain>().unwrap().to_string(), "300s");
        for bad in ["udp", "http:x", "log:"] {
            assert!(bad.parse::<Ready>().is_err(), "{bad}");
        }
        assert!("signal:KILL".parse::<Stop>().unwrap_err().contains("TERM"));
        for bad in ["", "s", "30", "-1s", "1d", "9999999999999999999h"] {
            assert!(bad.parse::<Drain>().is_err(), "{bad}");
        }
    }
}
