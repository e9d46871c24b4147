use std::str::FromStr;

use crate::{Error, ExtraName, ProjectName, Version, WheelName};

/// What a solver needs of a wheel's `METADATA` (core metadata 2.x).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    name: ProjectName,
    version: Version,
    requires: Vec<Box<str>>,
    extras: Vec<ExtraName>,
}

impl Metadata {
    /// Reads the headers; the description that follows them is not looked at.
    ///
    /// # Errors
    ///
    /// If name or version are missing or malformed. A malformed requirement is an error only where
    /// it is used.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::parse("METADATA file", "METADATA", reason);
        let (mut name, mut version) = (None, None);
        let mut metadata = (Vec::new(), Vec::new());
        for (header, value) in headers(&String::from_utf8_lossy(bytes)) {
            match header.to_ascii_lowercase().as_str() {
                "name" => name = Some(value.parse()?),
                "version" => version = Some(value.parse()?),
                "requires-dist" => metadata.0.push(value.into()),
                "provides-extra" => metadata.1.extend(ExtraName::from_str(&value).ok()),
                _ => {}
            }
        }
        Ok(Self {
            name: name.ok_or_else(|| refuse("it has no `Name`"))?,
            version: version.ok_or_else(|| refuse("it has no `Version`"))?,
            requires: metadata.0,
            extras: metadata.1,
        })
    }

    /// The project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The `Requires-Dist` headers, as they are.
    pub fn requires(&self) -> impl ExactSizeIterator<Item = &str> {
        self.requires.iter().map(|requirement| &**requirement)
    }

    /// The extras that it offers.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// The headers that [`Metadata::parse`] reads, and no others.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut text = format!("Name: {}\nVersion: {}\n", self.name, self.version);
        for extra in &self.extras {
            text.push_str(&format!("Provides-Extra: {extra}\n"));
        }
        for requirement in &self.requires {
            text.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        text.into_bytes()
    }

    /// Checks that it is the metadata of that wheel.
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

/// The headers of an RFC 822 message, with folded lines joined.
fn headers(text: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim(), value.trim().to_owned()));
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
        assert_eq!(Metadata::parse(&metadata.encode()).unwrap(), metadata);
    }

    #[test]
    fn another_wheel_is_told_apart() {
        let metadata = Metadata::parse(TEXT.as_bytes()).unwrap();
        assert!(metadata.check(&"foo_bar-1.0.0-py3-none-any.whl".parse().unwrap()).is_ok());
        assert!(metadata.check(&"foo_bar-1.1-py3-none-any.whl".parse().unwrap()).is_err());
        assert!(metadata.check(&"foo-1.0-py3-none-any.whl".parse().unwrap()).is_err());
    }
}
