//! A release on its way up: fetched, laid out, started, proven.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{Ipv4Addr, TcpListener},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use pinnace_deploy::{Endpoint, Environment, Metadata, Variables, is_variable_name};
use pinnace_store::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    gate::{Place, Upstream},
    inner::Inner,
    instance::Instance,
    kept::Kept,
    metadata, orphans,
    prove::{ended, prove},
    saved::KeptMetadata,
};

/// What is to be live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) generation: u64,
    pub(crate) release: Digest,
}

/// A release that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) goal: Goal,
    pub(crate) instances: Vec<Instance>,
    pub(crate) since: Instant,
}

/// How a release came up, as far as it did.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) host: String,
    pub(crate) timings: Vec<(&'static str, Duration)>,
    /// The last lines that its processes said, where it failed.
    pub(crate) log: Vec<String>,
}

/// How long a process may take to be ready: what imports much on a busy machine takes minutes.
const LIMIT: Duration = Duration::from_secs(180);

impl Running {
    /// The process that answers.
    pub(crate) fn web(&self) -> Option<&Instance> {
        web(&self.instances)
    }

    /// Waits until one of its processes ends, and tells which and how.
    pub(crate) async fn died(&self) -> (usize, String) {
        let deaths = self.instances.iter().map(|one| {
            Box::pin(async move { format!("`{}` {}", one.name, ended(one.exited().await)) })
        });
        let (how, which, _) = futures_util::future::select_all(deaths).await;
        (which, how)
    }
}

/// Brings a release up, beside whatever runs, which is what was live before. On a failure nothing of it is left.
pub(crate) async fn raise(
    inner: &Arc<Inner>,
    kept: &Arc<Kept>,
    goal: Goal,
    before: Option<Digest>,
    course: &mut Course,
) -> Result<Running, String> {
    kept.reach(inner)?;
    let laid = lay(inner, goal, before, course).await?;
    let started = Instant::now();
    let values = variables(inner, kept, &laid)?;
    let raising = Raising { inner, kept, goal, laid: &laid, values: &values };
    let instances = raising.start(|_| true)?;
    let proofs = instances.iter().map(|one| async move {
        prove(kept, one, LIMIT).await.map_err(|reason| (Some(one), reason))
    });
    let proven = match (try_join_all(proofs).await, &laid.release().metadata) {
        (Ok(_), Some(wanted)) => {
            let answered = raising.ask(wanted, &instances, &digest(&values)).await;
            answered.map_err(|reason| (web(&instances), reason))
        }
        (proven, _) => proven.map(drop),
    };
    course.timings.push(("start", started.elapsed()));
    if let Err((guilty, reason)) = proven {
        if let Some(guilty) = guilty {
            course.log = guilty.last_words().await;
        }
        return Err(reason);
    }
    Ok(Running { goal, instances, since: Instant::now() })
}

/// Starts what is lacking of a release that runs.
pub(crate) async fn revive(
    inner: &Arc<Inner>,
    kept: &Arc<Kept>,
    running: &Running,
) -> Result<Vec<Instance>, String> {
    let goal = running.goal;
    let laid = lay(inner, goal, None, &mut Course::default()).await?;
    let values = variables(inner, kept, &laid)?;
    let raising = Raising { inner, kept, goal, laid: &laid, values: &values };
    let shown = |name: &str| format!("{name} {}", goal.generation);
    let is_there = |name: &str| running.instances.iter().any(|one| one.name == shown(name));
    let instances = raising.start(|name| !is_there(name))?;
    try_join_all(instances.iter().map(|one| prove(kept, one, LIMIT))).await?;
    Ok(instances)
}

/// Fetches what is lacking, and lays it out, off the threads that answer.
async fn lay(
    inner: &Arc<Inner>,
    goal: Goal,
    before: Option<Digest>,
    course: &mut Course,
) -> Result<Environment, String> {
    let inner = Arc::clone(inner);
    let work = move || -> Result<(Environment, Course), pinnace_deploy::Error> {
        let host = inner.host();
        let mut course = Course::default();
        let started = Instant::now();
        if let Some(laid) = host.find(&goal.release) {
            course.timings.push(("fetch", Duration::ZERO));
            course.timings.push(("materialise", started.elapsed()));
            course.host = "warm: this release was laid out here before".to_owned();
            return Ok((laid, course));
        }
        let fetched = host.fetch(&inner.store, &goal.release)?;
        course.timings.push(("fetch", started.elapsed()));
        course.host = match (fetched.fetched, fetched.wheels) {
            (0, 0) => "warm: it has no dependencies".to_owned(),
            (0, wheels) => format!("warm: all {wheels} wheels were here"),
            (new, wheels) => format!("new: {new} of {wheels} wheels were not here"),
        };
        let started = Instant::now();
        let laid = host.materialize(&fetched, before.as_ref())?;
        course.timings.push(("materialise", started.elapsed()));
        Ok((laid, course))
    };
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    let (laid, done) = done.map_err(|error| error.to_string())?;
    *course = done;
    Ok(laid)
}

