use std::{collections::BTreeSet, sync::Arc};

use pinnace_wheel::Interpreter;

use super::find::interpreter;
use crate::{Cache, Env, platforms::MINORS};

/// A finder of interpreters.
pub trait Interpreters: Send + Sync {
    /// Returns the interpreter of a minor version such as `3.12`.
    ///
    /// # Errors
    ///
    /// Returns the reason why no interpreter was found.
    fn find(&self, version: &str) -> Result<Interpreter, String>;

    /// Returns all interpreters that releases may run on, the default one first.
    fn all(&self) -> Vec<Interpreter>;
}

/// The interpreters of this machine on `PATH` and in pyenv, or one that the caller names.
#[derive(Debug)]
pub struct LocalInterpreters {
    named: Option<String>,
    env: Env,
    cache: Arc<Cache>,
}

impl LocalInterpreters {
    /// Creates a finder. `named` is a path, a name on `PATH`, or a version; the finder then finds only this
    /// interpreter.
    pub fn new(named: Option<String>, env: Env, cache: Arc<Cache>) -> Self {
        Self { named, env, cache }
    }

    fn probe(&self, name: Option<&str>) -> Result<Interpreter, String> {
        interpreter(name, &self.env, &self.cache).map_err(|error| error.to_string())
    }
}

impl Interpreters for LocalInterpreters {
    fn find(&self, version: &str) -> Result<Interpreter, String> {
        self.probe(Some(self.named.as_deref().unwrap_or(version)))
    }

    fn all(&self) -> Vec<Interpreter> {
        let default = self.probe(self.named.as_deref()).ok();
        let others = MINORS.rev().map(|minor| format!("3.{minor}"));
        let others = others.filter(|_| self.named.is_none());
        let mut known = BTreeSet::new();
        let found = default.into_iter().chain(others.filter_map(|name| self.find(&name).ok()));
        found.filter(|python| known.insert(python.target().python().to_string())).collect()
    }
}
