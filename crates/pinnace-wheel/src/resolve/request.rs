use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    Formats, Inputs, Metadata, Named, ProjectName, Requirement, Version, error::without_secrets,
};

/// A request to the resolver: requirements, and the rules that decide which files can be used.
///
/// ```
/// use pinnace_wheel::{Formats, Request};
///
/// let request = Request::new(["dagster<2".parse()?, "pandas".parse()?])
///     .constrain("numpy<2".parse()?, None)
///     .with_only_binary(":all:".parse()?);
/// assert_eq!(request.requirements().count(), 2);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub(super) requirements: Vec<RequestEntry>,
    pub(super) constraints: Vec<RequestEntry>,
    pub(super) overrides: BTreeMap<ProjectName, Vec<Requirement>>,
    pub(super) excludes: BTreeSet<ProjectName>,
    pub(super) locals: BTreeMap<ProjectName, Local>,
    pub(super) preferences: BTreeMap<ProjectName, Version>,
    pub(super) prereleases: Prereleases,
    pub(super) dependencies: Dependencies,
    pub(crate) files: FileRules,
}

/// An entry of a request: a requirement or constraint with its origin.
#[derive(Clone, Debug)]
pub(super) struct RequestEntry {
    pub(super) requirement: Requirement,
    pub(super) origin: Option<Box<str>>,
}

impl RequestEntry {
    /// Formats the entry like `Display`, but with the requirement in backticks.
    fn quoted(&self) -> String {
        let origin = self.origin.iter().map(|origin| format!(" ({origin})"));
        format!("`{}`{}", self.shown(), origin.collect::<String>())
    }

    fn shown(&self) -> String {
        without_secrets(&self.requirement.to_string())
    }
}

impl fmt::Display for RequestEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{} ({origin})", self.shown()),
            None => f.write_str(&self.shown()),
        }
    }
}

/// A local project, whose code is on this machine. It satisfies requirements on it and adds its
/// own.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) metadata: Metadata,
    pub(super) path: Box<str>,
}

/// A policy that says when pre-releases are candidates.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Prereleases {
    /// Only if no stable release is left.
    #[default]
    IfNecessary,
    /// Always, like stable releases.
    Allowed,
}

/// A policy for the dependencies of chosen projects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dependencies {
    /// The resolver follows them.
    #[default]
    Followed,
    /// The resolver chooses only projects that the request names. Local projects still bring their
    /// dependencies.
    Ignored,
}

/// The rules for which files of a release can be used, apart from their tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileRules {
    pub(crate) only_binary: Formats,
    pub(crate) no_binary: Formats,
    pub(crate) exclude_newer: Option<u64>,
    pub(crate) hashes: Hashes,
}

/// The allowed files of each project, by SHA-256.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hashes {
    pub(crate) allowed: BTreeMap<ProjectName, BTreeSet<[u8; 32]>>,
    pub(crate) required: bool,
}

/// Formats a requirement with sorted clauses, so that their order makes no difference.
fn canonical(requirement: &Requirement) -> String {
    let specifiers = requirement.specifiers().to_string();
    let mut clauses: Vec<&str> = specifiers.split(',').map(str::trim).collect();
    clauses.sort_unstable();
    requirement.to_string().replace(&specifiers, &clauses.join(","))
}

