use std::{fmt, str::FromStr};

use crate::{Error, version_key::VersionKey};

/// A version, ordered by PEP 440.
///
/// ```
/// use pinnace_wheel::Version;
///
/// let version = |text: &str| text.parse::<Version>().unwrap();
/// assert!(version("1.0.dev1") < version("1.0a1") && version("1.0a1") < version("1.0"));
/// assert_eq!(version("1.0"), version("v1.0.0"));
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Version(pub(crate) pep440_rs::Version);

impl Version {
    /// Returns true for an alpha, a beta, a release candidate or a development release.
    pub fn is_prerelease(&self) -> bool {
        self.0.any_prerelease()
    }

    /// Returns the version's key in the order of all versions.
    pub(crate) fn key(&self) -> VersionKey {
        VersionKey::of(&self.0)
    }

    /// Returns the numbers of the release segment.
    pub fn release(&self) -> &[u64] {
        self.0.release()
    }

    /// Returns the release segment alone: `3.13.0` of `3.13.0rc2`.
    #[must_use]
    pub fn only_release(&self) -> Self {
        Self(self.0.only_release())
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.trim().parse().map(Self).map_err(|error| Error::parse("version", text, error))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
