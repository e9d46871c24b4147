//! The launch of a release: fetch, materialize, start its processes, wait until they are ready.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use pinnace_deploy::{Environment, is_variable_name};
use pinnace_store::Digest;

use super::{
    context::Context,
    instance::Instance,
    launcher::Launcher,
    ports,
    readiness::wait_until_ready,
    revision::Revision,
    running::{Running, web},
    service::Service,
    services::Services,
};

/// The course of a launch, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct LaunchReport {
    /// The parts of the release that this machine had already, in words.
    pub(crate) host: String,
    pub(crate) timings: Vec<(&'static str, Duration)>,
    /// The last output of the process that made the launch fail.
    pub(crate) log: Vec<String>,
}

/// The time that a process has to become ready. Large imports on a busy machine take minutes.
const LIMIT: Duration = Duration::from_secs(180);

/// Launches a release beside the processes that run. `before` is the live release. If the launch fails, its processes
/// are ended.
///
/// # Errors
///
/// Returns the reason of the failure, in words.
pub(crate) async fn launch(
    services: &Arc<Services>,
    service: &Arc<Service>,
    revision: Revision,
    before: Option<Digest>,
    report: &mut LaunchReport,
) -> Result<Running, String> {
    let context = &services.context;
    ports::ensure_open(context, service)?;
    let environment = materialize(services, revision, before, report).await?;
    let started = Instant::now();
    let variables = variables(context, service, &environment)?;
    let (environment, variables) = (&environment, &variables);
    let launcher = Launcher { context, service, revision, environment, variables };
    let instances = launcher.start(|_| true)?;
    let ready = wait_for_all(&launcher, &instances).await;
    report.timings.push(("start", started.elapsed()));
    if let Err((guilty, reason)) = ready {
        if let Some(guilty) = guilty {
            report.log = guilty.last_output().await;
        }
        return Err(reason);
    }
    Ok(Running { revision, instances, since: Instant::now() })
}

/// Launches the processes that a running release has lost.
///
/// # Errors
///
/// Returns the reason of the failure, in words.
pub(crate) async fn relaunch_missing(
    services: &Arc<Services>,
    service: &Arc<Service>,
    running: &Running,
) -> Result<Vec<Instance>, String> {
    let (context, revision) = (&services.context, running.revision);
    let environment = materialize(services, revision, None, &mut LaunchReport::default()).await?;
    let variables = variables(context, service, &environment)?;
    let (environment, variables) = (&environment, &variables);
    let launcher = Launcher { context, service, revision, environment, variables };
    let is_running = |name: &str| {
        let name = launcher.instance_name(name);
        running.instances.iter().any(|instance| instance.name == name)
    };
    let instances = launcher.start(|name| !is_running(name))?;
    try_join_all(instances.iter().map(|instance| wait_until_ready(service, instance, LIMIT)))
        .await?;
    Ok(instances)
}

/// Waits until all processes are ready and the release has given its metadata. An error names the process at fault.
async fn wait_for_all<'i>(
    launcher: &Launcher<'_>,
    instances: &'i [Instance],
) -> Result<(), (Option<&'i Instance>, String)> {
    try_join_all(instances.iter().map(|instance| async move {
        let ready = wait_until_ready(launcher.service, instance, LIMIT).await;
        ready.map_err(|reason| (Some(instance), reason))
    }))
    .await?;
    launcher.ask_metadata(instances).await.map_err(|reason| (web(instances), reason))
}

/// Fetches and materializes a release, off the threads that serve requests.
async fn materialize(
    services: &Arc<Services>,
    revision: Revision,
    before: Option<Digest>,
    report: &mut LaunchReport,
) -> Result<Environment, String> {
    let services = Arc::clone(services);
    let work = move || materialize_now(&services.context, revision, before);
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    let (environment, done) = done.map_err(|error| error.to_string())?;
    *report = done;
    Ok(environment)
}

fn materialize_now(
    context: &Context,
    revision: Revision,
    before: Option<Digest>,
) -> Result<(Environment, LaunchReport), pinnace_deploy::Error> {
    let installer = context.installer();
    let mut report = LaunchReport::default();
    let started = Instant::now();
    if let Some(environment) = installer.find(&revision.release) {
        report.timings.push(("fetch", Duration::ZERO));
        report.timings.push(("materialise", started.elapsed()));
        report.host = "warm: this release was laid out here before".to_owned();
        return Ok((environment, report));
    }
    let fetched = installer.fetch(&context.store, &revision.release)?;
    report.timings.push(("fetch", started.elapsed()));
    report.host = match (fetched.fetched, fetched.wheels) {
        (0, 0) => "warm: it has no dependencies".to_owned(),
        (0, wheels) => format!("warm: all {wheels} wheels were here"),
        (new, wheels) => format!("new: {new} of {wheels} wheels were not here"),
    };
    let started = Instant::now();
    let environment = installer.materialize(&fetched, before.as_ref())?;
    report.timings.push(("materialise", started.elapsed()));
    Ok((environment, report))
}

/// Returns the variables that a release names, with their values.
fn variables(
    context: &Context,
    service: &Service,
    environment: &Environment,
) -> Result<BTreeMap<String, OsString>, String> {
    let release = environment.release();
    let mut values = BTreeMap::new();
    for name in &release.environment {
        if !is_variable_name(name) {
            return Err(format!("`{name}` is no name of an environment variable"));
        }
        let value = context.variables.value(&service.name, name);
        let value = value.map_err(|error| error.to_string())?;
        values.extend(value.map(|value| (name.clone(), value)));
    }
    let missing = release.lacks(|name| values.contains_key(name));
    if missing.is_empty() {
        return Ok(values);
    }
    Err(format!(
        "the release needs environment variables that the agent does not have for `{}`: {}",
        service.name,
        missing.join(", ")
    ))
}