impl Request {
    /// Creates a request with these requirements and defaults for everything else.
    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let entry = |requirement| RequestEntry { requirement, origin: None };
        Self { requirements: requirements.into_iter().map(entry).collect(), ..Self::default() }
    }

    /// Returns the requirements.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().map(|entry| &entry.requirement)
    }

    /// Returns the projects that are overridden or excluded.
    pub fn loosened(&self) -> impl Iterator<Item = &ProjectName> {
        self.overrides.keys().chain(&self.excludes)
    }

    /// Returns true if the request has no requirements.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Formats the whole request in a canonical form: requests with the same meaning give the same
    /// text. Origins are left out. Of local projects, only the name, `Requires-Python` and the
    /// requirements are included.
    ///
    /// ```
    /// use pinnace_wheel::Request;
    ///
    /// let one = Request::new(["Flask >=3".parse()?, "click".parse()?]);
    /// let other = Request::new(["click".parse()?, "flask>=3".parse()?]);
    /// assert_eq!(one.canonical(), other.canonical());
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    pub fn canonical(&self) -> String {
        let texts = |all: &[RequestEntry]| -> BTreeSet<String> {
            all.iter().map(|entry| canonical(&entry.requirement)).collect()
        };
        let mut lines: Vec<String> = Vec::new();
        let mut add = |what: &str, values: BTreeSet<String>| {
            lines.extend(values.into_iter().map(|value| format!("{what} {value}")));
        };
        add("require", texts(&self.requirements));
        add("constrain", texts(&self.constraints));
        let overrides = self.overrides.values().flatten();
        add("override", overrides.map(canonical).collect());
        add("exclude", self.excludes.iter().map(ToString::to_string).collect());
        for (name, local) in &self.locals {
            let python = local.metadata.requires_python().map(str::to_owned);
            add(&format!("python of {name}"), python.into_iter().collect());
            add(&format!("local {name}"), local.metadata.requires().map(str::to_owned).collect());
        }
        for (name, version) in &self.preferences {
            add(&format!("prefer {name}"), BTreeSet::from([version.to_string()]));
        }
        for (name, hashes) in &self.files.hashes.allowed {
            add(&format!("hash {name}"), hashes.iter().map(|hash| format!("{hash:?}")).collect());
        }
        let rest = (self.prereleases, self.dependencies, self.files.hashes.required);
        let formats = (&self.files.only_binary, &self.files.no_binary, self.files.exclude_newer);
        lines.push(format!("{rest:?} {formats:?}"));
        lines.join("\n")
    }

    /// Adds a requirement with its origin, such as `requirements.txt, line 4`. Explanations show
    /// the origin.
    #[must_use]
    pub fn require(mut self, requirement: Requirement, origin: Option<&str>) -> Self {
        self.requirements.push(RequestEntry { requirement, origin: origin.map(Into::into) });
        self
    }

    /// Adds the requirements, constraints, hashes, formats and pre-release option of requirements
    /// files. The caller handles the folders and indexes that they name.
    #[must_use]
    pub fn with_inputs(mut self, inputs: &Inputs) -> Self {
        for named in inputs.requirements.iter().chain(&inputs.constraints) {
            for sha256 in &named.sha256 {
                self = self.allow_hash(named.requirement.name().clone(), *sha256);
            }
        }
        let entry = |named: &Named| RequestEntry {
            requirement: named.requirement.clone(),
            origin: Some(named.origin.as_str()).filter(|it| !it.is_empty()).map(Into::into),
        };
        self.requirements.extend(inputs.requirements.iter().map(entry));
        self.constraints.extend(inputs.constraints.iter().map(entry));
        self.files.hashes.required |= inputs.require_hashes;
        if inputs.prereleases {
            self.prereleases = Prereleases::Allowed;
        }
        if inputs.only_binary != Formats::None {
            self = self.with_only_binary(inputs.only_binary.clone());
        }
        if inputs.no_binary != Formats::None {
            self = self.with_no_binary(inputs.no_binary.clone());
        }
        self
    }

    /// Adds a constraint: it limits the versions of a project without requiring it.
    #[must_use]
    pub fn constrain(mut self, constraint: Requirement, origin: Option<&str>) -> Self {
        self.constraints
            .push(RequestEntry { requirement: constraint, origin: origin.map(Into::into) });
        self
    }

    /// Adds an override: it replaces every requirement on its project.
    #[must_use]
    pub fn replace(mut self, requirement: Requirement) -> Self {
        self.overrides.entry(requirement.name().clone()).or_default().push(requirement);
        self
    }

    /// Excludes a project, even if other projects require it.
    #[must_use]
    pub fn exclude(mut self, project: ProjectName) -> Self {
        self.excludes.insert(project);
        self
    }

    /// Adds a local project at `path` with this metadata. The resolver then looks up nothing for
    /// it.
    #[must_use]
    pub fn with_local(mut self, metadata: Metadata, path: &str) -> Self {
        let local = Local { path: path.into(), metadata };
        self.locals.insert(local.metadata.name().clone(), local);
        self
    }

    /// Prefers this version of a project if it can be used. It usually comes from an earlier lock.
    #[must_use]
    pub fn prefer(mut self, project: ProjectName, version: Version) -> Self {
        self.preferences.insert(project, version);
        self
    }

    /// Sets when pre-releases are candidates.
    #[must_use]
    pub fn with_prereleases(mut self, prereleases: Prereleases) -> Self {
        self.prereleases = prereleases;
        self
    }

    /// Sets whether the resolver follows dependencies.
    #[must_use]
    pub fn with_dependencies(mut self, dependencies: Dependencies) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Allows only wheels of these projects, in addition to those of earlier calls.
    #[must_use]
    pub fn with_only_binary(mut self, projects: Formats) -> Self {
        self.files.only_binary = self.files.only_binary.then(projects);
        self
    }

    /// Allows only source distributions of these projects, in addition to those of earlier calls.
    #[must_use]
    pub fn with_no_binary(mut self, projects: Formats) -> Self {
        self.files.no_binary = self.files.no_binary.then(projects);
        self
    }

    /// Returns the origin of a requirement or constraint on a project, if it is known.
    pub fn origin(&self, project: &ProjectName) -> Option<&str> {
        let entries = self.requirements.iter().chain(&self.constraints);
        let mut own = entries.filter(|entry| entry.requirement.name() == project);
        own.find_map(|entry| entry.origin.as_deref())
    }

    /// Returns the entry that is displayed as `text`, with its requirement in backticks.
    pub(super) fn quoted(&self, text: &str) -> Option<String> {
        let mut entries = self.requirements.iter().chain(&self.constraints);
        entries.find(|entry| entry.to_string() == text).map(RequestEntry::quoted)
    }

    /// Returns the preferred version of a project.
    pub fn preference(&self, project: &ProjectName) -> Option<&Version> {
        self.preferences.get(project)
    }

    /// Returns the time from which on files are too new, in seconds since 1970.
    pub fn newest(&self) -> Option<u64> {
        self.files.exclude_newer
    }

    /// Excludes files that were uploaded at or after this time, in seconds since 1970. Files
    /// without an upload time on the index are excluded, too.
    #[must_use]
    pub fn exclude_newer(mut self, time: u64) -> Self {
        self.files.exclude_newer = Some(time);
        self
    }

    /// Allows a file of a project by its SHA-256. Other files of that project are then refused.
    #[must_use]
    pub fn allow_hash(mut self, project: ProjectName, sha256: [u8; 32]) -> Self {
        self.files.hashes.allowed.entry(project).or_default().insert(sha256);
        self
    }

    /// Refuses every project that has no allowed hash.
    #[must_use]
    pub fn require_hashes(mut self) -> Self {
        self.files.hashes.required = true;
        self
    }
}
