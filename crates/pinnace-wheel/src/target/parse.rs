//! The parser for platforms, in all spellings that users write.

use std::str::FromStr;

use super::{Assumption, Implementation, Platform, Python, Target, python};
use crate::{Error, Version};

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('-').collect();
        let missing = || {
            let reason = "it names no Python; append one, as in `linux_x86_64-cp311`";
            Error::parse("platform", text, reason)
        };
        let at = parts.iter().position(|part| is_python(part)).ok_or_else(missing)?;
        let (system, rest) = match at {
            // `cp312-cp312-linux_x86_64`, in the order of tags
            0 => {
                let rest = parts.iter().skip(1).position(|part| Platform::from_str(part).is_ok());
                let system = 1 + rest.ok_or_else(|| {
                    let reason = "it names no system; add one, as in `linux_x86_64-cp311`";
                    Error::parse("platform", text, reason)
                })?;
                (parts[system..].join("-"), &parts[..system])
            }
            at => (parts[..at].join("-"), &parts[at..]),
        };
        let platform: Platform = system.parse()?;
        let python = python_of(rest).map_err(|reason| Error::parse("platform", text, reason))?;
        let assumed = Platform::assumed(&system).then(|| Assumption::System(platform.to_string()));
        Ok(Self::new(python, &platform).with_assumption(assumed))
    }
}

/// Returns true if the Python starts at this part: `cp312`, `3.12`, or the pex tool's `cp` of
/// `cp-312-cp312`.
fn is_python(part: &str) -> bool {
    matches!(part, "cp" | "pp") || Python::from_str(part).is_ok()
}

/// Parses `cp312`, `cp312-cp312`, `cp-312-cp312` or `cp-3.12.4-cp312`.
fn python_of(parts: &[&str]) -> Result<Python, String> {
    let (python, abi) = match parts {
        [python] => (python.parse::<Python>(), None),
        [implementation @ ("cp" | "pp"), version] => {
            (format!("{implementation}{version}").parse(), None)
        }
        [implementation @ ("cp" | "pp"), version, abi] => {
            (format!("{implementation}{version}").parse(), Some(*abi))
        }
        [python, abi] => (python.parse(), Some(*abi)),
        more => {
            return Err(format!("expected a Python and its ABI, found `{}`", more.join("-")));
        }
    };
    let python = python.map_err(|error| error.to_string())?;
    match abi {
        None => Ok(python),
        Some(abi) => checked(python, abi),
    }
}

/// Checks that this Python can have the ABI, and sets it. Flags alone, such as `t` and `d`, are
/// appended to the Python's own tag.
fn checked(python: Python, abi: &str) -> Result<Python, String> {
    let own = match python.implementation() {
        Implementation::CPython => python.tag(),
        Implementation::PyPy => python.abi().split('_').next().unwrap_or_default().to_owned(),
    };
    let full = match abi {
        "t" | "d" | "td" | "m" => format!("{own}{abi}"),
        full => full.to_owned(),
    };
    match full.strip_prefix(own.as_str()) {
        Some(flags) if flags.chars().all(|flag| "tdmu_p0123456789".contains(flag)) => {
            Ok(python.with_abi(&full))
        }
        _ => Err(format!("unknown ABI `{abi}` of `{}`; expected `{}`", python.tag(), python.abi())),
    }
}

impl Target {
    /// Parses a platform. If the text names only a system, `python` completes it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not a platform, or if
    /// neither the text nor `python` names a Python.
    pub fn parse_with(text: &str, python: Option<&Python>) -> Result<Self, Error> {
        let alone = text.parse::<Platform>().ok();
        match (alone, python) {
            (Some(platform), Some(python)) => {
                let assumed =
                    Platform::assumed(text).then(|| Assumption::System(platform.to_string()));
                Ok(Self::new(python.clone(), &platform).with_assumption(assumed))
            }
            _ => text.parse(),
        }
    }

    /// Checks that a version has a major and a minor number.
    pub(crate) fn check_version(version: &Version) -> Result<(), Error> {
        python::minor_of(version).map(|_| ())
    }
}
