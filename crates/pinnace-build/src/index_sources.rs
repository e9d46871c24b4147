//! The indexes that the caller, the inputs and the projects name.

use std::{collections::BTreeMap, path::Path};

use pinnace_wheel::{Address, IndexChoice, ProjectName, Pyproject};

use crate::{Env, Error, ErrorKind};

/// The indexes that a caller names. The defaults are those of pip's and uv's configuration, else the index of the
/// interpreter's own pip.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct IndexSpec {
    /// The index.
    pub index_url: Option<String>,
    /// Indexes to query first. The first index that has a project is the only one used for it.
    pub extra_index_urls: Vec<String>,
    /// Pages and folders whose links are additional candidates.
    pub find_links: Vec<String>,
    /// True to query no index.
    pub no_index: bool,
    /// True to answer from the cache only, without any download.
    pub offline: bool,
}

/// The indexes that requirements files and projects name.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexSources {
    pub(crate) choice: IndexChoice,
    /// Projects that are bound to one index.
    pub(crate) routes: BTreeMap<ProjectName, Address>,
    pub(crate) lookups: Lookups,
}

/// The expected use of an index.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Lookups {
    /// The resolver may look up projects.
    #[default]
    Expected,
    /// The resolver looks up no projects.
    None,
}

impl IndexSources {
    /// Returns the indexes for the requirements of a project's build backend.
    pub(crate) fn of_backend(project: &Pyproject, env: &Env) -> Result<Self, Error> {
        let mut sources = Self::default();
        sources.take_indexes(project, env)?;
        Ok(sources)
    }

    /// Adds the indexes of `[[tool.uv.index]]` that serve all projects.
    pub(crate) fn take_indexes(&mut self, project: &Pyproject, env: &Env) -> Result<(), Error> {
        for index in project.indexes()?.iter().filter(|index| !index.explicit) {
            let address = with_credentials(&index.address, index.name.as_deref(), env);
            if index.default {
                self.choice.index = self.choice.index.take().or(Some(address));
            } else {
                self.choice.extra.push(address);
            }
        }
        Ok(())
    }

    /// Adds the index of each project that is bound to one. The first binding of a name wins.
    pub(crate) fn take_routes(&mut self, project: &Pyproject, env: &Env) -> Result<(), Error> {
        let indexes = project.indexes()?;
        for (name, index) in project.routes()? {
            let named = indexes.iter().find(|known| known.name.as_deref() == Some(index.as_str()));
            let named = named.ok_or_else(|| ErrorKind::UnknownIndex {
                project: name.to_string(),
                index: index.clone(),
            })?;
            let address = with_credentials(&named.address, named.name.as_deref(), env);
            self.routes.entry(name).or_insert(address);
        }
        Ok(())
    }
}

/// Parses a URL, or the path of a file or folder.
pub(crate) fn address(text: &str, folder: &Path) -> Result<Address, Error> {
    if text.contains("://") {
        return Ok(Address::parse(text)?);
    }
    let path = folder.join(text);
    // Messages show paths in full, so a path that may be a URL with a password is refused without showing it.
    if text.contains('@') && !path.exists() {
        return Err(ErrorKind::NoScheme.into());
    }
    Ok(Address::of_path(&path)?)
}

/// Adds the credentials of an index by its name: `UV_INDEX_NAME_USERNAME` and `…_PASSWORD`.
fn with_credentials(address: &Address, name: Option<&str>, env: &Env) -> Address {
    let Some(name) = name else { return address.clone() };
    let in_a_name = |symbol: char| {
        if symbol.is_ascii_alphanumeric() { symbol.to_ascii_uppercase() } else { '_' }
    };
    let name: String = name.chars().map(in_a_name).collect();
    let variable = |what: &str| env.variable(&format!("UV_INDEX_{name}_{what}"));
    match (variable("USERNAME"), variable("PASSWORD")) {
        (None, None) => address.clone(),
        (user, password) => {
            address.with_userinfo(user.unwrap_or_default(), password.unwrap_or_default())
        }
    }
}
