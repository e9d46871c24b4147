//! A folder with a cache, an index, and the command.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::index::TestIndex;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) index: TestIndex,
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
        Self { folder: tempfile::tempdir().unwrap(), index: TestIndex::start().with_moo() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pinnace"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PINNACE_CACHE_DIR", self.path("cache"))
            .env("PIP_INDEX_URL", self.index.url())
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PEX_ROOT", self.path("pex-root"));
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
    }

    /// Runs the command and expects it to succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::of(self.command(arguments).output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran
    }

    /// Runs the command and expects it to fail with that code and these words.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) -> Ran {
        let ran = Ran::of(self.command(arguments).output().unwrap());
        assert_eq!(ran.code, Some(code), "{ran:?}");
        for word in words {
            assert!(ran.err.contains(word), "`{word}` is missing in: {}", ran.err);
        }
        ran
    }

    /// Runs a file that was built.
    pub(crate) fn run(&self, file: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.path(file));
        Ran::of(command.args(arguments).env("PEX_ROOT", self.path("pex-root")).output().unwrap())
    }

    /// Lists the files in the folder, without the caches.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != "cache" && name != "pex-root");
        names.sort();
        names
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn write(path: &Path, text: &str) {
    write_bytes(path, text.as_bytes());
}

pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}
