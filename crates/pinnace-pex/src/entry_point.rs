use std::fmt;

use crate::{Error, ErrorKind};

/// An entry point of a PEX file: a module that runs as `__main__`, or a function of a module.
///
/// ```
/// use pinnace_pex::EntryPoint;
///
/// assert_eq!(EntryPoint::parse("app.cli:main")?.to_string(), "app.cli:main");
/// assert!(EntryPoint::parse("app.cli:").is_err());
/// # Ok::<(), pinnace_pex::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryPoint(String);

impl EntryPoint {
    /// Parses `module` or `module:object.attribute` (entry points specification, "Data model"), and
    /// ignores extras at the end (`[extra]`).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::EntryPoint`] if the text has neither form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = text.split('[').next().unwrap_or_default();
        let plain = plain.split(':').map(str::trim).collect::<Vec<_>>().join(":");
        let is_dotted = |name: &str| {
            name.split('.').all(|part| {
                let starts_well = part.starts_with(|c: char| c.is_alphabetic() || c == '_');
                starts_well && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            })
        };
        let fits = match plain.split_once(':') {
            None => is_dotted(&plain),
            Some((module, object)) => is_dotted(module) && is_dotted(object),
        };
        if fits {
            Ok(Self(plain))
        } else {
            Err(ErrorKind::EntryPoint { text: text.to_owned() }.into())
        }
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
