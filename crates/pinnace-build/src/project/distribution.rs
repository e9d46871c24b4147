//! A project as an installed distribution, without building it.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use pinnace_wheel::{Metadata, Pyproject};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::read::{read_project, read_text};
use crate::{BackendMetadata, Error, ErrorKind};

/// A project as an installed distribution (PyPA specification "Recording installed projects").
///
/// Its JSON form is a part of release manifests.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct LocalDistribution {
    /// The normalized name of the project.
    pub name: String,
    /// The version.
    pub version: String,
    /// The text of `METADATA`.
    pub metadata: String,
    /// The text of `entry_points.txt`; empty if there is none.
    pub entry_points: String,
}

impl LocalDistribution {
    /// Creates a distribution from the texts of its files.
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        metadata: impl Into<String>,
        entry_points: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            metadata: metadata.into(),
            entry_points: entry_points.into(),
        }
    }

    /// Returns the files of its `.dist-info` folder, by which `importlib.metadata` finds it: paths and texts.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let folder = format!("{}-{}.dist-info", self.name.replace('-', "_"), self.version);
        let files = [
            ("METADATA", self.metadata.as_str()),
            ("entry_points.txt", self.entry_points.as_str()),
            ("INSTALLER", "pinnace\n"),
        ];
        let written = files.into_iter().filter(|(_, text)| !text.is_empty());
        written.map(move |(name, text)| (format!("{folder}/{name}"), text))
    }

    /// Reads name, requirements, scripts and entry points of the [project](crate::read_project) in a folder. A
    /// dynamic version becomes 0. Returns `None` if the folder has no project, or its requirements are dynamic.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, or is malformed.
    pub fn of_project(folder: &Path) -> Result<Option<Self>, Error> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        let Some(metadata) = project.metadata()? else { return Ok(None) };
        let (name, version) = (metadata.name().to_string(), metadata.version().to_string());
        let mut text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        if let Some(python) = metadata.requires_python() {
            let _ = writeln!(text, "Requires-Python: {python}");
        }
        for requirement in metadata.requires() {
            let _ = writeln!(text, "Requires-Dist: {requirement}");
        }
        for extra in metadata.extras() {
            let _ = writeln!(text, "Provides-Extra: {extra}");
        }
        Ok(Some(Self {
            name,
            version,
            metadata: text,
            entry_points: entry_points(&project, &plugins(folder)?),
        }))
    }

    /// Creates a distribution from the metadata of a build backend.
    ///
    /// # Errors
    ///
    /// Returns an error if its METADATA is malformed.
    pub fn of_backend(described: &BackendMetadata) -> Result<Self, Error> {
        let metadata = Metadata::parse(described.metadata.as_bytes())?;
        Ok(Self {
            name: metadata.name().to_string(),
            version: metadata.version().to_string(),
            // The description after the headers is not needed.
            metadata: described.metadata.split("\n\n").next().unwrap_or_default().to_owned() + "\n",
            entry_points: described.entry_points.clone(),
        })
    }
}

/// Returns the entry points other than scripts: `[project.entry-points]` (PEP 621), else `[tool.poetry.plugins]`.
fn plugins(folder: &Path) -> Result<Table, Error> {
    let path = folder.join("pyproject.toml");
    let text = read_text(&path)?.unwrap_or_default();
    let table: Table = text.parse().map_err(|error: toml::de::Error| ErrorKind::Settings {
        origin: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let own = table.get("project").and_then(|project| project.get("entry-points"));
    let poetry = || table.get("tool")?.get("poetry")?.get("plugins");
    Ok(own.or_else(poetry).and_then(Value::as_table).cloned().unwrap_or_default())
}

/// Returns the text of an `entry_points.txt`.
fn entry_points(project: &Pyproject, plugins: &Table) -> String {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    groups.insert("console_scripts", project.scripts().collect());
    for (group, table) in plugins {
        let Some(table) = table.as_table() else { continue };
        let points =
            table.iter().filter_map(|(name, point)| Some((name.as_str(), point.as_str()?)));
        groups.entry(group).or_default().extend(points);
    }
    let mut text = String::new();
    for (group, points) in groups.iter().filter(|(_, points)| !points.is_empty()) {
        let _ = writeln!(text, "[{group}]");
        for (name, target) in points {
            let _ = writeln!(text, "{name} = {target}");
        }
    }
    text
}
