//! The commands of a release that is laid out.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Laid, Release};

/// Where a process answers: what `{port}` and `{socket}` in its words mean.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The port on this machine that is its own; in its environment it is `PORT`.
    pub port: u16,
    /// The Unix socket that is its own, where it has one.
    pub socket: Option<PathBuf>,
}

/// The variables that a command finds around it, besides those that say where its environment is.
#[derive(Clone, Copy, Debug)]
pub enum Variables<'a> {
    /// Those that are around us.
    Inherited,
    /// These alone.
    Only(&'a BTreeMap<String, OsString>),
}

/// Where programs of the system are, for a command that inherits nothing.
const SYSTEM: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether a text is the name of an environment variable (POSIX, section 8.1).
pub fn is_variable_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Endpoint {
    /// A port.
    pub fn of_port(port: u16) -> Self {
        Self { port, socket: None }
    }

    /// Words with their places filled in.
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
    /// The environment variables that it needs, and that are not there.
    pub fn lacks(&self, is_there: impl Fn(&str) -> bool) -> Vec<&str> {
        self.environment.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
    }
}

impl Laid {
    /// A command in this environment: its programs come before others of the same name, and it starts in the folder of
    /// the project. `None` if there are no words.
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

/// A program of the environment, else as the system finds it.
fn found(program: &str, bin: &Path) -> PathBuf {
    let own = bin.join(program);
    match !program.contains('/') && own.exists() {
        true => own,
        false => program.into(),
    }
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
