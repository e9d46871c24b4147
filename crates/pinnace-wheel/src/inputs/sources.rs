//! The sources that a project declares for its dependencies: `[tool.uv.sources]`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use toml::Value;

use super::Pyproject;
use crate::{Address, Error, ProjectName, Requirement};

impl Pyproject {
    /// Adds what the root of the workspace declares for all members: sources, indexes, constraints,
    /// overrides and exclusions. A source that the member declares itself takes precedence.
    #[must_use]
    pub fn as_member_of(mut self, root: &Self) -> Self {
        let folder = Path::new(&root.origin).parent().unwrap_or(Path::new(""));
        let (own, shared) = (&mut self.document.tool.uv, &root.document.tool.uv);
        for (name, source) in &shared.sources {
            let mut source = source.clone();
            if let Some(path) = source.get("path").and_then(Value::as_str) {
                let from_root = folder.join(path).display().to_string();
                if let Some(table) = source.as_table_mut() {
                    table.insert("path".to_owned(), from_root.into());
                }
            }
            let normal = name.parse::<ProjectName>().ok();
            if !own.sources.keys().any(|known| known.parse().ok() == normal) {
                own.sources.insert(name.clone(), source);
            }
        }
        own.index.extend(shared.index.iter().cloned());
        own.constraint_dependencies.clone_from(&shared.constraint_dependencies);
        own.override_dependencies.clone_from(&shared.override_dependencies);
        own.exclude_dependencies.clone_from(&shared.exclude_dependencies);
        self
    }

    /// Returns the projects that `[tool.uv.sources]` takes from the workspace.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed.
    pub fn members(&self) -> Result<BTreeSet<ProjectName>, Error> {
        let sources = self.document.tool.uv.sources.iter();
        let member = |source: &Value| source.get("workspace").and_then(Value::as_bool);
        let members = sources.filter(|(_, source)| member(source) == Some(true));
        members.map(|(name, _)| self.parsed(name)).collect()
    }

    /// Returns the projects that `[tool.uv.sources]` assigns to an index, with the name of that index.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed.
    pub fn routes(&self) -> Result<BTreeMap<ProjectName, String>, Error> {
        let mut routes = BTreeMap::new();
        for (name, source) in &self.document.tool.uv.sources {
            if let Some(index) = source.get("index").and_then(Value::as_str) {
                routes.insert(self.parsed(name)?, index.to_owned());
            }
        }
        Ok(routes)
    }

    /// Returns the projects that `[tool.uv.sources]` finds at a path, relative to the project.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is malformed.
    pub fn paths(&self) -> Result<BTreeMap<ProjectName, String>, Error> {
        let mut paths = BTreeMap::new();
        for (name, source) in &self.document.tool.uv.sources {
            if let Some(path) = source.get("path").and_then(Value::as_str) {
                paths.insert(self.parsed(name)?, path.to_owned());
            }
        }
        Ok(paths)
    }

    /// Replaces a requirement whose source is an address with a requirement at that address. It
    /// cannot then come from anywhere else.
    pub(super) fn at_its_source(
        &self,
        requirement: Requirement,
        source: &Value,
    ) -> Result<Requirement, Error> {
        let field = |name: &str| source.get(name).and_then(Value::as_str);
        let archive =
            |path: &&str| [".whl", ".tar.gz", ".zip"].iter().any(|end| path.ends_with(end));
        self.check_source(requirement.name(), source)?;
        if let Some(url) = field("git") {
            return Ok(requirement.at(&format!("git+{url}")));
        }
        if let Some(url) = field("url") {
            return Ok(requirement.at(url));
        }
        match field("path").filter(archive) {
            Some(path) => {
                let folder = Path::new(&self.origin).parent().unwrap_or(Path::new(""));
                Ok(requirement.at(Address::of_path(&folder.join(path))?.with_credentials()))
            }
            None => Ok(requirement),
        }
    }

    /// Checks that a source is supported. If one were ignored, the project would come from an index instead.
    fn check_source(&self, name: &ProjectName, source: &Value) -> Result<(), Error> {
        let refuse = |reason: &str| Err(self.refuse(format!("the source of `{name}` {reason}")));
        if source.is_array() {
            return refuse("has several entries, which is not supported");
        }
        if source.get("marker").is_some() {
            return refuse("applies only to some platforms (`marker`), which is not supported");
        }
        let named = ["git", "url", "path", "index"];
        let named = named.iter().filter(|key| source.get(key).is_some_and(Value::is_str)).count();
        let workspace = source.get("workspace").and_then(Value::as_bool) == Some(true);
        match named + usize::from(workspace) {
            1 => Ok(()),
            _ => refuse("must be one of `git`, `url`, `path`, `index` and `workspace = true`"),
        }
    }
}
