use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::{Error, Pex, PexDistribution, read::boot_digest};

/// The differences between two PEX files, apart from their location and packing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PexDiff {
    /// Changed distributions, by project.
    pub distributions: Vec<(String, DistributionChange)>,
    /// Changed files of user code, by path.
    pub code: Vec<(String, FileChange)>,
    /// Changed keys of `PEX-INFO` that a user sets, each with the old and the new value.
    pub settings: Vec<(String, Option<Value>, Option<Value>)>,
    /// The old and the new first line, if they differ.
    pub shebang: Option<(String, String)>,
    /// True if only one file holds bytecode of the wheels, or if it is bytecode of different
    /// Pythons.
    pub bytecode: bool,
    /// True if the two files have different boot code.
    pub boot: bool,
}

/// A change of one distribution.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DistributionChange {
    /// The distribution is new, with these wheels.
    Added(Vec<String>),
    /// The distribution was removed; it had these wheels.
    Removed(Vec<String>),
    /// The version changed.
    Version {
        /// The old version.
        from: String,
        /// The new version.
        to: String,
    },
    /// The version is unchanged, but the wheels are different.
    Wheels {
        /// The old wheels.
        from: Vec<String>,
        /// The new wheels.
        to: Vec<String>,
    },
    /// The wheels have equal names, but install different files.
    Contents,
    /// The distribution installs equal files, but is stored in a different form.
    Form,
}

/// A change of one file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FileChange {
    /// The file is new.
    Added,
    /// The file was removed.
    Removed,
    /// The contents changed.
    Changed,
    /// Only the executable bit changed.
    Mode,
}

impl Pex {
    /// Compares this file with `other`, which counts as the newer one.
    ///
    /// # Errors
    ///
    /// Returns an error if either file cannot be read.
    pub fn diff(&self, other: &Self) -> Result<PexDiff, Error> {
        let shebangs = (self.shebang().to_owned(), other.shebang().to_owned());
        Ok(PexDiff {
            distributions: distributions(self, other)?,
            code: code(self, other)?,
            settings: settings(self, other)?,
            shebang: Some(shebangs).filter(|(old, new)| old != new),
            bytecode: bytecode(self) != bytecode(other),
            boot: boot_digest(self)? != boot_digest(other)?,
        })
    }
}

fn distributions(old: &Pex, new: &Pex) -> Result<Vec<(String, DistributionChange)>, Error> {
    let (old, new) = (by_project(old), by_project(new));
    let projects: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let mut changes = Vec::new();
    for project in projects {
        let change = match (old.get(project), new.get(project)) {
            (Some(old), Some(new)) => change(old, new)?,
            (Some(old), None) => Some(DistributionChange::Removed(names(old))),
            (None, Some(new)) => Some(DistributionChange::Added(names(new))),
            (None, None) => None,
        };
        changes.extend(change.map(|change| (project.to_owned(), change)));
    }
    Ok(changes)
}

fn change(
    old: &[&PexDistribution],
    new: &[&PexDistribution],
) -> Result<Option<DistributionChange>, Error> {
    let versions = |all: &[&PexDistribution]| -> String {
        let all: BTreeSet<String> =
            all.iter().map(|distribution| distribution.name().version().to_string()).collect();
        all.into_iter().collect::<Vec<_>>().join(" and ")
    };
    let (from, to) = (versions(old), versions(new));
    if from != to {
        return Ok(Some(DistributionChange::Version { from, to }));
    }
    if names(old) != names(new) {
        return Ok(Some(DistributionChange::Wheels { from: names(old), to: names(new) }));
    }
    for (old, new) in old.iter().zip(new) {
        let marks = old.marks();
        if old.recorded() == new.recorded() && !marks.is_empty() && marks == new.marks() {
            continue;
        }
        if old.distribution()?.id() != new.distribution()?.id() {
            return Ok(Some(DistributionChange::Contents));
        }
        if old.form() != new.form() {
            return Ok(Some(DistributionChange::Form));
        }
    }
    Ok(None)
}

/// Returns the Python of the bytecode of each wheel.
fn bytecode(pex: &Pex) -> BTreeMap<&str, &str> {
    let own = pex.info().pinnace.iter().flat_map(|own| &own.bytecode);
    own.map(|(wheel, info)| (wheel.as_str(), info.python.as_str())).collect()
}

fn by_project(pex: &Pex) -> BTreeMap<&str, Vec<&PexDistribution>> {
    let mut found: BTreeMap<&str, Vec<&PexDistribution>> = BTreeMap::new();
    for distribution in pex.distributions() {
        found.entry(distribution.name().project().as_str()).or_default().push(distribution);
    }
    found
}

fn names(all: &[&PexDistribution]) -> Vec<String> {
    all.iter().map(|distribution| distribution.name().to_string()).collect()
}

fn code(old: &Pex, new: &Pex) -> Result<Vec<(String, FileChange)>, Error> {
    let [before, after] = [old, new].map(Pex::code_digests);
    let (mut before, mut after) = (before?, after?);
    // Bytecode is derived from the modules, so it is not compared.
    before.retain(|path, _| !path.ends_with(".pyc"));
    after.retain(|path, _| !path.ends_with(".pyc"));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = paths.into_iter().filter_map(|path| {
        let change = match (before.get(path), after.get(path)) {
            (None, _) => FileChange::Added,
            (_, None) => FileChange::Removed,
            (Some((_, old)), Some((_, new))) if old != new => FileChange::Changed,
            (old, new) if old != new => FileChange::Mode,
            _ => return None,
        };
        Some((path.clone(), change))
    });
    Ok(changes.collect())
}

