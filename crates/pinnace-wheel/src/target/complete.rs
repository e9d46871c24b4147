//! Complete platforms, in the format of `pex3 interpreter inspect --markers --tags`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Assumption, Target};
use crate::{Error, MarkerEnvironment, MarkerVariable, Tag, Tags, Version};

#[derive(Deserialize)]
struct Complete {
    marker_environment: BTreeMap<String, Option<String>>,
    compatible_tags: Vec<String>,
}

/// The largest number of tags that is accepted. No interpreter has this many.
const MOST_TAGS: usize = 100_000;

impl Target {
    /// Reads a complete platform: a JSON object with `marker_environment` and `compatible_tags`. A
    /// missing variable has no value. The only exception is the full version of Python: it is
    /// `X.Y.0` if the object has only `python_version`.
    ///
    /// ```
    /// use pinnace_wheel::Target;
    ///
    /// let target = Target::from_complete_platform(
    ///     r#"{
    ///         "marker_environment": {"python_full_version": "3.12.4", "python_version": "3.12"},
    ///         "compatible_tags": ["cp312-cp312-manylinux_2_28_x86_64", "py3-none-any"]
    ///     }"#,
    /// )?;
    /// assert_eq!(target.to_string(), "manylinux_2_28_x86_64-cp312-cp312");
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text is not such an object, or
    /// if it lacks the Python version or tags.
    pub fn from_complete_platform(json: &str) -> Result<Self, Error> {
        let shown: String = json.chars().take(40).collect();
        let refuse = |reason: &str| Error::parse("complete platform", &shown, reason);
        let complete: Complete =
            serde_json::from_str(json).map_err(|error| refuse(&error.to_string()))?;
        if complete.compatible_tags.len() > MOST_TAGS {
            return Err(refuse("it has too many tags"));
        }
        let tags: Vec<Tag> =
            complete.compatible_tags.iter().map(|tag| tag.parse()).collect::<Result<_, _>>()?;
        let Some(best) = tags.iter().find(|tag| !tag.platform().starts_with("linux_")) else {
            return Err(refuse("no tag in `compatible_tags` names a system"));
        };
        let label = format!("{}-{}-{}", best.platform(), best.python(), best.abi());
        let mut markers = MarkerEnvironment::default();
        for (name, value) in &complete.marker_environment {
            if let (Some(variable), Some(value)) = (MarkerVariable::of(name), value) {
                markers = markers.with(variable, value);
            }
        }
        let full = markers.get(MarkerVariable::PythonFullVersion).map(str::to_owned);
        let short = markers.get(MarkerVariable::PythonVersion).map(|short| format!("{short}.0"));
        let is_assumed = full.is_none();
        let python: Version =
            full.or(short).ok_or_else(|| refuse("`python_full_version` is missing"))?.parse()?;
        Self::check_version(&python)?;
        let assumed = is_assumed.then(|| Assumption::PatchLevel(python.clone()));
        // Markers see a release candidate of 3.13 as 3.13.
        let markers =
            markers.with(MarkerVariable::PythonFullVersion, &python.only_release().to_string());
        Ok(Self {
            python,
            tags: Tags::new(tags),
            markers,
            label,
            assumptions: assumed.into_iter().collect(),
        })
    }
}
