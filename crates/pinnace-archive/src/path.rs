use std::fmt;

use crate::error::{Error, ErrorKind};

/// The name of a member: relative, UTF-8, forward slashes, no `.` or `..`, parsed once.
///
/// These rules keep an archive safe. They do not make a name valid on every file system:
/// [`portability_fault`](Self::portability_fault) checks that for a single name. The strict reader
/// also refuses names that collide, or that are more than 64 folders deep.
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
    /// Parses a name. Refuses names that could escape the folder they are extracted to.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Path`] with the rule that the name breaks.
    pub fn parse(path: &str) -> Result<Self, Error> {
        match fault(path) {
            None => Ok(Self(path.into())),
            Some(reason) => Err(ErrorKind::Path { path: path.to_owned(), reason }.into()),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the reason why a file of this name cannot exist on every system, if there is one: a
    /// Windows device name, a character that Windows forbids, a part that ends in a dot or a space.
    /// The writer accepts such a name; the strict reader refuses it.
    ///
    /// ```
    /// use pinnace_archive::ArchivePath;
    ///
    /// assert_eq!(ArchivePath::parse("app/auxiliary.py")?.portability_fault(), None);
    /// assert!(ArchivePath::parse("app/aux.py")?.portability_fault().is_some());
    /// # Ok::<(), pinnace_archive::Error>(())
    /// ```
    pub fn portability_fault(&self) -> Option<&'static str> {
        self.0.split('/').find_map(reserved)
    }
}

impl AsRef<str> for ArchivePath {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl std::str::FromStr for ArchivePath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self, Error> {
        Self::parse(path)
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The mode of a file, reduced to two values. Directories have a mode of their own.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mode {
    /// `0644`.
    File,
    /// `0755`.
    Executable,
}

/// The longest path on Linux (PATH_MAX, 4,096 with its end), less the slash of a directory. Some
/// readers truncate longer names, so two names could become one.
const LONGEST: usize = 4_094;
/// The longest file name on common file systems, in bytes.
const LONGEST_PART: usize = 255;

pub(crate) fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > LONGEST {
        return Some("it is longer than 4,094 bytes");
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

/// Returns the reason why Windows has no file of this name ("Naming Files, Paths, and Namespaces").
pub(crate) fn reserved(component: &str) -> Option<&'static str> {
    if component.ends_with(['.', ' ']) {
        return Some("a part of it ends in a dot or a space");
    }
    if component.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Some("it holds a character that Windows forbids");
    }
    if component.len() > LONGEST_PART {
        return Some("a part of it is longer than 255 bytes");
    }
    if is_versioned(component) {
        return Some("a part of it ends in a version number of VMS");
    }
    let stem = component.split('.').next().unwrap_or_default().trim_end_matches(' ');
    is_device(stem).then_some("a part of it is a device name of Windows")
}

/// Returns true for `name;1`, which unzip reads as `name`.
fn is_versioned(component: &str) -> bool {
    component
        .rsplit_once(';')
        .is_some_and(|(_, version)| version.bytes().all(|b| b.is_ascii_digit()))
}

fn is_device(stem: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let Some((port, digit)) = stem.split_at_checked(3) else { return false };
    let mut digits = digit.chars();
    (port.eq_ignore_ascii_case("COM") || port.eq_ignore_ascii_case("LPT"))
        && matches!(digits.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
        && digits.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_keeps() {
        for name in [
            "aux",
            "AUX.py",
            "nul .txt",
            "com1",
            "LPT\u{b9}.x",
            "a.",
            "a ",
            "a:b",
            "a?",
            "a;1",
            "a;",
        ] {
            assert!(reserved(name).is_some(), "{name}");
        }
        for name in ["auxiliary.py", "com", "com10", "lpt.py", "a.b", ".a", "console", "\u{e4}"] {
            assert_eq!(reserved(name), None, "{name}");
        }
    }
}
