//! Projects: a `pyproject.toml` (PEP 621, PEP 735), as far as it states requirements.

use std::{collections::BTreeSet, str::FromStr};

use toml::Value;

use super::{
    document::{Document, UvIndex, Workspace},
    setup_cfg,
    tables::{Project, Tables},
};
use crate::{
    Address, Error, ErrorKind, ExtraName, Metadata, ProjectName, Requirement, Specifiers, Version,
};

/// The requirements of a project, as its `pyproject.toml` states them.
///
/// ```
/// use pinnace_wheel::Pyproject;
///
/// let project = Pyproject::parse(
///     r#"
///     [project]
///     name = "app"
///     version = "1.0"
///     dependencies = ["flask>=3"]
///     [project.optional-dependencies]
///     cache = ["redis"]
///     [dependency-groups]
///     test = ["pytest"]
///     all = [{ include-group = "test" }, "mypy"]
///     "#,
///     "pyproject.toml",
/// )?;
/// assert_eq!(project.group(&"all".parse()?)?.len(), 2);
/// assert_eq!(project.metadata()?.unwrap().requires().len(), 2);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pyproject {
    pub(super) origin: String,
    pub(super) document: Document,
    /// The metadata that the build backend reports.
    reported: Option<Metadata>,
}

/// An index of `[[tool.uv.index]]`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NamedIndex {
    /// The name that sources refer to. Credentials are found under it too (`UV_INDEX_NAME_USERNAME`).
    pub name: Option<String>,
    /// The address of the index.
    pub address: Address,
    /// True if only the projects that name the index are looked up there.
    pub explicit: bool,
    /// True if the index replaces the default index.
    pub default: bool,
}

