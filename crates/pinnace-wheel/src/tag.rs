use std::{fmt, str::FromStr};

use crate::Error;

/// A tag of PEP 425: the Python, ABI and platform that a wheel was built for.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    python: Box<str>,
    abi: Box<str>,
    platform: Box<str>,
}

impl Tag {
    /// Creates a tag from its three parts.
    pub fn new(python: &str, abi: &str, platform: &str) -> Self {
        Self { python: python.into(), abi: abi.into(), platform: platform.into() }
    }

    /// Returns the Python tag: `cp312` of `cp312-abi3-linux_x86_64`.
    pub fn python(&self) -> &str {
        &self.python
    }

    /// Returns the ABI tag: `abi3` of `cp312-abi3-linux_x86_64`.
    pub fn abi(&self) -> &str {
        &self.abi
    }

    /// Returns the platform tag: `linux_x86_64` of `cp312-abi3-linux_x86_64`.
    pub fn platform(&self) -> &str {
        &self.platform
    }
}

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_part = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match text.split('-').collect::<Vec<_>>()[..] {
            [python, abi, platform] if [python, abi, platform].iter().all(is_part) => {
                Ok(Self::new(python, abi, platform))
            }
            _ => Err(Error::parse("tag", text, "expected `python-abi-platform`")),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}
