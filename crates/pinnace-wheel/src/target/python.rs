use std::{fmt, str::FromStr};

use crate::{Error, Tag, Version};

/// A Python: implementation, version and ABI.
///
/// ```
/// use pinnace_wheel::Python;
///
/// let python: Python = "cp313t".parse()?;
/// assert_eq!((python.version().to_string(), python.abi()), ("3.13.0".into(), "cp313t"));
/// assert_eq!("pp311".parse::<Python>()?.abi(), "pypy311_pp73");
/// assert_eq!("3.12.4".parse::<Python>()?.to_string(), "cp312-cp312");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Python {
    implementation: Implementation,
    version: Version,
    /// The precision with which the version was given.
    precision: Precision,
    abi: Box<str>,
}

/// An implementation of Python.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Implementation {
    /// CPython.
    CPython,
    /// PyPy.
    PyPy,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Precision {
    Exact,
    /// The patch level was not given and is assumed to be 0.
    Minor,
}

impl Python {
    /// Creates a Python with this version, including its patch level.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the version has no minor number.
    pub fn new(implementation: Implementation, version: Version) -> Result<Self, Error> {
        let abi = default_abi(implementation, minor_of(&version)?, "");
        Ok(Self { implementation, version, precision: Precision::Exact, abi })
    }

    /// Sets the ABI, spelled as in tags: `cp313t`, `cp38d`, `pypy310_pp73`.
    #[must_use]
    pub fn with_abi(mut self, abi: &str) -> Self {
        self.abi = abi.into();
        self
    }

    /// Returns the implementation.
    pub fn implementation(&self) -> Implementation {
        self.implementation
    }

    /// Returns the full version. An unknown patch level is 0.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the ABI, spelled as in tags.
    pub fn abi(&self) -> &str {
        &self.abi
    }

    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the accepted tags on these platforms, best first. PEP 425 leaves the order to
    /// installers; this is the order of `packaging` 26.
    pub(super) fn tags(&self, platforms: &[String]) -> Vec<Tag> {
        let [major, minor] = minor_of(&self.version).unwrap_or_default();
        let own = self.tag();
        let mut tags = Vec::new();
        let mut each = |python: &str, abi: &str| {
            tags.extend(platforms.iter().map(|platform| Tag::new(python, abi, platform)));
        };
        each(&own, &self.abi);
        match self.implementation {
            Implementation::CPython => self.more_abis(major, minor, &mut each),
            Implementation::PyPy => each(&own, "none"),
        }
        let generic = generic_pythons(major, minor);
        generic.iter().for_each(|python| each(python, "none"));
        let alone = match self.implementation {
            Implementation::CPython => own,
            Implementation::PyPy => format!("pp{major}"),
        };
        tags.push(Tag::new(&alone, "none", "any"));
        tags.extend(generic.iter().map(|python| Tag::new(python, "none", "any")));
        tags
    }

    /// Adds the ABIs that CPython accepts besides its own.
    fn more_abis(&self, major: u64, minor: u64, each: &mut dyn FnMut(&str, &str)) {
        let own = self.tag();
        let flags = self.abi.strip_prefix(own.as_str()).unwrap_or_default();
        // A debug build of 3.8 or later also loads binaries for the release build.
        if flags.contains('d') {
            each(&own, &format!("{own}{}", flags.replace('d', "")));
        }
        // PEP 803: free-threaded builds have a stable ABI of their own.
        let stable = if flags.contains('t') { "abi3t" } else { "abi3" };
        each(&own, stable);
        each(&own, "none");
        for minor in (2..minor).rev() {
            each(&format!("cp{major}{minor}"), stable);
        }
    }

    /// Returns the Python tag, such as `cp312` or `pp311`.
    pub(super) fn tag(&self) -> String {
        let [major, minor] = minor_of(&self.version).unwrap_or_default();
        format!("{}{major}{minor}", prefix(self.implementation))
    }
}

impl FromStr for Python {
    type Err = Error;

    /// Parses `cp312`, `cp313t`, `pp311`, `pypy311_pp73`, `3.12`, `3.12.4` or `cpython3.12`.
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            let reason = "expected a form such as `cp312`, `cp313t`, `pp311`, `3.12` or `3.12.4`";
            Error::parse("Python", text, reason)
        })
    }
}

/// Writes `cp312-cp312`.
impl fmt::Display for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.tag(), self.abi)
    }
}

fn prefix(implementation: Implementation) -> &'static str {
    match implementation {
        Implementation::CPython => "cp",
        Implementation::PyPy => "pp",
    }
}

fn default_abi(implementation: Implementation, [major, minor]: [u64; 2], flags: &str) -> Box<str> {
    match implementation {
        Implementation::CPython => format!("cp{major}{minor}{flags}").into(),
        // The ABI of all PyPy 7.3 releases; no other PyPy supports these Pythons.
        Implementation::PyPy => format!("pypy{major}{minor}_pp73").into(),
    }
}

pub(super) fn minor_of(version: &Version) -> Result<[u64; 2], Error> {
    match version.release() {
        [major, minor, ..] => Ok([*major, *minor]),
        _ => Err(Error::parse("Python version", &version.to_string(), "expected X.Y")),
    }
}

fn parse(text: &str) -> Option<Python> {
    let digits = text.find(|symbol: char| symbol.is_ascii_digit())?;
    let (name, rest) = text.split_at(digits);
    let implementation = match name {
        "" | "cp" | "cpython" | "python" | "cpython-" | "py" => Implementation::CPython,
        "pp" | "pypy" => Implementation::PyPy,
        _ => return None,
    };
    let (rest, pypy) = match rest.split_once('_') {
        Some((rest, abi)) if name == "pypy" && abi.starts_with("pp") => (rest, Some(text)),
        Some(_) => return None,
        None => (rest, None),
    };
    let number = rest.trim_end_matches(['t', 'd', 'm']);
    let flags = &rest[number.len()..];
    let (version, precision) = version(number)?;
    let minor = minor_of(&version).ok()?;
    // `m` was the only flag of most Pythons before 3.8, and has no meaning since.
    let flags = if minor >= [3, 8] { flags.replace('m', "") } else { flags.to_owned() };
    let abi = match pypy {
        Some(abi) => abi.into(),
        None => default_abi(implementation, minor, &flags),
    };
    Some(Python { implementation, version, precision, abi })
}

/// Parses a version. `312` and `3.12` lack the patch level; `3.12.4` and `3.13.0rc2` have it.
fn version(text: &str) -> Option<(Version, Precision)> {
    if !text.contains('.') {
        let (major, minor) = text.split_at_checked(1)?;
        let version = format!("{major}.{}.0", minor.parse::<u8>().ok()?);
        return Some((version.parse().ok()?, Precision::Minor));
    }
    let version: Version = text.parse().ok()?;
    let precision = match version.release() {
        [_, _] => Precision::Minor,
        [_, _, _] => Precision::Exact,
        _ => return None,
    };
    let minor = minor_of(&version).ok()?;
    let plausible = (2..=3).contains(&minor[0]) && minor[1] <= 99;
    let full =
        if precision == Precision::Minor { format!("{text}.0").parse().ok()? } else { version };
    plausible.then_some((full, precision))
}

/// Returns the generic Python tags: `py312`, `py3`, `py311`, …, `py30`.
fn generic_pythons(major: u64, minor: u64) -> Vec<String> {
    let mut pythons = vec![format!("py{major}{minor}"), format!("py{major}")];
    pythons.extend((0..minor).rev().map(|minor| format!("py{major}{minor}")));
    pythons
}
