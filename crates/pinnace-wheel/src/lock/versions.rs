//! The versions that a lock of Poetry or PDM pins.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Error, ErrorKind, ProjectName, Version};

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    /// Absent for a folder.
    version: Option<String>,
}

/// Reads the versions of a `poetry.lock` or `pdm.lock`, to be [preferred](crate::Request::prefer)
/// by the resolver. Leaves out a project that the lock has in several versions, each for some platforms.
///
/// ```
/// use pinnace_wheel::{ProjectName, locked_versions};
///
/// let text = "[[package]]\nname = \"Flask\"\nversion = \"3.0.1\"\n";
/// let versions = locked_versions(text, "poetry.lock")?;
/// let flask: ProjectName = "flask".parse()?;
/// assert_eq!(versions[&flask].to_string(), "3.0.1");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
///
/// # Errors
///
/// Returns [`ErrorKind::Input`] if the text is not TOML, or if a package in it has no name.
/// Messages refer to the lock as `origin`.
pub fn locked_versions(text: &str, origin: &str) -> Result<BTreeMap<ProjectName, Version>, Error> {
    let document: Document = toml::from_str(text).map_err(|error| -> Error {
        let reason = Error::toml_reason(text, &error);
        ErrorKind::Input { place: origin.to_owned(), reason }.into()
    })?;
    let mut all: BTreeMap<ProjectName, BTreeSet<Version>> = BTreeMap::new();
    for package in document.package {
        // A malformed version pins nothing.
        let version = package.version.and_then(|text| text.parse().ok());
        if let (Ok(name), Some(version)) = (package.name.parse(), version) {
            all.entry(name).or_default().insert(version);
        }
    }
    let only = |(name, versions): (ProjectName, BTreeSet<Version>)| {
        let mut versions = versions.into_iter();
        versions.next().filter(|_| versions.next().is_none()).map(|version| (name, version))
    };
    Ok(all.into_iter().filter_map(only).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_in_several_versions_is_left_out() {
        let text = "[[package]]\nname='a'\nversion='1'\n[[package]]\nname='A'\nversion='2'\n\
                    [[package]]\nname='b'\nversion='1.0'\nextras=['x']\n[[package]]\nname='b'\nversion='1.0'\n";
        let versions = locked_versions(text, "pdm.lock").unwrap();
        assert_eq!(versions.keys().map(ProjectName::as_str).collect::<Vec<_>>(), ["b"]);
        assert!(locked_versions("", "poetry.lock").unwrap().is_empty());
        let odd = "[[package]]\nname='a'\n[[package]]\nname='b'\nversion='2004d-final'\n";
        assert!(locked_versions(odd, "pdm.lock").unwrap().is_empty());
        for bad in ["[[package]]\nversion='1'\n", "package=1", "x"] {
            assert!(locked_versions(bad, "poetry.lock").is_err(), "{bad}");
        }
    }
}
