//! The processes of a project: command, readiness probe, stop and drain.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{log_pattern::LogPattern, signal::Signal};

/// A process of a project.
///
/// The supervisor replaces `{port}` and `{socket}` in the words of the command.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// The readiness probe.
    #[serde(default)]
    pub ready: Ready,
    /// The stop request.
    #[serde(default)]
    pub stop: Stop,
    /// The drain time, in which it finishes accepted work.
    #[serde(default)]
    pub drain: Drain,
}

/// A readiness probe.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(into = "String", try_from = "String")]
pub enum Ready {
    /// Ready once it accepts connections: `tcp`.
    #[default]
    Tcp,
    /// Ready once it answers a request for this path with success: `http:/path`.
    Http(String),
    /// Ready once this gRPC service reports that it is healthy; without a name, the whole server: `grpc:NAME`.
    Grpc(String),
    /// Ready once it logs a line that matches this expression: `log:REGEX`.
    Log(LogPattern),
}

/// A way to request a process to stop.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(into = "String", try_from = "String")]
pub enum Stop {
    /// Send a signal, named without its `SIG`: `signal:TERM`.
    Signal(Signal),
    /// Make a unary gRPC call with an empty message: `grpc:/package.Service/Method`.
    Grpc(String),
}

/// A query that the supervisor makes once a release is ready. The answer is stored with the release's status.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(into = "String", try_from = "String")]
pub enum Metadata {
    /// A function without arguments, called in its own process; its result must be serializable as JSON:
    /// `module:function`.
    Function {
        /// The module.
        module: String,
        /// The function in the module, as `name` or `object.name`.
        function: String,
    },
    /// A unary gRPC call to the ready process, with an empty message: `grpc:/package.Service/Method`.
    Grpc(String),
}

/// A drain time in seconds, written as `30s`, `5m` or `1h`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct Drain(u64);

impl Process {
    /// Creates a process that is ready once it accepts connections, and stops on SIGTERM.
    pub fn new(argv: Vec<String>) -> Self {
        let (ready, stop, drain) = Default::default();
        Self { argv, ready, stop, drain }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::Signal(Signal::default())
    }
}

impl Drain {
    /// Creates a drain time in seconds.
    pub fn of_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Returns the time in seconds.
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
            Some(("log", pattern)) if !pattern.is_empty() => match pattern.parse() {
                Ok(pattern) => Ok(Self::Log(pattern)),
                Err(error) => Err(format!("`ready = \"{text}\"`: {error}")),
            },
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
            Self::Log(pattern) => write!(f, "log:{pattern}"),
        }
    }
}

impl FromStr for Stop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = grpc_path(text) {
            return Ok(Self::Grpc(path.to_owned()));
        }
        let signal = text.strip_prefix("signal:").unwrap_or_default();
        signal.parse().map(Self::Signal).map_err(|_| {
            format!(
                "`stop = \"{text}\"`: `signal:NAME` is expected, with one of {}, or `grpc:/package.Service/Method`",
                Signal::ALL.map(Signal::name).join(", ")
            )
        })
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => write!(f, "signal:{signal}"),
            Self::Grpc(path) => write!(f, "grpc:{path}"),
        }
    }
}

impl FromStr for Metadata {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = grpc_path(text) {
            return Ok(Self::Grpc(path.to_owned()));
        }
        let is_dotted = |name: &str| {
            let is_name = |part: &str| {
                !part.is_empty()
                    && part.chars().all(|symbol| symbol.is_alphanumeric() || symbol == '_')
            };
            name.split('.').all(is_name)
        };
        match text.split_once(':') {
            Some((module, function)) if is_dotted(module) && is_dotted(function) => {
                Ok(Self::Function { module: module.to_owned(), function: function.to_owned() })
            }
            _ => Err(format!(
                "`metadata = \"{text}\"`: `module:function` or `grpc:/package.Service/Method` is expected"
            )),
        }
    }
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function { module, function } => write!(f, "{module}:{function}"),
            Self::Grpc(path) => write!(f, "grpc:{path}"),
        }
    }
}

/// Parses `grpc:` and the path of a method, as gRPC over HTTP/2 requests it.
fn grpc_path(text: &str) -> Option<&str> {
    let path = text.strip_prefix("grpc:")?;
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
    };
    (is_name(service) && is_name(method)).then_some(path)
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

/// Returns true for a valid name of an environment variable (POSIX, section 8.1).
pub fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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

as_text!(Ready, Stop, Drain, Metadata);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_parsed_and_shown_again() {
        for text in ["tcp", "http:/health", "grpc:DagsterApi", "grpc:", "log:Listening at .*"] {
            assert_eq!(text.parse::<Ready>().unwrap().to_string(), text);
        }
        assert_eq!("signal:sigint".parse::<Stop>().unwrap().to_string(), "signal:INT");
        assert_eq!("5m".parse::<Drain>().unwrap().to_string(), "300s");
        for text in ["signal:TERM", "grpc:/api.DagsterApi/ShutdownServer"] {
            assert_eq!(text.parse::<Stop>().unwrap().to_string(), text);
        }
        for text in ["shop.meta:describe", "shop:App.describe", "grpc:/api.DagsterApi/List"] {
            assert_eq!(text.parse::<Metadata>().unwrap().to_string(), text);
        }
        for bad in ["", "shop", "shop:", "a b:c", "grpc:/x", "grpc:/a/b/c", "os:system('x')"] {
            assert!(bad.parse::<Metadata>().is_err(), "{bad}");
        }
        for bad in ["udp", "http:x", "log:", "log:("] {
            assert!(bad.parse::<Ready>().is_err(), "{bad}");
        }
        assert!("signal:KILL".parse::<Stop>().unwrap_err().contains("TERM"));
        for bad in ["", "s", "30", "-1s", "1d", "9999999999999999999h"] {
            assert!(bad.parse::<Drain>().is_err(), "{bad}");
        }
    }
}
