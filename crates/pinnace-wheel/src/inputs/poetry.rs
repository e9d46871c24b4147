//! The translation of `[tool.poetry]` to the standard tables of a project.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::tables::{Project, Tables};

/// Poetry's table, as far as it concerns requirements and scripts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Poetry {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    dev_dependencies: BTreeMap<String, Value>,
    #[serde(default)]
    group: BTreeMap<String, Group>,
    #[serde(default)]
    extras: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    scripts: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Group {
    #[serde(default)]
    dependencies: BTreeMap<String, Value>,
}

impl Poetry {
    /// Translates the table to a `[project]` with groups. Dependencies that do not come from an
    /// index get a source.
    pub(super) fn tables(&self) -> Result<Tables, String> {
        let mut tables = Tables::default();
        let mut project = Project {
            // A project that is not a package need not have a name.
            name: self.name.clone().unwrap_or_else(|| "project".to_owned()),
            version: self.version.clone(),
            ..Project::default()
        };
        for (name, value) in &self.dependencies {
            if name == "python" {
                let text = value.as_str().ok_or("`python` must be a text")?;
                project.requires_python = Some(specifiers(text)?).filter(|text| !text.is_empty());
                continue;
            }
            let requirements = requirements(name, value, &mut tables.sources)?;
            if is_optional(value) {
                self.add_to_extras(name, &requirements, &mut project);
            } else {
                project.dependencies.extend(requirements);
            }
        }
        for (name, script) in &self.scripts {
            let target = script.as_str().or_else(|| script.get("reference")?.as_str());
            project.scripts.extend(target.map(|target| (name.clone(), target.to_owned())));
        }
        tables.project = Some(project);
        let dev = [("dev", &self.dev_dependencies)].into_iter();
        let groups = self.group.iter().map(|(name, group)| (name.as_str(), &group.dependencies));
        for (name, dependencies) in dev.chain(groups).filter(|(_, some)| !some.is_empty()) {
            let group = tables.groups.entry(name.to_owned()).or_default();
            for (name, value) in dependencies {
                let requirements = requirements(name, value, &mut tables.sources)?;
                group.extend(requirements.into_iter().map(Value::from));
            }
        }
        Ok(tables)
    }

    fn add_to_extras(&self, name: &str, requirements: &[String], project: &mut Project) {
        for (extra, _) in self
            .extras
            .iter()
            .filter(|(_, names)| names.iter().any(|dependency| dependency == name))
        {
            let extra = project.optional_dependencies.entry(extra.clone()).or_default();
            extra.extend(requirements.iter().cloned());
        }
    }
}

fn is_optional(value: &Value) -> bool {
    value.get("optional").and_then(Value::as_bool) == Some(true)
}

