//! Projects: `pyproject.toml` (PEP 621, PEP 735) as far as it says what is required.

use std::collections::BTreeSet;

use toml::Value;

use super::{
    document::{Document, Project, Tables, UvIndex, Workspace},
    setup_cfg,
};
use crate::{
    Address, Error, ErrorKind, ExtraName, Metadata, ProjectName, Requirement, Specifiers, Version,
};

/// What a `pyproject.toml` says of what its project requires.
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
    /// What its backend says of it.
    told: Option<Metadata>,
}

/// An index of `[[tool.uv.index]]`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NamedIndex {
    /// What sources call it; credentials are found under it, too (`UV_INDEX_NAME_USERNAME`).
    pub name: Option<String>,
    /// Where it is.
    pub address: Address,
    /// Whether it is asked only for the projects that name it.
    pub explicit: bool,
    /// Whether it takes the place of the default index.
    pub default: bool,
}

impl Pyproject {
    /// Parses the text of a `pyproject.toml`; `origin` is how messages name it.
    ///
    /// # Errors
    ///
    /// If it is no TOML, or one of the tables that are read here is malformed.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let document = toml::from_str(text).map_err(|error| -> Error {
            let reason = Error::toml_reason(text, &error);
            ErrorKind::Input { place: origin.to_owned(), reason }.into()
        })?;
        let project = Self { origin: origin.to_owned(), document, told: None };
        match &project.document.tool.poetry {
            Some(poetry) if project.says_nothing() => {
                let tables = poetry.tables();
                let tables = tables
                    .map_err(|reason| project.refuse(format!("`[tool.poetry]`: {reason}")))?;
                Ok(project.with(tables))
            }
            _ => Ok(project),
        }
    }

    /// The same with what the `setup.cfg` beside it says (setuptools, "Configuring setuptools using setup.cfg
    /// files"), if it says nothing itself.
    ///
    /// # Errors
    ///
    /// If what is required is malformed.
    pub fn with_setup_cfg(self, text: &str) -> Result<Self, Error> {
        if !self.says_nothing() {
            return Ok(self);
        }
        let tables = setup_cfg::tables(text).map_err(|reason| self.refuse(reason))?;
        Ok(self.with(tables))
    }

    /// The same as its backend describes it, which is stronger than what the files say.
    #[must_use]
    pub fn described(mut self, metadata: Metadata) -> Self {
        self.told = Some(metadata);
        self
    }

    /// Whether `[project]` is missing, or leaves to others what is required.
    fn says_nothing(&self) -> bool {
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

    /// The scripts that it has, and what each runs (PEP 621, `scripts` and `gui-scripts`).
    pub fn scripts(&self) -> impl Iterator<Item = (&str, &str)> {
        let project = self.document.project.iter();
        let scripts = project.flat_map(|one| one.scripts.iter().chain(&one.gui_scripts));
        scripts.map(|(name, target)| (name.as_str(), target.as_str()))
    }

    /// The project's name, if it is one.
    ///
    /// # Errors
    ///
    /// If the name is none.
    pub fn name(&self) -> Result<Option<ProjectName>, Error> {
        if let Some(told) = &self.told {
            return Ok(Some(told.name().clone()));
        }
        self.document.project.as_ref().map(|project| project.name.parse()).transpose()
    }

    /// What a script of it runs, as `module:function` (PEP 621, `scripts` and `gui-scripts`).
    pub fn script(&self, name: &str) -> Option<&str> {
        let project = self.document.project.as_ref()?;
        let found = project.scripts.get(name).or_else(|| project.gui_scripts.get(name));
        found.map(String::as_str)
    }

    /// Whether it says its version; else only its backend does.
    pub fn has_version(&self) -> bool {
        let own = self.document.project.as_ref().and_then(|project| project.version.as_ref());
        own.is_some() || self.told.is_some()
    }

    /// Its `requires-python`.
    pub fn requires_python(&self) -> Option<&str> {
        self.document.project.as_ref()?.requires_python.as_deref()
    }

    /// What the project says of itself, with extras as `Requires-Dist` has them; `None` if it says
    /// nothing, or only what building it would tell.
    ///
    /// # Errors
    ///
    /// If a requirement is malformed.
    pub fn metadata(&self) -> Result<Option<Metadata>, Error> {
        if let Some(told) = &self.told {
            let at_sources = |text| Ok(self.requirement(text)?.to_string());
            let requires = told.requires().map(at_sources).collect::<Result<_, Error>>()?;
            return Ok(Some(told.clone().requiring(requires, told.extras().to_vec())));
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
            let extra: ExtraName = name.parse()?;
            for text in texts {
                requires.push(self.requirement(text)?.only_for(&extra)?.to_string());
            }
            extras.push(extra);
        }
        // A version that only building tells takes part in no comparison that matters here.
        let version: Version = project.version.as_deref().unwrap_or("0").parse()?;
        if let Some(text) = &project.requires_python {
            text.parse::<Specifiers>()
                .map_err(|error| self.refuse(format!("its `requires-python`: {error}")))?;
        }
        let metadata = Metadata::new(project.name.parse()?, version).requiring(requires, extras);
        Ok(Some(metadata.for_python(project.requires_python.as_deref())))
    }

    /// The requirements of a dependency group, with those of the groups that it includes (PEP 735).
    ///
    /// # Errors
    ///
    /// If there is no such group, or it includes itself, or holds what is no requirement.
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
            return Err(self.refuse(format!("there is no dependency group `{name}`, but {known}")));
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

    /// The dependency groups that there are.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.document.dependency_groups.keys().map(String::as_str)
    }

    /// `constraint-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// If one is malformed.
    pub fn constraints(&self) -> Result<Vec<Requirement>, Error> {
        let texts = &self.document.tool.uv.constraint_dependencies;
        texts.iter().map(|text| self.requirement(text)).collect()
    }

    /// `override-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// If one is malformed.
    pub fn overrides(&self) -> Result<Vec<Requirement>, Error> {
        let texts = &self.document.tool.uv.override_dependencies;
        texts.iter().map(|text| self.requirement(text)).collect()
    }

    /// `exclude-dependencies` of `[tool.uv]`.
    ///
    /// # Errors
    ///
    /// If one is no name.
    pub fn excludes(&self) -> Result<Vec<ProjectName>, Error> {
        let names = &self.document.tool.uv.exclude_dependencies;
        names.iter().map(|name| name.parse()).collect()
    }

    /// The indexes of `[[tool.uv.index]]`, in their order.
    ///
    /// # Errors
    ///
    /// If an address is none.
    pub fn indexes(&self) -> Result<Vec<NamedIndex>, Error> {
        let indexes = self.document.tool.uv.index.iter();
        let named = |one: &UvIndex| {
            let address = Address::parse(&one.url)?;
            Ok(NamedIndex {
                name: one.name.clone(),
                address,
                explicit: one.explicit,
                default: one.default,
            })
        };
        indexes.map(named).collect()
    }

    /// The workspace that it is the root of.
    pub fn workspace(&self) -> Option<&Workspace> {
        self.document.tool.uv.workspace.as_ref()
    }

    /// The extras that there are.
    ///
    /// # Errors
    ///
    /// If a name is none.
    pub fn extras(&self) -> Result<BTreeSet<ExtraName>, Error> {
        if let Some(told) = &self.told {
            return Ok(told.extras().iter().cloned().collect());
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

    pub(super) fn refuse(&self, reason: String) -> Error {
        ErrorKind::Input { place: self.origin.clone(), reason }.into()
    }
}
