//! The parts of a `pyproject.toml` that are read, in the form that they have there.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::{poetry::Poetry, tables::Project};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Document {
    pub(super) project: Option<Project>,
    #[serde(default)]
    pub(super) dependency_groups: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    pub(super) tool: Tool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Tool {
    #[serde(default)]
    pub(super) uv: Uv,
    pub(super) poetry: Option<Poetry>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Uv {
    #[serde(default)]
    pub(super) index: Vec<UvIndex>,
    #[serde(default)]
    pub(super) sources: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) constraint_dependencies: Vec<String>,
    #[serde(default)]
    pub(super) override_dependencies: Vec<String>,
    #[serde(default)]
    pub(super) exclude_dependencies: Vec<String>,
    pub(super) workspace: Option<Workspace>,
}

/// The folders of a workspace's members, as patterns (`[tool.uv.workspace]`).
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct Workspace {
    /// The patterns of member folders.
    #[serde(default)]
    pub members: Vec<String>,
    /// The patterns of folders that are not members, although `members` matches them.
    #[serde(default)]
    pub exclude: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct UvIndex {
    pub(super) name: Option<String>,
    pub(super) url: String,
    #[serde(default)]
    pub(super) explicit: bool,
    #[serde(default)]
    pub(super) default: bool,
}
