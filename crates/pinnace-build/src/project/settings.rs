//! The settings of a project: `[tool.pinnace]` of its `pyproject.toml`, or a `pinnace.toml`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    dagster,
    process::{Drain, Metadata, Process, Ready, Stop, is_variable_name},
    read::read_text,
};
use crate::{Error, ErrorKind};

/// The settings of a project: its service, its processes, and the files that ship.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The name of the service.
    pub service: Option<String>,
    /// The version of Python that the project runs on.
    pub python: Option<String>,
    /// The platform that the project runs on.
    pub platform: Option<String>,
    /// The processes by name; `web` answers requests.
    pub processes: BTreeMap<String, Process>,
    /// The names of the environment variables that the project needs.
    pub env: Vec<String>,
    /// Patterns, as in a `.gitignore`, of files that ship although an ignore file matches them.
    pub include: Vec<String>,
    /// Patterns, as in a `.gitignore`, of files that do not ship.
    pub exclude: Vec<String>,
    /// The command that runs in the project's folder before it is scanned.
    pub prepare: Vec<String>,
    /// The query that the supervisor makes once a release is ready: `module:function`.
    pub metadata: Option<Metadata>,
    /// The extras to deploy.
    pub extra: Vec<String>,
    /// The dependency groups to deploy.
    pub group: Vec<String>,
    /// The address of the agent that runs the service.
    pub agent: Option<String>,
    /// The store that releases are published to, as a URL or a path.
    pub store: Option<String>,
    /// The project's folder, if it differs from the folder of the settings.
    pub folder: Option<PathBuf>,
}

/// The settings in the format of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawSettings {
    service: Option<String>,
    python: Option<String>,
    platform: Option<String>,
    serve: Option<Vec<String>>,
    ready: Option<Ready>,
    stop: Option<Stop>,
    drain: Option<Drain>,
    #[serde(default)]
    processes: BTreeMap<String, Process>,
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    prepare: Vec<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    extra: Vec<String>,
    #[serde(default)]
    group: Vec<String>,
    agent: Option<String>,
    store: Option<String>,
}

/// The example that follows the error for a command that is not a list.
const COMMAND_EXAMPLE: &str =
    "\na command is written as its words: `serve = [\"python\", \"-m\", \"app\"]`";

impl RawSettings {
    /// Returns the process `web` of `serve`, if the file has it.
    fn web(&self, origin: &str) -> Result<Option<Process>, Error> {
        let Some(argv) = &self.serve else {
            let is_part = self.ready.is_some() || self.stop.is_some() || self.drain.is_some();
            let reason = "`ready`, `stop` and `drain` need `serve`, which is missing";
            return if is_part { Err(refuse(origin, &reason)) } else { Ok(None) };
        };
        let mut web = Process::new(argv.clone());
        web.ready = self.ready.clone().unwrap_or_default();
        web.stop = self.stop.clone().unwrap_or_default();
        web.drain = self.drain.unwrap_or_default();
        Ok(Some(web))
    }
}

impl Settings {
    /// Reads the settings of the project in a folder. If they have no processes, takes those of its
    /// `dagster_cloud.yaml`: of the location called `service`, or of the only one.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, or is malformed.
    pub fn of_project(folder: &Path, service: Option<&str>) -> Result<Self, Error> {
        let own = Self::own(folder)?;
        if !own.processes.is_empty() {
            return Ok(own);
        }
        let service = service.or(own.service.as_deref());
        let Some((dagster, project)) = dagster::location(folder, service)? else { return Ok(own) };
        let dagster = Self::of_location(dagster);
        Ok(Self {
            service: own.service.or(dagster.service),
            processes: dagster.processes,
            metadata: own.metadata.or(dagster.metadata),
            folder: Some(project),
            ..own
        })
    }

    fn of_location(location: dagster::Location) -> Self {
        Self {
            service: Some(location.name),
            processes: BTreeMap::from([("web".to_owned(), location.web)]),
            metadata: Some(location.metadata),
            folder: location.directory,
            ..Self::default()
        }
    }

    /// Parses a `dagster_cloud.yaml`: the location called `service`, or the only one.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Settings`] if the text is malformed or has no such location, or
    /// [`ErrorKind::SeveralLocations`] if it has several and `service` is `None`.
    pub fn of_dagster(text: &str, origin: &str, service: Option<&str>) -> Result<Self, Error> {
        dagster::parse(text, origin, service).map(Self::of_location)
    }

