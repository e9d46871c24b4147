use std::fmt;

use crate::error::{Error, ErrorKind};

/// The name of a member: relative, UTF-8, forward slashes, no `.` or `..`, parsed once.
///
/// ```
/// use pinnace_archive::ArchivePath;
///
/// assert!(ArchivePath::parse("app/main.py").is_ok());
/// for bad in ["", "/etc/passwd", "../up", "a//b", "a/", r"a\b", "C:/x", "a\0b"] {
///     assert!(ArchivePath::parse(bad).is_err(), "{bad}");
/// }
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ArchivePath(Box<str>);

impl ArchivePath {
    /// Parses a name; refuses what could leave the folder that it is extracted to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Path`] with the rule that the name breaks.
    pub fn parse(path: &str) -> Result<Self, Error> {
        match fault(path) {
            None => Ok(Self(path.into())),
            Some(reason) => Err(ErrorKind::Path { path: path.to_owned(), reason }.into()),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a member's mode is reduced to. Directories have a mode of their own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mode {
    /// `0644`.
    File,
    /// `0755`.
    Executable,
}

/// The longest name that a zip record can hold, less the slash of a directory.
const LONGEST: usize = u16::MAX as usize - 1;

fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > LONGEST {
        return Some("it is longer than 65,534 bytes");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    if path.contains('\\') {
        return Some("it holds a backslash");
    }
    if path.chars().any(char::is_control) {
        return Some("it holds a control character");
    }
    if path.as_bytes()[0].is_ascii_alphabetic() && path.as_bytes().get(1) == Some(&b':') {
        return Some("it starts with a drive");
    }
    path.split('/').find_map(component_fault)
}

fn component_fault(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("a part of it is empty"),
        "." | ".." => Some("it holds `.` or `..`"),
        _ => None,
    }
}