/// Returns the requirements of a dependency: one, or several for different platforms.
fn requirements(
    name: &str,
    value: &Value,
    sources: &mut BTreeMap<String, Value>,
) -> Result<Vec<String>, String> {
    match value {
        Value::String(version) => Ok(vec![join(name, "", &specifiers(version)?, &[])]),
        Value::Array(values) => {
            let each = values.iter().map(|value| requirements(name, value, sources));
            Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Table(table) => {
            let text = |key: &str| table.get(key).and_then(Value::as_str);
            let found = ["git", "url", "path"].into_iter().find_map(|key| Some((key, text(key)?)));
            if let Some((key, at)) = found {
                let source = toml::Table::from_iter([(key.to_owned(), at.into())]);
                sources.insert(name.to_owned(), source.into());
            }
            let extras = table.get("extras").and_then(Value::as_array);
            let extras = extras.into_iter().flatten().filter_map(Value::as_str);
            let extras = extras.collect::<Vec<_>>().join(",");
            let mut markers = Vec::new();
            markers.extend(text("markers").map(|marker| format!("({marker})")));
            if let Some(python) = text("python") {
                markers.extend(python_markers(&specifiers(python)?));
            }
            markers
                .extend(text("platform").map(|platform| format!("sys_platform == '{platform}'")));
            let version = specifiers(text("version").unwrap_or("*"))?;
            Ok(vec![join(name, &extras, &version, &markers)])
        }
        _ => Err(format!("`{name}` is neither a version nor a table")),
    }
}

fn join(name: &str, extras: &str, version: &str, markers: &[String]) -> String {
    let extras = if extras.is_empty() { String::new() } else { format!("[{extras}]") };
    match markers {
        [] => format!("{name}{extras}{version}"),
        markers => format!("{name}{extras}{version} ; {}", markers.join(" and ")),
    }
}

/// Translates a range of Python versions to markers.
fn python_markers(specifiers: &str) -> Vec<String> {
    let clauses = specifiers.split(',').filter(|clause| !clause.is_empty());
    let marker = |clause: &str| {
        let at = clause.find(|symbol: char| symbol.is_ascii_digit()).unwrap_or(clause.len());
        let (operator, version) = clause.split_at(at);
        let version = version.trim_end_matches(".*");
        let variable = match version.split('.').count() {
            0..=2 => "python_version",
            _ => "python_full_version",
        };
        format!("{variable} {operator} '{version}'")
    };
    clauses.map(marker).collect()
}

/// Translates a constraint of Poetry to version specifiers (PEP 440).
fn specifiers(text: &str) -> Result<String, String> {
    if text.contains('|') {
        return Err(format!(
            "`{text}` combines several ranges, which a requirement cannot express"
        ));
    }
    let text = text.replace(',', " ");
    // A blank may separate an operator from its version.
    let mut clauses: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match clauses.last_mut() {
            Some(last)
                if !last.ends_with(|symbol: char| symbol.is_alphanumeric() || symbol == '*') =>
            {
                last.push_str(word);
            }
            _ => clauses.push(word.to_owned()),
        }
    }
    let clauses: Vec<String> = clauses.iter().map(|text| clause(text)).collect::<Result<_, _>>()?;
    Ok(clauses.into_iter().filter(|clause| !clause.is_empty()).collect::<Vec<_>>().join(","))
}

fn clause(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(String::new());
    }
    if let Some(version) = text.strip_prefix('^') {
        let release = release(version)?;
        // The bound is the next change of the first number that is not zero.
        let at = release.iter().position(|number| *number > 0).unwrap_or(release.len() - 1);
        return Ok(format!(">={version},<{}", next(&release, at)));
    }
    if let Some(version) = text.strip_prefix('~').filter(|version| !version.starts_with('=')) {
        let release = release(version)?;
        return Ok(format!(">={version},<{}", next(&release, 1.min(release.len() - 1))));
    }
    let is_bare = text.starts_with(|symbol: char| symbol.is_ascii_digit());
    Ok(if is_bare { format!("=={text}") } else { text.to_owned() })
}

/// Returns the numbers of a version, without the rest.
fn release(version: &str) -> Result<Vec<u64>, String> {
    let end = version.find(|symbol: char| !(symbol.is_ascii_digit() || symbol == '.'));
    let numbers = version[..end.unwrap_or(version.len())].trim_end_matches('.').split('.');
    let numbers = numbers.map(str::parse).collect::<Result<Vec<u64>, _>>();
    numbers.map_err(|_| format!("invalid version `{version}`"))
}

fn next(release: &[u64], at: usize) -> String {
    let numbers = release.iter().enumerate().take(at + 1);
    let numbers = numbers.map(|(place, number)| number + u64::from(place == at));
    numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::specifiers;

    /// Checks the examples of Poetry's documentation, "Dependency specification".
    #[test]
    fn constraints_are_what_poetry_says_that_they_are() {
        for (poetry, expected) in [
            ("^1.2.3", ">=1.2.3,<2"),
            ("^1.2", ">=1.2,<2"),
            ("^1", ">=1,<2"),
            ("^0.2.3", ">=0.2.3,<0.3"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0.0", ">=0.0,<0.1"),
            ("^0", ">=0,<1"),
            ("~1.2.3", ">=1.2.3,<1.3"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2"),
            ("^2.0b1", ">=2.0b1,<3"),
            ("*", ""),
            ("1.*", "==1.*"),
            ("1.2.3", "==1.2.3"),
            ("==1.2.3", "==1.2.3"),
            (">= 1.2, < 1.5", ">=1.2,<1.5"),
            (">=1.2 <1.5", ">=1.2,<1.5"),
            ("~=1.2", "~=1.2"),
            ("!=1.3", "!=1.3"),
        ] {
            assert_eq!(specifiers(poetry).as_deref(), Ok(expected), "{poetry}");
        }
        for bad in ["^1 || ^2", "^x", "~"] {
            assert!(specifiers(bad).is_err(), "{bad}");
        }
    }
}