    fn own(folder: &Path) -> Result<Self, Error> {
        let own = folder.join("pinnace.toml");
        if let Some(text) = read_text(&own)? {
            return Self::parse(&text, &own.display().to_string());
        }
        let project = folder.join("pyproject.toml");
        let Some(text) = read_text(&project)? else { return Ok(Self::default()) };
        let origin = project.display().to_string();
        let table: toml::Table = text.parse().map_err(|error| refuse(&origin, &error))?;
        let own = table.get("tool").and_then(|tool| tool.get("pinnace"));
        own.map_or_else(|| Ok(Self::default()), |own| Self::of_table(own.clone(), &origin))
    }

    /// Parses a `pinnace.toml`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Settings`] if the text is malformed or contradictory.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let table: toml::Table = text.parse().map_err(|error| refuse(origin, &error))?;
        Self::of_table(table.into(), origin)
    }

    fn of_table(table: toml::Value, origin: &str) -> Result<Self, Error> {
        let raw: RawSettings = table.try_into().map_err(|error: toml::de::Error| {
            let is_command = error.to_string().contains("expected a sequence");
            let example = if is_command { COMMAND_EXAMPLE } else { "" };
            refuse(origin, &format!("{}{example}", error.to_string().trim()))
        })?;
        let web = raw.web(origin)?;
        let mut processes = raw.processes;
        if let Some(web) = web
            && processes.insert("web".to_owned(), web).is_some()
        {
            return Err(refuse(
                origin,
                &"`serve` means `processes.web`: only one of them is allowed",
            ));
        }
        let settings = Self {
            service: raw.service,
            python: raw.python,
            platform: raw.platform,
            processes,
            env: raw.env,
            include: raw.include,
            exclude: raw.exclude,
            prepare: raw.prepare,
            metadata: raw.metadata,
            extra: raw.extra,
            group: raw.group,
            agent: raw.agent,
            store: raw.store,
            folder: None,
        };
        settings.check(origin).map(|()| settings)
    }

    /// Refuses contradictory or incomplete settings.
    fn check(&self, origin: &str) -> Result<(), Error> {
        if let Some((name, _)) = self.processes.iter().find(|(_, process)| process.argv.is_empty())
        {
            return Err(refuse(origin, &format!("the process `{name}` has no command")));
        }
        if let Some(name) = self.env.iter().find(|name| !is_variable_name(name)) {
            let reason = format!("`env`: invalid name of an environment variable: `{name}`");
            return Err(refuse(origin, &reason));
        }
        if self.python.is_some() && self.platform.is_some() {
            let reason = "`platform` includes the version of Python: leave `python` out";
            return Err(refuse(origin, &reason));
        }
        Ok(())
    }
}

fn refuse(origin: &str, reason: &dyn std::fmt::Display) -> Error {
    let (origin, reason) = (origin.to_owned(), reason.to_string().trim().to_owned());
    ErrorKind::Settings { origin, reason }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_is_the_process_web() {
        let text = "service = 'shop'\nserve = ['python', '-m', 'app']\nready = 'http:/'\nenv = ['KEY']\n\
                    [processes.worker]\nargv = ['python', 'work.py']\ndrain = '2m'\n";
        let settings = Settings::parse(text, "pinnace.toml").unwrap();
        let web = &settings.processes["web"];
        assert_eq!(
            (web.ready.to_string(), web.stop.to_string()),
            ("http:/".to_owned(), "signal:TERM".to_owned())
        );
        assert_eq!(settings.processes["worker"].drain.seconds(), 120);
    }

    #[test]
    fn contradictions_are_refused_with_the_file() {
        for (text, reason) in [
            ("servce = 'x'", "unknown field"),
            ("ready = 'tcp'", "which is missing"),
            ("serve = ['x']\n[processes.web]\nargv = ['y']", "only one"),
            ("serve = []", "no command"),
            ("serve = 'flask run'", "as its words"),
            ("serve = ['x']\nstop = 'signal:KILL'", "TERM"),
            ("python = '3.11'\nplatform = 'linux_x86_64-cp311'", "leave `python` out"),
            ("env = ['../other/KEY']", "invalid name of an environment variable"),
            ("service = ", "expected"),
        ] {
            let error = Settings::parse(text, "p.toml").unwrap_err().to_string();
            assert!(error.starts_with("`p.toml`: ") && error.contains(reason), "{text}: {error}");
        }
    }
}
