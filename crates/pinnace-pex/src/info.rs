use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// `PEX-INFO`: what a PEX file says about itself. Keys that are not listed here are kept.
///
/// What a builder computes (hashes, distributions, [`pinnace`](Self::pinnace)) it fills in itself;
/// the rest is its user's to set.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PexInfo {
    /// Paths of files in the code or the distributions, by the variable that is set to where they
    /// are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bind_resource_paths: BTreeMap<String, String>,
    /// The digest of the boot code.
    pub bootstrap_hash: String,
    /// What the user wants to know later of how it was built.
    pub build_properties: BTreeMap<String, serde_json::Value>,
    /// The digest of the user code.
    pub code_hash: String,
    /// Whether distributions are whole wheels.
    pub deps_are_wheel_files: bool,
    /// The distributions, by wheel file name, with their digests.
    pub distributions: BTreeMap<String, String>,
    /// Whether a start may say what it finds odd.
    pub emit_warnings: bool,
    /// What is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    /// Requirements that were left out on purpose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Whether distributions that do not fit are passed over instead of refused.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_errors: bool,
    /// Whether `PEX_TOOLS=1` works.
    #[serde(skip_serializing_if = "is_false")]
    pub includes_tools: bool,
    /// `false`, `prefer` or `fallback`.
    pub inherit_path: String,
    /// Arguments that come before those of the user, where the entry point runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inject_args: Vec<String>,
    /// Variables that are set where the environment does not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inject_env: BTreeMap<String, String>,
    /// Options of Python.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inject_python_args: Vec<String>,
    /// Which interpreters may run it; one of these must hold, if there are any.
    pub interpreter_constraints: Vec<String>,
    /// Which of those that may: `oldest` or `newest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter_selection_strategy: Option<String>,
    /// Requirements that took the place of others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// The identity of the file: our key, or what another tool put there.
    pub pex_hash: String,
    /// Files that are seen together with this one, separated by `:`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pex_path: String,
    /// The same, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pex_paths: Vec<String>,
    /// What was asked for.
    pub requirements: Vec<String>,
    /// A script that is no entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// Whether `PEX_*` variables are removed before user code runs.
    pub strip_pex_env: bool,
    /// Whether the program is to know that it runs in a virtual environment.
    #[serde(skip_serializing_if = "is_false")]
    pub venv: bool,
    /// Where its scripts go in `PATH`: `false`, `prepend` or `append`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venv_bin_path: Option<String>,
    /// What only Pinnace reads.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// The platforms that it was built for.
    #[serde(default)]
    pub platforms: Vec<PlatformInfo>,
    /// The archives of bytecode, by wheel file name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bytecode: BTreeMap<String, BytecodeInfo>,
}

/// A platform that a file was built for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlatformInfo {
    /// The platform, as [`Target`](pinnace_wheel::Target) writes it.
    pub name: String,
    /// The implementation, as in `cpython`.
    pub implementation: String,
    /// The version, as in `3.11`.
    pub python: String,
    /// The wheels for it.
    pub wheels: Vec<String>,
    /// What all of them together say of Python, for starts by another than it was built for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub requires_python: String,
}

/// The bytecode of a wheel's modules.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BytecodeInfo {
    /// The tag in the names of its files, as in `cpython-311`.
    pub python: String,
    /// The magic number that Python tells bytecode of other versions by, in hex.
    pub magic: String,
    /// The SHA-256 of the archive, in hex.
    pub sha256: String,
}

/// The format that this version writes, and knows how to boot.
pub(crate) const FORMAT: u32 = 1;

impl Default for PexInfo {
    fn default() -> Self {
        Self {
            bind_resource_paths: BTreeMap::new(),
            bootstrap_hash: String::new(),
            build_properties: BTreeMap::new(),
            code_hash: String::new(),
            deps_are_wheel_files: false,
            distributions: BTreeMap::new(),
            emit_warnings: true,
            entry_point: None,
            excluded: Vec::new(),
            ignore_errors: false,
            includes_tools: false,
            inherit_path: "false".to_owned(),
            inject_args: Vec::new(),
            inject_env: BTreeMap::new(),
            inject_python_args: Vec::new(),
            interpreter_constraints: Vec::new(),
            interpreter_selection_strategy: None,
            overridden: Vec::new(),
            pex_hash: String::new(),
            pex_path: String::new(),
            pex_paths: Vec::new(),
            requirements: Vec::new(),
            script: None,
            strip_pex_env: true,
            venv: false,
            venv_bin_path: None,
            pinnace: None,
            other: BTreeMap::new(),
        }
    }
}

impl PexInfo {
    /// Reads it. What is `null` counts as left out, as older versions of the pex tool wrote it, and so
    /// does an `inherit_path` of `false`.
    ///
    /// # Errors
    ///
    /// If it is no JSON object of that shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |error: serde_json::Error| {
            let reason = format!("its PEX-INFO: {error}");
            Error::from(ErrorKind::NotPex { reason })
        };
        let mut value: serde_json::Value = serde_json::from_slice(bytes).map_err(refuse)?;
        if let Some(keys) = value.as_object_mut() {
            keys.retain(|_, value| !value.is_null());
            if let Some(flag) = keys.get("inherit_path").and_then(serde_json::Value::as_bool) {
                let text = if flag { "prefer" } else { "false" };
                keys.insert("inherit_path".to_owned(), text.into());
            }
        }
        serde_json::from_value(value).map_err(refuse)
    }

    /// As it stands in the file: sorted keys, no spaces, no newline.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&self.to_value()?).map_err(|error| unwritable(&error))
    }

    /// All keys with their values.
    pub(crate) fn to_value(&self) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
        match serde_json::to_value(self).map_err(|error| unwritable(&error))? {
            serde_json::Value::Object(keys) => Ok(keys),
            _ => Ok(serde_json::Map::new()),
        }
    }
}

fn unwritable(error: &serde_json::Error) -> Error {
    ErrorKind::NotPex { reason: error.to_string() }.into()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
