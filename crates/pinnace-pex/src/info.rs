use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// `PEX-INFO`: what a PEX file says about itself. Keys that are not listed here are kept.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PexInfo {
    /// The digest of the boot code.
    #[serde(default)]
    pub bootstrap_hash: String,
    /// The digest of the user code.
    #[serde(default)]
    pub code_hash: String,
    /// Whether distributions are whole wheels.
    #[serde(default)]
    pub deps_are_wheel_files: bool,
    /// The distributions, by wheel file name, with their digests.
    #[serde(default)]
    pub distributions: BTreeMap<String, String>,
    /// What is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    /// Which interpreters may run it.
    #[serde(default)]
    pub interpreter_constraints: Vec<String>,
    /// The identity of the file: our key, or what another tool put there.
    #[serde(default)]
    pub pex_hash: String,
    /// What was asked for.
    #[serde(default)]
    pub requirements: Vec<String>,
    /// A script that is no entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// What only Pinnace reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinnace: Option<OwnInfo>,
    /// All other keys.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// The `pinnace` key of [`PexInfo`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OwnInfo {
    /// The version of the file's format.
    pub format: u32,
    /// The platform that it was built for.
    pub platform: String,
}

/// The format that this version writes, and knows how to boot.
pub(crate) const FORMAT: u32 = 1;

impl PexInfo {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// If it is no JSON object of that shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes)
            .map_err(|error| ErrorKind::NotPex { reason: format!("its PEX-INFO: {error}") }.into())
    }

    /// As it stands in the file: sorted keys, no spaces, no newline.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let sorted = serde_json::to_value(self).and_then(|value| serde_json::to_vec(&value));
        sorted.map_err(|error| ErrorKind::NotPex { reason: error.to_string() }.into())
    }

    pub(crate) fn new(platform: &str) -> Self {
        Self {
            deps_are_wheel_files: true,
            pinnace: Some(OwnInfo { format: FORMAT, platform: platform.to_owned() }),
            // The pex tool reads these; the version is that of no tool, so that no release of one
            // changes the bytes.
            other: BTreeMap::from([
                ("build_properties".to_owned(), serde_json::json!({})),
                ("emit_warnings".to_owned(), true.into()),
                ("inherit_path".to_owned(), "false".into()),
                ("strip_pex_env".to_owned(), true.into()),
            ]),
            ..Self::default()
        }
    }
}