/// The variables that a release names, with their values.
fn variables(
    inner: &Inner,
    kept: &Kept,
    laid: &Environment,
) -> Result<BTreeMap<String, OsString>, String> {
    let mut values = BTreeMap::new();
    for name in &laid.release().environment {
        if !is_variable_name(name) {
            return Err(format!("`{name}` is no name of an environment variable"));
        }
        let value = inner.variables.value(&kept.name, name).map_err(|error| error.to_string())?;
        values.extend(value.map(|value| (name.clone(), value)));
    }
    let lacking = laid.release().lacks(|name| values.contains_key(name));
    match lacking.is_empty() {
        true => Ok(values),
        false => Err(format!(
            "the release needs environment variables that the agent does not have for `{}`: {}",
            kept.name,
            lacking.join(", ")
        )),
    }
}

struct Raising<'a> {
    inner: &'a Inner,
    kept: &'a Kept,
    goal: Goal,
    laid: &'a Environment,
    values: &'a BTreeMap<String, OsString>,
}

impl Raising<'_> {
    /// Starts processes.
    fn start(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Instance>, String> {
        let processes = &self.laid.release().processes;
        if processes.is_empty() {
            return Err(
                "the release has no process: `serve` in its `[tool.pinnace]` says what it runs"
                    .to_owned(),
            );
        }
        let start = |(name, process): (&String, &pinnace_deploy::Process)| {
            let failed =
                |reason: String| format!("the process `{name}` cannot be started: {reason}");
            let endpoint = self.endpoint(name).map_err(|error| failed(error.to_string()))?;
            let command = self.command(&endpoint.fill(&process.argv), &endpoint);
            let command = command.ok_or_else(|| failed("it has no command".to_owned()))?;
            let upstream = Arc::new(Upstream::new(Place::of(&endpoint, &process.argv)));
            let shown = format!("{name} {}", self.goal.generation);
            let log = Arc::clone(&self.kept.log);
            let program = command.get_program().to_string_lossy().into_owned();
            let group = self.kept.folder.groups();
            Instance::start(shown, process.clone(), command, upstream, log, group)
                .map_err(|error| failed(format!("`{program}`: {error}")))
        };
        processes.iter().filter(|(name, _)| is_wanted(name)).map(start).collect()
    }

    /// A port that is free now, and a socket.
    fn endpoint(&self, process: &str) -> std::io::Result<Endpoint> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut endpoint = Endpoint::of_port(free.local_addr()?.port());
        let number = self.inner.next_number();
        endpoint.socket =
            Some(self.inner.sockets.join(format!("{}-{process}-{number}", self.kept.name)));
        Ok(endpoint)
    }

    /// A command with nothing around it but what the release names.
    fn command(&self, words: &[String], endpoint: &Endpoint) -> Option<Command> {
        let usual = [
            ("HOME", self.kept.folder.home().into_os_string()),
            ("LANG", "C.UTF-8".into()),
            ("PYTHONUNBUFFERED", "1".into()),
        ];
        let usual = usual.map(|(name, value)| (name.to_owned(), value));
        let mut variables = BTreeMap::from(usual);
        variables.extend(self.values.clone());
        // These are ours, whatever a release names.
        for (name, value) in [
            ("PINNACE_SERVICE", self.kept.name.clone().into()),
            ("PINNACE_GENERATION", self.goal.generation.to_string().into()),
            ("PINNACE_RELEASE", self.goal.release.to_string().into()),
            (orphans::MARK, self.inner.data.clone().into_os_string()),
        ] {
            variables.insert(name.to_owned(), value);
        }
        self.laid.command(words, endpoint, Variables::Only(&variables), None)
    }

    /// Asks what the release is made of, unless it has said so under these circumstances.
    async fn ask(
        &self,
        wanted: &Metadata,
        instances: &[Instance],
        variables: &str,
    ) -> Result<(), String> {
        let known = self.kept.folder.metadata();
        let is_known = known.is_some_and(|known| {
            known.generation == self.goal.generation && known.variables == variables
        });
        if is_known && matches!(wanted, Metadata::Function { .. }) {
            return Ok(());
        }
        let web = web(instances);
        let command = match wanted {
            Metadata::Function { module, function } => {
                let endpoint = Endpoint::of_port(0);
                self.command(&metadata::words(module, function), &endpoint)
            }
            _ => None,
        };
        let value = metadata::ask(wanted, command, web).await?;
        let (generation, variables) = (self.goal.generation, variables.to_owned());
        let kept = KeptMetadata { generation, variables, value };
        self.kept.folder.keep_metadata(&kept).map_err(|error| error.to_string())
    }
}

/// The process that answers.
fn web(instances: &[Instance]) -> Option<&Instance> {
    instances.iter().find(|one| one.is_web())
}

/// Tells whether variables are the same, and nothing else of them.
fn digest(values: &BTreeMap<String, OsString>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in values {
        for part in [name.as_bytes(), value.as_encoded_bytes()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Digest::new(hash.finalize().into()).to_hex()
}
