use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use crate::Error;

/// A project's name, normalised by PEP 503: `Zope.Interface` is `zope-interface`.
///
/// ```
/// use pinnace_wheel::ProjectName;
///
/// let name: ProjectName = "Zope.Interface".parse()?;
/// assert_eq!(name.as_str(), "zope-interface");
/// assert!("-x".parse::<ProjectName>().is_err());
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProjectName(Arc<str>);

/// An extra's name, normalised by PEP 685, with the rules of PEP 503.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ExtraName(Arc<str>);

macro_rules! name {
    ($type:ident, $what:literal) => {
        impl $type {
            /// Returns the normalised name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                normalise(text).map(|name| Self(name.into())).ok_or_else(|| {
                    Error::parse($what, text, "it must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends")
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ProjectName, "project name");
name!(ExtraName, "name of an extra");

/// Normalises a name: lower case, and each run of `-`, `_` and `.` becomes one `-`. Returns `None`
/// if the text is not a valid name (PEP 508).
fn normalise(text: &str) -> Option<String> {
    let ends = [text.bytes().next()?, text.bytes().next_back()?];
    if !ends.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' if name.ends_with('-') => {}
            b'-' | b'_' | b'.' => name.push('-'),
            _ if byte.is_ascii_alphanumeric() => name.push(byte.to_ascii_lowercase().into()),
            _ => return None,
        }
    }
    Some(name)
}
