//! The commands of a release in its environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Environment, Release};

/// The address that a process listens on: the values of `{port}` and `{socket}` in its command.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The port on this machine; the process receives it as `PORT`.
    pub port: u16,
    /// The Unix socket, if the process has one.
    pub socket: Option<PathBuf>,
}

/// The environment variables of a command, besides `PATH`, `VIRTUAL_ENV` and `PORT`.
#[derive(Clone, Copy, Debug)]
pub enum Variables<'a> {
    /// The variables of this process.
    Inherited,
    /// Only these variables.
    Only(&'a BTreeMap<String, OsString>),
}

/// The default `PATH`, for a command that inherits nothing.
const SYSTEM: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Endpoint {
    /// Creates an endpoint with a port.
    pub fn of_port(port: u16) -> Self {
        Self { port, socket: None }
    }

    /// Replaces the placeholders in the words of a command.
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
    /// Returns the names of required environment variables that `is_there` does not accept.
    pub fn lacks(&self, is_there: impl Fn(&str) -> bool) -> Vec<&str> {
        self.environment.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
    }
}

impl Environment {
    /// Returns a command that runs in this environment, in the folder of the project. Returns `None` if `words` is
    /// empty.
    ///
    /// The words are used as they are: [`Endpoint::fill`] replaces `{port}` and `{socket}` in them. Programs of the
    /// environment come first on `PATH`, before `path`, or before the system's folders if that is `None`. A
    /// command that serves nothing takes `Endpoint::of_port(0)`.
    pub fn command(
        &self,
        words: &[String],
        endpoint: &Endpoint,
        variables: Variables<'_>,
        path: Option<&str>,
    ) -> Option<Command> {
        let [program, rest @ ..] = words else { return None };
        let bin = self.folder().join("bin");
        let mut command = Command::new(program_path(program, &bin));
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

/// Returns the path of a program of the environment, or the bare name, which the system looks up on `PATH`.
fn program_path(program: &str, bin: &Path) -> PathBuf {
    let own = bin.join(program);
    if !program.contains('/') && own.exists() { own } else { program.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        let mut endpoint = Endpoint::of_port(8000);
        let words = ["--bind=127.0.0.1:{port}".to_owned(), "{socket}".to_owned()];
        assert_eq!(endpoint.fill(&words), ["--bind=127.0.0.1:8000", "{socket}"]);
        endpoint.socket = Some("/run/x".into());
        assert_eq!(endpoint.fill(&words)[1], "/run/x");
    }
}
