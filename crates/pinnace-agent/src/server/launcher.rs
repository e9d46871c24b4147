//! The processes of one launch: their endpoints, commands and metadata.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{Ipv4Addr, TcpListener},
    process::Command,
    sync::Arc,
};

use pinnace_deploy::{Endpoint, Environment, Metadata, Process, Variables};
use pinnace_store::Digest;
use sha2::{Digest as _, Sha256};

use super::{
    context::Context, gate::Upstream, instance::Instance, link::ProcessAddress, metadata, orphans,
    revision::Revision, running::web, service::Service, state_dir::KnownMetadata,
};

/// A starter of a release's processes.
pub(crate) struct Launcher<'a> {
    pub(crate) context: &'a Context,
    pub(crate) service: &'a Service,
    pub(crate) revision: Revision,
    pub(crate) environment: &'a Environment,
    pub(crate) variables: &'a BTreeMap<String, OsString>,
}

impl Launcher<'_> {
    /// Returns the name of a process with its generation: `web 5`.
    pub(crate) fn instance_name(&self, process: &str) -> String {
        format!("{process} {}", self.revision.generation)
    }

    /// Starts the processes of these names.
    ///
    /// # Errors
    ///
    /// Returns the reason if the release has no process, or one cannot be started.
    pub(crate) fn start(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Instance>, String> {
        let processes = &self.environment.release().processes;
        if processes.is_empty() {
            return Err(
                "the release has no process: `serve` in its `[tool.pinnace]` says what it runs"
                    .to_owned(),
            );
        }
        let wanted = processes.iter().filter(|(name, _)| is_wanted(name));
        let started = wanted.map(|(name, process)| {
            let started = self.start_one(name, process);
            started.map_err(|reason| format!("the process `{name}` cannot be started: {reason}"))
        });
        started.collect()
    }

    fn start_one(&self, name: &str, process: &Process) -> Result<Instance, String> {
        let endpoint = self.endpoint(name).map_err(|error| error.to_string())?;
        let command = self.command(&endpoint.fill(&process.argv), &endpoint);
        let command = command.ok_or("it has no command")?;
        let program = command.get_program().to_string_lossy().into_owned();
        let upstream = Upstream::new(ProcessAddress::of(&endpoint, &process.argv));
        Instance::start(
            self.instance_name(name),
            process.clone(),
            command,
            Arc::new(upstream),
            &self.service.log,
            &self.service.dir.groups(),
        )
        .map_err(|error| format!("`{program}`: {error}"))
    }

    /// Returns a port that is free now, and a socket.
    fn endpoint(&self, process: &str) -> std::io::Result<Endpoint> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut endpoint = Endpoint::of_port(free.local_addr()?.port());
        let socket = format!("{}-{process}-{}", self.service.name, self.context.next_number());
        endpoint.socket = Some(self.context.sockets.join(socket));
        Ok(endpoint)
    }

    /// Returns a command whose environment has only the variables of the release and of the agent.
    fn command(&self, words: &[String], endpoint: &Endpoint) -> Option<Command> {
        let mut variables: BTreeMap<String, OsString> = BTreeMap::from([
            ("HOME".to_owned(), self.service.dir.home().into_os_string()),
            ("LANG".to_owned(), "C.UTF-8".into()),
            ("PYTHONUNBUFFERED".to_owned(), "1".into()),
        ]);
        variables.extend(self.variables.clone());
        // The agent's own variables win over those of the release.
        for (name, value) in [
            ("PINNACE_SERVICE", self.service.name.clone().into()),
            ("PINNACE_GENERATION", self.revision.generation.to_string().into()),
            ("PINNACE_RELEASE", self.revision.release.to_string().into()),
            (orphans::MARK, self.context.data.clone().into_os_string()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        self.environment.command(words, endpoint, Variables::Only(&variables), None)
    }

    /// Asks a release that declares metadata for it, and saves the answer. A function that was asked with the same
    /// generation and variables is not asked again.
    ///
    /// # Errors
    ///
    /// Returns the reason if the release does not give its metadata.
    pub(crate) async fn ask_metadata(&self, instances: &[Instance]) -> Result<(), String> {
        let Some(wanted) = &self.environment.release().metadata else { return Ok(()) };
        let variables = digest(self.variables);
        let is_known = self.service.dir.metadata().is_some_and(|known| {
            known.generation == self.revision.generation && known.variables == variables
        });
        if is_known && matches!(wanted, Metadata::Function { .. }) {
            return Ok(());
        }
        let command = match wanted {
            Metadata::Function { module, function } => {
                self.command(&metadata::words(module, function), &Endpoint::of_port(0))
            }
            _ => None,
        };
        let value = metadata::ask(wanted, command, web(instances)).await?;
        let known = KnownMetadata { generation: self.revision.generation, variables, value };
        self.service.dir.save_metadata(&known).map_err(|error| error.to_string())
    }
}

/// Returns a digest that tells whether variables have changed, and reveals nothing of them.
fn digest(variables: &BTreeMap<String, OsString>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in variables {
        for part in [name.as_bytes(), value.as_encoded_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Digest::new(hash.finalize().into()).to_hex()
}