/// Keys that are computed from the rest of a file, or by the tool that wrote it.
const COMPUTED: [&str; 7] = [
    "bootstrap_hash",
    "code_hash",
    "deps_are_wheel_files",
    "distributions",
    "pex_hash",
    "pex_paths",
    "pinnace",
];

type Setting = (String, Option<Value>, Option<Value>);

/// Returns the keys of `PEX-INFO` that a user sets and that differ.
pub(crate) fn settings(old: &Pex, new: &Pex) -> Result<Vec<Setting>, Error> {
    let [old, new] = [old, new].map(|pex| {
        let mut info = pex.info().clone();
        // The tool writes this property, not the user.
        info.build_properties.remove("pex_version");
        info.to_value()
    });
    let (old, new) = (old?, new?);
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = keys.into_iter().filter(|key| !COMPUTED.contains(&key.as_str()));
    let changed = changed.filter(|key| set(key, old.get(*key)) != set(key, new.get(*key)));
    Ok(changed.map(|key| (key.clone(), old.get(key).cloned(), new.get(key).cloned())).collect())
}

/// Returns the value that the pex tool writes by default. Other keys default to empty or false.
fn default(key: &str) -> Option<Value> {
    match key {
        "emit_warnings" | "strip_pex_env" | "venv_hermetic_scripts" => Some(true.into()),
        "interpreter_selection_strategy" => Some("oldest".into()),
        "max_install_jobs" => Some(1.into()),
        _ => None,
    }
}

/// Returns a value if it differs from the default.
pub(crate) fn set<'v>(key: &str, value: Option<&'v Value>) -> Option<&'v Value> {
    let default = default(key);
    value.filter(|value| match (value, &default) {
        (Value::Null, _) => false,
        (value, Some(default)) => *value != default,
        (Value::Bool(value), None) => *value,
        (Value::String(text), None) => !text.is_empty() && text != "false",
        (Value::Array(list), None) => !list.is_empty(),
        (Value::Object(keys), None) => !keys.is_empty(),
        (Value::Number(_), None) => true,
    })
}

impl PexDiff {
    /// Returns true if nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Writes the differences as one sentence.
impl fmt::Display for PexDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = describe_distributions(&self.distributions);
        parts.extend(describe_code(&self.code));
        for (key, old, new) in &self.settings {
            parts.push(format!("{key} is {} instead of {}", shown(new), shown(old)));
        }
        if let Some((old, new)) = &self.shebang {
            parts.push(format!("it starts with `#!{new}` instead of `#!{old}`"));
        }
        if self.bytecode {
            parts.push("their bytecode differs, or only one has bytecode".to_owned());
        }
        if self.boot {
            parts.push("its boot code differs".to_owned());
        }
        if parts.is_empty() {
            f.write_str("nothing differs")
        } else {
            f.write_str(&parts.join("; "))
        }
    }
}

fn shown(value: &Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
        None => "not set".to_owned(),
    }
}

/// Describes all changed distributions, grouped by the kind of change.
fn describe_distributions(changes: &[(String, DistributionChange)]) -> Vec<String> {
    let described: Vec<(&str, String)> =
        changes.iter().map(|(project, change)| describe_change(project, change)).collect();
    let grouped = KINDS.iter().filter_map(|kind| {
        let of_kind = described.iter().filter(|(known, _)| known == kind);
        let list: Vec<&str> = of_kind.map(|(_, text)| text.as_str()).collect();
        (!list.is_empty()).then(|| format!("{kind}{}", list.join(", ")))
    });
    grouped.collect()
}

/// The kinds of change, in the order of the description.
const KINDS: [&str; 6] = [
    "",
    "new: ",
    "gone: ",
    "in other wheels: ",
    "with other files in wheels of the same names: ",
    "held in another form: ",
];

fn describe_change(project: &str, change: &DistributionChange) -> (&'static str, String) {
    let [version, added, removed, wheels, contents, form] = KINDS;
    match change {
        DistributionChange::Version { from, to } => (version, format!("{project} {from} -> {to}")),
        DistributionChange::Added(names) => (added, format!("{project}{}", version_of(names))),
        DistributionChange::Removed(names) => (removed, format!("{project}{}", version_of(names))),
        DistributionChange::Wheels { from, to } => {
            (wheels, format!("{} instead of {}", to.join(" and "), from.join(" and ")))
        }
        DistributionChange::Contents => (contents, project.to_owned()),
        DistributionChange::Form => (form, project.to_owned()),
    }
}

/// Returns the version from the name of the first wheel.
fn version_of(wheels: &[String]) -> String {
    let version = wheels.first().and_then(|wheel| wheel.split('-').nth(1));
    version.map_or_else(String::new, |version| format!(" {version}"))
}

/// The number of paths that are listed individually.
const NAMED: usize = 3;

fn describe_code(code: &[(String, FileChange)]) -> Option<String> {
    let named = code.iter().take(NAMED).map(|(path, change)| {
        let difference = match change {
            FileChange::Added => "new",
            FileChange::Removed => "gone",
            FileChange::Changed => "changed",
            FileChange::Mode => "executable in one of them only",
        };
        format!("`{path}` is {difference}")
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match code.len() {
        0 => None,
        count if count <= NAMED => Some(named),
        count => Some(format!("{named}, and {} more files of code differ", count - NAMED)),
    }
}
