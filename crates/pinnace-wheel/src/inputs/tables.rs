//! The standard tables of a project, which other tools' files are translated to.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

/// The `[project]` table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Project {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) requires_python: Option<String>,
    #[serde(default)]
    pub(super) dependencies: Vec<String>,
    #[serde(default)]
    pub(super) optional_dependencies: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) dynamic: Vec<String>,
    #[serde(default)]
    pub(super) scripts: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) gui_scripts: BTreeMap<String, String>,
}

/// The standard tables that another tool's file is translated to.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) project: Option<Project>,
    pub(super) groups: BTreeMap<String, Vec<Value>>,
    /// The sources of projects, in the form of `[tool.uv.sources]`.
    pub(super) sources: BTreeMap<String, Value>,
}
