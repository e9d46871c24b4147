//! A project as the distribution that it would be installed as, without building it.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use pinnace_wheel::{Metadata, Pyproject};
use toml::{Table, Value};

use crate::{
    Described, Error, ErrorKind, LocalDistribution,
    project::{read, read_project},
};

impl LocalDistribution {
    /// The files by which `importlib.metadata` finds it, by their paths beside its modules.
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

    /// What the [project](crate::read_project) in a folder says: its name, what it requires, its scripts and entry
    /// points. A version that only building tells is 0. `None` for a folder without a project, or with one of which
    /// only building would tell what it requires.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or is malformed.
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
}

impl LocalDistribution {
    /// The same of a project that its backend described.
    ///
    /// # Errors
    ///
    /// If its METADATA is none.
    pub fn described(described: &Described) -> Result<Self, Error> {
        let metadata = Metadata::parse(described.metadata.as_bytes())?;
        Ok(Self {
            name: metadata.name().to_string(),
            version: metadata.version().to_string(),
            // What follows the headers is for people.
            metadata: described.metadata.split("\n\n").next().unwrap_or_default().to_owned() + "\n",
            entry_points: described.entry_points.clone(),
        })
    }
}

/// The entry points besides scripts: `[project.entry-points]` (PEP 621), and `[tool.poetry.plugins]`.
fn plugins(folder: &Path) -> Result<Table, Error> {
    let path = folder.join("pyproject.toml");
    let text = read(&path)?.unwrap_or_default();
    let table: Table = text.parse().map_err(|error: toml::de::Error| ErrorKind::Settings {
        origin: path.display().to_string(),
        reason: error.to_string(),
    })?;
    let own = table.get("project").and_then(|project| project.get("entry-points"));
    let poetry = || table.get("tool")?.get("poetry")?.get("plugins");
    Ok(own.or_else(poetry).and_then(Value::as_table).cloned().unwrap_or_default())
}

/// An `entry_points.txt`.
fn entry_points(project: &Pyproject, plugins: &Table) -> String {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    groups.insert("console_scripts", project.scripts().collect());
    for (group, table) in plugins.iter().filter_map(|(group, one)| Some((group, one.as_table()?))) {
        let points = table.iter().filter_map(|(name, one)| Some((name.as_str(), one.as_str()?)));
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
