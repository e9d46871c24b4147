//! A project as the distribution that it would be installed as, without building it.

use std::{fmt::Write, fs, io, path::Path};

use pinnace_wheel::Pyproject;
use toml::{Table, Value};

use crate::{Error, ErrorKind, LocalDistribution};

impl LocalDistribution {
    /// What the `[project]` table of a folder says (PEP 621): its name, what it requires, its scripts and
    /// entry points. A version that only building tells is 0. `None` for a folder without such a table, or with
    /// one of which only building would tell what it requires.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is malformed.
    pub fn of_project(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join("pyproject.toml");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::at("read", &path)(error)),
        };
        let origin = path.display().to_string();
        let Some(metadata) = Pyproject::parse(&text, &origin)?.metadata()? else { return Ok(None) };
        let table: Table = text.parse().map_err(|error: toml::de::Error| ErrorKind::Settings {
            origin,
            reason: error.to_string(),
        })?;
        let project = table.get("project").and_then(Value::as_table).cloned().unwrap_or_default();
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
        Ok(Some(Self { name, version, metadata: text, entry_points: entry_points(&project) }))
    }
}

/// An `entry_points.txt` of the tables of a project.
fn entry_points(project: &Table) -> String {
    let mut groups: Vec<(&str, &Table)> = Vec::new();
    for (key, group) in [("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")] {
        groups.extend(project.get(key).and_then(Value::as_table).map(|table| (group, table)));
    }
    let others = project.get("entry-points").and_then(Value::as_table);
    for (group, table) in others.into_iter().flatten() {
        groups.extend(table.as_table().map(|table| (group.as_str(), table)));
    }
    groups.sort_by_key(|(group, _)| *group);
    let mut text = String::new();
    for (group, table) in groups {
        let _ = writeln!(text, "[{group}]");
        for (name, target) in table.iter().filter_map(|(name, one)| Some((name, one.as_str()?))) {
            let _ = writeln!(text, "{name} = {target}");
        }
    }
    text
}
