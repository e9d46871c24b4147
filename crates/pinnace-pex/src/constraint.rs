use std::{fmt, str::FromStr};

use pinnace_wheel::{MarkerVariable, Specifiers, Target, Version};

use crate::{Error, ErrorKind};

/// Which interpreters may run a PEX file: a version specifier (PEP 440), with the name of an
/// implementation before it where only one will do, as in `CPython>=3.9,<3.13`.
///
/// ```
/// use pinnace_pex::InterpreterConstraint;
///
/// let one: InterpreterConstraint = "CPython>=3.9".parse()?;
/// let other: InterpreterConstraint = "<3.12".parse()?;
/// let both = one.intersection(&other).expect("3.10 satisfies both");
/// assert_eq!(both.to_string(), "CPython>=3.9,<3.12");
/// assert!(one.intersection(&"<3.9".parse()?).is_none());
/// assert!("3.11".parse::<InterpreterConstraint>().is_err());
/// # Ok::<(), pinnace_pex::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InterpreterConstraint {
    /// `CPython`, `PyPy` or nothing, and what is said of threads: `+t`, `-t`, `[free-threaded]`, `[gil]`.
    implementation: String,
    threads: String,
    specifiers: Specifiers,
    text: String,
}

/// No Python 3 that anybody will build files for here is beyond these.
const MINORS: u64 = 40;
const PATCHES: u64 = 40;

impl InterpreterConstraint {
    /// Whether a platform's interpreter is one of those.
    pub fn accepts(&self, target: &Target) -> bool {
        let name = target.markers().get(MarkerVariable::PlatformPythonImplementation);
        let is_named = self.implementation.is_empty()
            || name.is_none_or(|name| name.eq_ignore_ascii_case(&self.implementation));
        is_named && self.specifiers.contains(target.python())
    }

    /// What satisfies both; `None` if no Python 3 does.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (name, threads) = (
            one_of(&self.implementation, &other.implementation)?,
            one_of(&self.threads, &other.threads)?,
        );
        let mut ranges: Vec<&str> = [self, other].into_iter().map(Self::range).collect();
        ranges.retain(|range| !range.is_empty());
        ranges.dedup();
        let both: Self = format!("{name}{threads}{}", ranges.join(",")).parse().ok()?;
        let versions = (0..MINORS).flat_map(|minor| (0..PATCHES).map(move |patch| (minor, patch)));
        let mut versions = versions
            .filter_map(|(minor, patch)| format!("3.{minor}.{patch}").parse::<Version>().ok());
        versions.any(|version| both.specifiers.contains(&version)).then_some(both)
    }

    fn range(&self) -> &str {
        &self.text[self.implementation.len() + self.threads.len()..]
    }
}

/// The one that is said; `None` if two are.
fn one_of<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    match (one, other) {
        ("", said) | (said, "") => Some(said),
        (one, other) => one.eq_ignore_ascii_case(other).then_some(one),
    }
}

impl FromStr for InterpreterConstraint {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let text: String = given.split_whitespace().collect();
        let refuse = || Error::from(ErrorKind::Constraint { text: given.to_owned() });
        let name = text.find(|symbol: char| !symbol.is_ascii_alphabetic()).unwrap_or(text.len());
        let (implementation, rest) = text.split_at(name);
        let threads = ["+t", "-t", "[free-threaded]", "[gil]"];
        let threads = threads.into_iter().find(|said| rest.starts_with(said)).unwrap_or_default();
        let range = &rest[threads.len()..];
        let is_known = ["", "cpython", "pypy"].contains(&implementation.to_lowercase().as_str());
        let is_range = range.is_empty() || range.starts_with(['<', '>', '=', '!', '~']);
        if !is_known || !is_range || text.is_empty() {
            return Err(refuse());
        }
        let specifiers = range.parse().map_err(|_| refuse())?;
        let (implementation, threads) = (implementation.to_owned(), threads.to_owned());
        Ok(Self { implementation, threads, specifiers, text })
    }
}

impl fmt::Display for InterpreterConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_none_is_refused() {
        for good in [
            "CPython",
            ">=3.8",
            "CPython+t>=3.13",
            "PyPy[gil]>=3.9,!=3.10.*",
            "CPython >= 3.9",
            ">=3.9rc1",
        ] {
            assert!(good.parse::<InterpreterConstraint>().is_ok(), "{good}");
        }
        for bad in ["", "garbage", "python>=3.8", "3.11", ">=3.8;<4", "CPython>=x"] {
            assert!(bad.parse::<InterpreterConstraint>().is_err(), "{bad}");
        }
    }
}
