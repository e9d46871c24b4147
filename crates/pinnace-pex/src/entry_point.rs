use std::fmt;

use crate::{Error, ErrorKind};

/// What a PEX file runs: a module as `__main__`, or a function of one.
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
    /// Parses `module` or `module:object.attribute` (entry points specification, "Data model");
    /// extras behind it (`[extra]`) are left out.
    ///
    /// # Errors
    ///
    /// If it is neither.
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
