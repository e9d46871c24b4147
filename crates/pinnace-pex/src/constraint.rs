use std::{collections::BTreeSet, fmt, str::FromStr};

use pinnace_wheel::{MarkerVariable, Specifiers, Target, Version};

use crate::{Error, ErrorKind};

/// An interpreter constraint: a version specifier (PEP 440), optionally after the name of an
/// implementation, as in `CPython>=3.9,<3.13`.
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
    /// `CPython`, `PyPy`, or empty for any implementation.
    implementation: String,
    threads: Threads,
    specifiers: Specifiers,
    text: String,
    /// The offset of the version specifier in the text.
    range: usize,
}

/// The part of a constraint about free threading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Threads {
    Any,
    /// `+t` or `[free-threaded]`.
    Free,
    /// `-t` or `[gil]`.
    Locked,
}

const SAID_OF_THREADS: [(&str, Threads); 4] = [
    ("+t", Threads::Free),
    ("-t", Threads::Locked),
    ("[free-threaded]", Threads::Free),
    ("[gil]", Threads::Locked),
];

/// The highest minor and patch numbers of Python 3 that an intersection is tested with.
const MINORS: u64 = 40;
const PATCHES: u64 = 40;

impl InterpreterConstraint {
    /// Checks whether the interpreter of a platform satisfies the constraint.
    pub fn accepts(&self, target: &Target) -> bool {
        let name = target.markers().get(MarkerVariable::PlatformPythonImplementation);
        let is_named = self.implementation.is_empty()
            || name.is_none_or(|name| name.eq_ignore_ascii_case(&self.implementation));
        let are_so = match self.threads {
            Threads::Any => true,
            Threads::Free => is_free_threaded(target),
            Threads::Locked => !is_free_threaded(target),
        };
        is_named && are_so && self.specifiers.contains(target.python())
    }

    /// Returns the constraint that requires both, or `None` if no release of Python 3 satisfies it.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let name = one_of(&self.implementation, &other.implementation)?;
        let threads = match (self.threads, other.threads) {
            (Threads::Any, said) | (said, Threads::Any) => said,
            (first, other) if first == other => first,
            _ => return None,
        };
        let mut ranges = vec![&self.text[self.range..], &other.text[other.range..]];
        ranges.retain(|range| !range.is_empty());
        ranges.dedup();
        let both: Self = format!("{name}{threads}{}", ranges.join(",")).parse().ok()?;
        let versions = (0..MINORS).flat_map(|minor| (0..PATCHES).map(move |patch| (minor, patch)));
        let mut versions = versions
            .filter_map(|(minor, patch)| format!("3.{minor}.{patch}").parse::<Version>().ok());
        versions.any(|version| both.specifiers.contains(&version)).then_some(both)
    }

    /// Combines two lists: the result accepts an interpreter if each list has a constraint that
    /// accepts it. An empty list accepts every interpreter.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Constraint`] if a constraint is malformed, and
    /// [`ErrorKind::NoInterpreter`] if no interpreter satisfies both lists.
    pub fn both(first: Vec<String>, second: Vec<String>) -> Result<Vec<String>, Error> {
        if first.is_empty() || second.is_empty() {
            return Ok([first, second].concat());
        }
        let parse = |texts: &[String]| {
            texts.iter().map(|text| text.parse()).collect::<Result<Vec<Self>, _>>()
        };
        let (ours, theirs) = (parse(&first)?, parse(&second)?);
        let pairs = ours.iter().flat_map(|ours| theirs.iter().map(move |other| (ours, other)));
        let found = pairs.filter_map(|(first, other)| first.intersection(other));
        let found: BTreeSet<String> = found.map(|both| both.to_string()).collect();
        if found.is_empty() {
            Err(ErrorKind::NoInterpreter { first, second }.into())
        } else {
            Ok(found.into_iter().collect())
        }
    }
}

/// Checks whether the interpreter is free-threaded (PEP 703). Its ABI tag then has a `t` after the
/// version.
fn is_free_threaded(target: &Target) -> bool {
    let own = target.tags().iter().find_map(|tag| tag.abi().strip_prefix("cp"));
    own.is_some_and(|version| version.contains('t'))
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "",
            Self::Free => "+t",
            Self::Locked => "-t",
        })
    }
}

/// Returns the name that is given, or `None` if the two names differ.
fn one_of<'a>(first: &'a str, other: &'a str) -> Option<&'a str> {
    match (first, other) {
        ("", said) | (said, "") => Some(said),
        (first, other) => first.eq_ignore_ascii_case(other).then_some(first),
    }
}

impl FromStr for InterpreterConstraint {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self, Error> {
        let text: String = given.split_whitespace().collect();
        let refuse = || Error::from(ErrorKind::Constraint { text: given.to_owned() });
        let name = text.find(|symbol: char| !symbol.is_ascii_alphabetic()).unwrap_or(text.len());
        let (implementation, rest) = text.split_at(name);
        let said = SAID_OF_THREADS.into_iter().find(|(said, _)| rest.starts_with(said));
        let (said, threads) = said.unwrap_or(("", Threads::Any));
        let range = &rest[said.len()..];
        let is_known = ["", "cpython", "pypy"].contains(&implementation.to_lowercase().as_str());
        let is_range = range.is_empty() || range.starts_with(['<', '>', '=', '!', '~']);
        if !is_known || !is_range || text.is_empty() {
            return Err(refuse());
        }
        let specifiers = range.parse().map_err(|_| refuse())?;
        let (implementation, start) = (implementation.to_owned(), text.len() - range.len());
        Ok(Self { implementation, threads, specifiers, text, range: start })
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

    #[test]
    fn constraints_must_all_hold() {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        for (a, b, expected) in [
            (&[][..], &[">=3.9"][..], Some(&[">=3.9"][..])),
            (&[">=3.9"], &[">=3.9"], Some(&[">=3.9"])),
            (&["CPython>=3.8"], &["<3.12", "PyPy"], Some(&["CPython>=3.8,<3.12"])),
            (&["CPython"], &["PyPy"], None),
            (&["==3.11.*"], &["==3.13.*"], None),
            (&["CPython"], &["==3.11.*"], Some(&["CPython==3.11.*"])),
            (&["CPython+t"], &["CPython[free-threaded]>=3.13"], Some(&["CPython+t>=3.13"])),
            (&["CPython+t"], &["CPython[gil]"], None),
        ] {
            assert_eq!(
                InterpreterConstraint::both(list(a), list(b)).ok(),
                expected.map(list),
                "{a:?} {b:?}"
            );
        }
    }

    #[test]
    fn an_interpreter_without_a_lock_is_told_from_one_with_it() {
        for (constraint, platform, expected) in [
            ("CPython+t>=3.13", "linux_x86_64-cp313-cp313t", true),
            ("CPython+t>=3.13", "linux_x86_64-cp313-cp313", false),
            ("CPython[gil]", "linux_x86_64-cp313-cp313t", false),
            ("CPython-t", "linux_x86_64-cp313-cp313", true),
            ("CPython", "linux_x86_64-cp313-cp313t", true),
            ("PyPy", "linux_x86_64-cp313-cp313", false),
        ] {
            let constraint: InterpreterConstraint = constraint.parse().unwrap();
            assert_eq!(constraint.accepts(&platform.parse().unwrap()), expected, "{constraint}");
        }
    }
}
