use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// The contents of `PEX-INFO`: the metadata and settings of a PEX file. Unknown keys are preserved.
///
/// A builder computes the hashes, the distributions and [`pinnace`](Self::pinnace). All other
/// fields are settings of the user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PexInfo {
    /// Paths of files in the code or the distributions, by environment variable. At a start, each
    /// variable is set to the absolute path of its file.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bind_resource_paths: BTreeMap<String, String>,
    /// The digest of the boot code.
    pub bootstrap_hash: String,
    /// Properties of the build that the user wants to record.
    pub build_properties: BTreeMap<String, serde_json::Value>,
    /// The digest of the user code.
    pub code_hash: String,
    /// True if the distributions are stored as whole wheels.
    pub deps_are_wheel_files: bool,
    /// The digests of the distributions, by wheel file name.
    pub distributions: BTreeMap<String, String>,
    /// True if a start may print warnings.
    pub emit_warnings: bool,
    /// The module or function that the file runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<String>,
    /// Requirements that were excluded on purpose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// True if distributions that do not fit the interpreter are skipped instead of refused.
    #[serde(skip_serializing_if = "is_false")]
    pub ignore_errors: bool,
    /// True if `PEX_TOOLS=1` works.
    #[serde(skip_serializing_if = "is_false")]
    pub includes_tools: bool,
    /// The mode of inheriting `sys.path`: `false`, `prefer` or `fallback`.
    pub inherit_path: String,
    /// Arguments that are passed to the entry point before those of the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inject_args: Vec<String>,
    /// Environment variables that are set at a start unless they are already set.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inject_env: BTreeMap<String, String>,
    /// Command-line options for Python.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inject_python_args: Vec<String>,
    /// Interpreter constraints. If there are any, the interpreter must satisfy at least one.
    pub interpreter_constraints: Vec<String>,
    /// The preference among matching interpreters: `oldest` or `newest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter_selection_strategy: Option<String>,
    /// Requirements that replaced others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// The identity of the file: the key that Pinnace computes, or a hash from another tool.
    pub pex_hash: String,
    /// PEX files that are added to `sys.path` beside this one, separated by `:`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pex_path: String,
    /// The paths of `pex_path` as a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pex_paths: Vec<String>,
    /// The requirements that the user requested.
    pub requirements: Vec<String>,
    /// A script of a distribution that is not an entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// True if `PEX_*` variables are removed before user code runs.
    pub strip_pex_env: bool,
    /// True if the program sees that it runs in a virtual environment.
    #[serde(skip_serializing_if = "is_false")]
    pub venv: bool,
    /// The position of the environment's scripts in `PATH`: `false`, `prepend` or `append`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venv_bin_path: Option<String>,
    /// The settings that only Pinnace reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinnace: Option<OwnInfo>,
    /// All other keys.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// The value of the `pinnace` key of [`PexInfo`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OwnInfo {
    /// The version of the file format.
    pub format: u32,
    /// The platforms that the file was built for.
    #[serde(default)]
    pub platforms: Vec<PlatformInfo>,
    /// The bytecode archives, by wheel file name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bytecode: BTreeMap<String, BytecodeInfo>,
}

/// A platform that a file was built for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlatformInfo {
    /// The platform, as [`Target`](pinnace_wheel::Target) writes it.
    pub name: String,
    /// The name of the implementation, such as `cpython`.
    pub implementation: String,
    /// The minor version of Python, such as `3.11`.
    pub python: String,
    /// The file names of the wheels for this platform.
    pub wheels: Vec<String>,
    /// The combined `Requires-Python` of the wheels. A start checks it if the interpreter is not
    /// the one that the file was built for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub requires_python: String,
}

/// The bytecode archive of a wheel.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BytecodeInfo {
    /// The tag in the names of the bytecode files, such as `cpython-311`.
    pub python: String,
    /// The magic number in hex, by which Python recognizes bytecode of its own version.
    pub magic: String,
    /// The SHA-256 of the archive, in hex.
    pub sha256: String,
}

/// The file format that this version writes and boots.
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
    /// Parses `PEX-INFO`. A `null` value counts as absent, since older versions of the pex tool
    /// wrote such values. A boolean `inherit_path` is accepted: `false`, or `true` for `prefer`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NotPex`] if the bytes are not a JSON object of this shape.
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

    /// Returns the bytes for the file: sorted keys, no spaces, no newline.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&self.to_value()?).map_err(|error| unwritable(&error))
    }

    /// Returns all keys with their values.
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
