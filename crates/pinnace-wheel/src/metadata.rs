use std::{borrow::Cow, str::FromStr};

use crate::{Error, ExtraName, ProjectName, Version, WheelName, error::without_secrets};

/// The part of a wheel's `METADATA` that a solver needs (core metadata 2.x).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    name: ProjectName,
    version: Version,
    requires_python: Option<Box<str>>,
    requires: Vec<Box<str>>,
    extras: Vec<ExtraName>,
    dynamic: Vec<Box<str>>,
    /// The `Metadata-Version`.
    format: Option<(u32, u32)>,
}

impl Metadata {
    /// Creates the metadata of a project without requirements.
    pub fn new(name: ProjectName, version: Version) -> Self {
        Self {
            name,
            version,
            requires_python: None,
            requires: Vec::new(),
            extras: Vec::new(),
            dynamic: Vec::new(),
            format: None,
        }
    }

    /// Sets the `Requires-Dist` headers and the extras.
    #[must_use]
    pub fn requiring(mut self, requires: Vec<String>, extras: Vec<ExtraName>) -> Self {
        self.requires = requires.into_iter().map(String::into_boxed_str).collect();
        self.extras = extras;
        self
    }

    /// Sets the `Requires-Python` header.
    #[must_use]
    pub fn for_python(mut self, specifiers: Option<&str>) -> Self {
        self.requires_python = specifiers.map(Into::into);
        self
    }

    /// Reads the headers. The description that follows them is not read.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if name or version are missing or
    /// malformed. A malformed requirement is an error only when it is used.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::parse("METADATA file", "METADATA", reason);
        let text = String::from_utf8_lossy(bytes);
        let headers = headers(&text);
        let find = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value).ok_or_else(|| refuse(&format!("it has no `{wanted}`")))
        };
        let mut metadata = Self::new(find("Name")?.parse()?, find("Version")?.parse()?);
        for (header, value) in &headers {
            match header.to_ascii_lowercase().as_str() {
                // The solver uses nothing of an address, and an address may hold a secret.
                "requires-dist" if value.contains("://") => {
                    metadata.requires.push(without_secrets(value).into());
                }
                "requires-dist" => metadata.requires.push((&**value).into()),
                "provides-extra" => metadata.extras.extend(ExtraName::from_str(value).ok()),
                "requires-python" => metadata.requires_python = Some((&**value).into()),
                "dynamic" => metadata.dynamic.push(value.to_ascii_lowercase().into()),
                "metadata-version" => metadata.format = format_of(value),
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// Returns true if the metadata of a source distribution also holds for every wheel built from
    /// it (PEP 643). It must be of format 2.2 or later and must not declare its requirements
    /// dynamic.
    pub(crate) fn is_static(&self) -> bool {
        let decides = ["requires-dist", "requires-python", "provides-extra", "version"];
        self.format >= Some((2, 2)) && !self.dynamic.iter().any(|field| decides.contains(&&**field))
    }

    /// Returns the `Requires-Python` header.
    pub fn requires_python(&self) -> Option<&str> {
        self.requires_python.as_deref()
    }

    /// Returns the project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the `Requires-Dist` headers, unparsed.
    pub fn requires(&self) -> impl ExactSizeIterator<Item = &str> {
        self.requires.iter().map(|requirement| &**requirement)
    }

    /// Returns the extras that the project offers.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Encodes the headers that a solver needs: name, version, `Requires-Python`, extras and
    /// `Requires-Dist`.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("Name: {}\nVersion: {}\n", self.name, self.version);
        if let Some(specifiers) = &self.requires_python {
            text.push_str(&format!("Requires-Python: {specifiers}\n"));
        }
        for extra in &self.extras {
            text.push_str(&format!("Provides-Extra: {extra}\n"));
        }
        for requirement in &self.requires {
            text.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        text.into_bytes()
    }

    /// Returns true if both are equal for a solver.
    pub fn says_the_same(&self, other: &Self) -> bool {
        let parts = |metadata: &Self| {
            let (name, version) = (metadata.name.clone(), metadata.version.clone());
            (
                name,
                version,
                metadata.requires_python.clone(),
                metadata.requires.clone(),
                metadata.extras.clone(),
            )
        };
        parts(self) == parts(other)
    }

    /// Checks that this is the metadata of the given wheel.
    pub(crate) fn check(&self, wheel: &WheelName) -> Result<(), String> {
        if self.name != *wheel.project() {
            return Err(format!("it names the project `{}`", self.name));
        }
        if self.version != *wheel.version() {
            return Err(format!("it names the version `{}`", self.version));
        }
        Ok(())
    }
}

/// Parses `2.2` into numbers.
fn format_of(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Returns the headers of an RFC 822 message, with folded lines joined.
fn headers(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                let value = value.to_mut();
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim(), value.trim().into()));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\nRequires-Dist: a>=1;\n  extra == 'x'\nProvides-Extra: X\nRequires-Dist: b\n\nRequires-Dist: not-a-header\n";

    #[test]
    fn headers_end_at_the_first_empty_line_and_may_be_folded() {
        let metadata = Metadata::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(metadata.requires().collect::<Vec<_>>(), ["a>=1; extra == 'x'", "b"]);
        assert_eq!(metadata.extras()[0].as_str(), "x");
        assert!(Metadata::parse(&metadata.encode()).unwrap().says_the_same(&metadata));
    }

    #[test]
    fn another_wheel_is_refused() {
        let metadata = Metadata::parse(TEXT.as_bytes()).unwrap();
        assert!(metadata.check(&"foo_bar-1.0.0-py3-none-any.whl".parse().unwrap()).is_ok());
        assert!(metadata.check(&"foo_bar-1.1-py3-none-any.whl".parse().unwrap()).is_err());
        assert!(metadata.check(&"foo-1.0-py3-none-any.whl".parse().unwrap()).is_err());
    }
}
