//! The interpreters that releases run on.

use std::{collections::BTreeSet, sync::Arc};

use pinnace_deploy::Pythons;
use pinnace_wheel::Interpreter;

use crate::{environment::Environment, platforms, storage::Storage};

/// Those of this machine, as its PATH and pyenv have them; or the one that was named.
pub(crate) struct Interpreters {
    pub(crate) named: Option<String>,
    pub(crate) environment: Environment,
    pub(crate) storage: Arc<Storage>,
}

impl Interpreters {
    fn probe(&self, name: Option<&str>) -> Result<Interpreter, String> {
        let found = platforms::interpreter(name, &self.environment, &*self.storage);
        found.map_err(|failure| failure.message().to_owned())
    }
}

impl Pythons for Interpreters {
    fn find(&self, version: &str) -> Result<Interpreter, String> {
        self.probe(Some(self.named.as_deref().unwrap_or(version)))
    }

    fn all(&self) -> Vec<Interpreter> {
        let default = self.probe(self.named.as_deref()).ok();
        let others = platforms::MINORS.rev().map(|minor| format!("3.{minor}"));
        let others = others.filter(|_| self.named.is_none());
        let mut known = BTreeSet::new();
        let found = default.into_iter().chain(others.filter_map(|name| self.find(&name).ok()));
        found.filter(|one| known.insert(one.target().python().to_string())).collect()
    }
}
