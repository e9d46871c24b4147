//! The command in a folder of its own, with a cache and an index.

use std::{ops::Deref, process::Command};

use pinnace_test::{Index, Ran};

/// A world whose index has `moo` and `voice`.
pub(crate) struct World {
    world: pinnace_test::World,
    pub(crate) index: Index,
}

/// The variables that the command does not inherit from the test run.
const FOREIGN: [&str; 12] = [
    "PINNACE_STORE",
    "PINNACE_AGENT",
    "PINNACE_TOKEN_FILE",
    "PORT",
    "PIP_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "PIP_CERT",
    "HTTP_PROXY",
    "http_proxy",
];

impl World {
    pub(crate) fn new() -> Self {
        let index = Index::with_moo();
        let world = pinnace_test::World::new(env!("CARGO_BIN_EXE_pinnace"))
            .with_env_path("PINNACE_CACHE_DIR", "cache")
            .with_env("PIP_INDEX_URL", index.url())
            .with_env("PIP_CONFIG_FILE", "/dev/null")
            .with_env_path("PEX_ROOT", "pex-root")
            .without_env(&FOREIGN);
        Self { world, index }
    }

    /// Runs a file that the command wrote.
    pub(crate) fn run(&self, file: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.path(file));
        Ran::command(command.args(arguments).env("PEX_ROOT", self.path("pex-root")))
    }

    /// Lists the files in the folder, without the caches.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names = self.folder.names();
        names.retain(|name| name != "cache" && name != "pex-root");
        names
    }
}

impl Deref for World {
    type Target = pinnace_test::World;

    fn deref(&self) -> &Self::Target {
        &self.world
    }
}
