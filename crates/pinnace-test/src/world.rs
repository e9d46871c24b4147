use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::Command,
};

use crate::{folder::Folder, ran::Ran};

/// A program with a temporary folder to run in and variables of its environment.
///
/// The caller names the program, since `env!("CARGO_BIN_EXE_…")` is known in the tests of one
/// package alone.
#[derive(Debug)]
pub struct World {
    /// The working folder of the program.
    pub folder: Folder,
    program: PathBuf,
    /// Variables that are set, and those that are removed.
    variables: BTreeMap<OsString, Option<OsString>>,
}

impl World {
    /// Returns a world with an empty folder and the environment of the tests.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { folder: Folder::new(), program: program.into(), variables: BTreeMap::new() }
    }

    /// Sets a variable of the environment.
    pub fn with_env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.insert(name.into(), Some(value.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment to the path of something in the folder.
    pub fn with_env_path(self, name: &str, path: &str) -> Self {
        let path = self.path(path);
        self.with_env(name, path)
    }

    /// Removes variables of the environment that the tests themselves may run with.
    pub fn without_env(mut self, names: &[&str]) -> Self {
        self.variables.extend(names.iter().map(|name| (OsString::from(name), None)));
        self
    }

    /// Returns the path of something in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Returns a command that runs the program.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.other(&self.program);
        command.args(arguments);
        command
    }

    /// Returns a command that runs another program in this world.
    pub fn other(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs the program and expects it to succeed.
    pub fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::command(&mut self.command(arguments));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran
    }

    /// Runs the program and expects it to fail with this code and these words.
    pub fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) -> Ran {
        let ran = Ran::command(&mut self.command(arguments));
        ran.assert_fails(code, words);
        ran
    }
}
