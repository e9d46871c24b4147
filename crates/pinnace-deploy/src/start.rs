//! The commands of a release in its environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Environment, Release};

/// The address of a process: the values of `{port}` and `{socket}` in its command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its port on this machine; the process finds it as `PORT`.
    pub port: u16,
    /// Its Unix socket, if it has one.
    pub socket: Option<PathBuf>,
}

/// The variables of a command, beside those that name its environment.
#[derive(Clone, Copy, Debug)]
pub enum Variables<'a> {
    /// Those of this process.
    Inherited,
    /// These alone.
    Only(&'a BTreeMap<String, OsString>),
}

/// The system's `PATH`, for a command that inherits nothing.
const SYSTEM: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Endpoint {
    /// Creates an endpoint with a port.
    pub fn of_port(port: u16) -> Self {
        Self { port, socket: None }
    }

    /// Returns the words with their placeholders replaced.
    pub fn fill(&self, words: &[String]) -> Vec<String> {
        let socket = self.socket.as_ref().map(|path| path.display().to_string());
        let filled = words.iter().map(|word| {
            let word = word.replace("{port}", &self.port.to_string());
            socket.iter().fold(word, |word, path| word.replace("{socket}", path))
        });
        filled.collect()
    }
}

impl Release {
    /// Returns the names of the environment variables that it needs and that are missing.
    pub fn lacks(&self, is_there: impl Fn(&str) -> bool) -> Vec<&str> {
        self.environment.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
    }
}

impl Environment {
    /// Returns a command in this environment: its programs come before others of the same name, and it starts
    /// in the folder of the project. `None` if there are no words.
    pub fn command(
        &self,
        words: &[String],
        endpoint: &Endpoint,
        variables: Variables<'_>,
        path: Option<&str>,
    ) -> Option<Command> {
        let [program, rest @ ..] = words else { return None };
        let bin = self.folder().join("bin");
        let mut command = Command::new(found(program, &bin));
        if let Variables::Only(variables) = variables {
            command.env_clear().envs(variables);
        }
        let own = bin.display();
        command
            .args(rest)
            .current_dir(self.code())
            .env("PATH", format!("{own}:{}", path.unwrap_or(SYSTEM)))
            .env("VIRTUAL_ENV", self.folder())
            .env("PORT", endpoint.port.to_string())
            .env_remove("PYTHONHOME");
        Some(command)
    }
}

/// Returns the program of the environment, else the name for the system to find.
fn found(program: &str, bin: &Path) -> PathBuf {
    let own = bin.join(program);
    if !program.contains('/') && own.exists() { own } else { program.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in() {
        let mut endpoint = Endpoint::of_port(8000);
        let words = ["--bind=127.0.0.1:{port}".to_owned(), "{socket}".to_owned()];
        assert_eq!(endpoint.fill(&words), ["--bind=127.0.0.1:8000", "{socket}"]);
        endpoint.socket = Some("/run/x".into());
        assert_eq!(endpoint.fill(&words)[1], "/run/x");
    }
}