impl Pyproject {
    /// Parses the text of a `pyproject.toml`. Messages refer to the file as `origin`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Input`] if the text is not TOML, or if one of the tables that are read
    /// here is malformed.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let document = toml::from_str(text).map_err(|error| -> Error {
            let reason = Error::toml_reason(text, &error);
            ErrorKind::Input { place: origin.to_owned(), reason }.into()
        })?;
        let project = Self { origin: origin.to_owned(), document, reported: None };
        match &project.document.tool.poetry {
            Some(poetry) if project.lacks_requirements() => {
                let tables = poetry.tables();
                let tables = tables
                    .map_err(|reason| project.refuse(format!("`[tool.poetry]`: {reason}")))?;
                Ok(project.with(tables))
            }
            _ => Ok(project),
        }
    }

    /// Adds the requirements from the `setup.cfg` beside the file (setuptools, "Configuring
    /// setuptools using setup.cfg files"). Changes nothing if the project states its own requirements.
    ///
    /// # Errors
    ///
    /// Returns an error if the requirements are malformed.
    pub fn with_setup_cfg(self, text: &str) -> Result<Self, Error> {
        if !self.lacks_requirements() {
            return Ok(self);
        }
        let tables = setup_cfg::tables(text).map_err(|reason| self.refuse(reason))?;
        Ok(self.with(tables))
    }

    /// Adds the metadata that the build backend reports. It takes precedence over the files.
    #[must_use]
    pub fn described(mut self, metadata: Metadata) -> Self {
        self.reported = Some(metadata);
        self
    }

    /// Checks whether `[project]` is missing, or declares its dependencies as dynamic.
    fn lacks_requirements(&self) -> bool {
        let dynamic =
            |project: &Project| project.dynamic.iter().any(|field| field == "dependencies");
        self.document.project.as_ref().is_none_or(dynamic)
    }

    fn with(mut self, tables: Tables) -> Self {
        let Tables { project, groups, sources } = tables;
        let document = &mut self.document;
        if let Some(mut project) = project {
            if let Some(own) = document.project.take() {
                project.version = own.version.or(project.version);
                project.requires_python = own.requires_python.or(project.requires_python);
                project.scripts.extend(own.scripts);
                project.gui_scripts = own.gui_scripts;
                project.name = own.name;
            }
            document.project = Some(project);
        }
        for (name, group) in groups {
            document.dependency_groups.entry(name).or_insert(group);
        }
        for (name, source) in sources {
            document.tool.uv.sources.entry(name).or_insert(source);
        }
        self
    }

    /// Returns the scripts of the project, and what each runs (PEP 621, `scripts` and `gui-scripts`).
    pub fn scripts(&self) -> impl Iterator<Item = (&str, &str)> {
        let project = self.document.project.iter();
        let scripts =
            project.flat_map(|project| project.scripts.iter().chain(&project.gui_scripts));
        scripts.map(|(name, target)| (name.as_str(), target.as_str()))
    }

    /// Returns the name of the project, or `None` if the file describes no project.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is malformed.
    pub fn name(&self) -> Result<Option<ProjectName>, Error> {
        if let Some(reported) = &self.reported {
            return Ok(Some(reported.name().clone()));
        }
        self.document.project.as_ref().map(|project| self.parsed(&project.name)).transpose()
    }

    /// Returns the target of a script, as `module:function` (PEP 621, `scripts` and `gui-scripts`).
    pub fn script(&self, name: &str) -> Option<&str> {
        let project = self.document.project.as_ref()?;
        let found = project.scripts.get(name).or_else(|| project.gui_scripts.get(name));
        found.map(String::as_str)
    }

    /// Checks whether the version is known. Otherwise only the build backend can tell it.
    pub fn has_version(&self) -> bool {
        let own = self.document.project.as_ref().and_then(|project| project.version.as_ref());
        own.is_some() || self.reported.is_some()
    }

    /// Returns the `requires-python` of the project.
    pub fn requires_python(&self) -> Option<&str> {
        self.document.project.as_ref()?.requires_python.as_deref()
    }

    /// Returns the metadata of the project, with extras in the form of `Requires-Dist`. Returns
    /// `None` if the file describes no project, or if only a build can tell the metadata.
    ///
    /// # Errors
    ///
    /// Returns an error if a requirement is malformed.
    pub fn metadata(&self) -> Result<Option<Metadata>, Error> {
        if let Some(reported) = &self.reported {
            let at_sources = |text| Ok(self.requirement(text)?.to_string());
            let requires = reported.requires().map(at_sources).collect::<Result<_, Error>>()?;
            return Ok(Some(reported.clone().requiring(requires, reported.extras().to_vec())));
        }
        let Some(project) = &self.document.project else { return Ok(None) };
        let dynamic = ["dependencies", "optional-dependencies"];
        if project.dynamic.iter().any(|field| dynamic.contains(&field.as_str())) {
            return Ok(None);
        }
        let mut requires: Vec<String> = Vec::new();
        let mut extras: Vec<ExtraName> = Vec::new();
        for text in &project.dependencies {
            requires.push(self.requirement(text)?.to_string());
        }
        for (name, texts) in &project.optional_dependencies {
            let extra: ExtraName = self.parsed(name)?;
            for text in texts {
                requires.push(self.requirement(text)?.only_for(&extra)?.to_string());
            }
            extras.push(extra);
        }
        // A version that only a build can tell takes part in no comparison that matters here.
        let version: Version = self.parsed(project.version.as_deref().unwrap_or("0"))?;
        if let Some(text) = &project.requires_python {
            text.parse::<Specifiers>()
                .map_err(|error| self.refuse(format!("its `requires-python`: {error}")))?;
        }
        let metadata =
            Metadata::new(self.parsed(&project.name)?, version).requiring(requires, extras);
        Ok(Some(metadata.for_python(project.requires_python.as_deref())))
    }

    /// Returns the requirements of a dependency group and of the groups that it includes (PEP 735).
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such group, if it includes itself, or if an item is not a requirement.
    pub fn group(&self, name: &ProjectName) -> Result<Vec<Requirement>, Error> {
        let mut requirements = Vec::new();
        self.add_group(name, &mut Vec::new(), &mut requirements)?;
        Ok(requirements)
    }

    fn add_group(
        &self,
        name: &ProjectName,
        open: &mut Vec<ProjectName>,
        requirements: &mut Vec<Requirement>,
    ) -> Result<(), Error> {
        if open.contains(name) {
            return Err(self.refuse(format!("the dependency group `{name}` includes itself")));
        }
        let mut groups = self.document.dependency_groups.iter();
        let found =
            groups.find(|(key, _)| key.parse::<ProjectName>().is_ok_and(|key| key == *name));
        let Some((_, items)) = found else {
            let known: Vec<_> = self.document.dependency_groups.keys().cloned().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(
                self.refuse(format!("no such dependency group: `{name}`; known groups: {known}"))
            );
        };
        open.push(name.clone());
        for item in items {
            match (item.as_str(), item.get("include-group").and_then(Value::as_str)) {
                (Some(text), _) => requirements.push(self.requirement(text)?),
                (None, Some(group)) => self.add_group(&group.parse()?, open, requirements)?,
                (None, None) => {
                    let reason = format!(
                        "an item in the dependency group `{name}` is neither a requirement nor `{{ include-group = … }}`"
                    );
                    return Err(self.refuse(reason));
                }
            }
        }
        open.pop();
        Ok(())
    }

    /// Returns the names of the dependency groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.document.dependency_groups.keys().map(String::as_str)
    }

    /// Returns the `constraint-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// Returns an error if one is malformed.
    pub fn constraints(&self) -> Result<Vec<Requirement>, Error> {
        let texts = &self.document.tool.uv.constraint_dependencies;
        texts.iter().map(|text| self.requirement(text)).collect()
    }

    /// Returns the `override-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// Returns an error if one is malformed.
    pub fn overrides(&self) -> Result<Vec<Requirement>, Error> {
        let texts = &self.document.tool.uv.override_dependencies;
        texts.iter().map(|text| self.requirement(text)).collect()
    }

    /// Returns the `exclude-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// Returns an error if one is not a project name.
    pub fn excludes(&self) -> Result<Vec<ProjectName>, Error> {
        let names = &self.document.tool.uv.exclude_dependencies;
        names.iter().map(|name| self.parsed(name)).collect()
    }

    /// Returns the indexes of `[[tool.uv.index]]`, in their order.
    ///
    /// # Errors
    ///
    /// Returns an error if an address is malformed.
    pub fn indexes(&self) -> Result<Vec<NamedIndex>, Error> {
        let indexes = self.document.tool.uv.index.iter();
        let named = |index: &UvIndex| {
            let address = Address::parse(&index.url)?;
            Ok(NamedIndex {
                name: index.name.clone(),
                address,
                explicit: index.explicit,
                default: index.default,
            })
        };
        indexes.map(named).collect()
    }

    /// Returns the workspace that the project is the root of.
    pub fn workspace(&self) -> Option<&Workspace> {
        self.document.tool.uv.workspace.as_ref()
    }

    /// Returns the names of the extras.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed.
    pub fn extras(&self) -> Result<BTreeSet<ExtraName>, Error> {
        if let Some(reported) = &self.reported {
            return Ok(reported.extras().iter().cloned().collect());
        }
        let project = self.document.project.as_ref();
        let extras = project.into_iter().flat_map(|project| project.optional_dependencies.keys());
        extras.map(|extra| extra.parse()).collect()
    }

    fn requirement(&self, text: &str) -> Result<Requirement, Error> {
        let requirement: Requirement =
            text.parse().map_err(|error: Error| self.refuse(error.to_string()))?;
        let mut sources = self.document.tool.uv.sources.iter();
        let named =
            |name: &str| name.parse::<ProjectName>().is_ok_and(|name| name == *requirement.name());
        match sources.find(|(name, _)| named(name)) {
            Some((_, source)) => self.at_its_source(requirement, source),
            None => Ok(requirement),
        }
    }

    /// Parses a value of the file. An error names the file.
    pub(super) fn parsed<T: FromStr<Err = Error>>(&self, text: &str) -> Result<T, Error> {
        text.parse().map_err(|error: Error| self.refuse(error.to_string()))
    }

    pub(super) fn refuse(&self, reason: String) -> Error {
        ErrorKind::Input { place: self.origin.clone(), reason }.into()
    }
}
