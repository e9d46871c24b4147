//! `pinnace deploy`: publishes a release of a project in a store, and rolls it out on an agent.

mod report;

use pinnace_build::{Context, Env, ProjectMetadata, Refresh};
use pinnace_deploy::{
    DependencyPolicy, DeployOptions, Deployed, Deployer, Effect, Project, ServiceName, StoreMemory,
    find_release,
};
use pinnace_store::OnMissing;

use crate::{
    Failure, agents,
    arguments::Deploy,
    output::Output,
    session::Session,
    stores::{self, SelectedStore},
};

pub(crate) use report::Report;

pub(crate) fn run(arguments: &Deploy, env: &Env, output: Output) -> Result<(), Failure> {
    let session = Session::start(env, output)?;
    let done = deploy(arguments, &session).map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let report = Report { done: done?, now: env.now };
    report.done.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    output.result(&report.as_text(), &report.as_json())
}

/// Deploys a project, or a release of the store.
pub(crate) fn deploy(arguments: &Deploy, session: &Session<'_>) -> Result<Deployed, Failure> {
    let env = session.env;
    let project = Project::open_location(&arguments.project, arguments.service.as_deref(), env)?;
    let agent = project.settings().agent.as_deref();
    let client = agents::client(&arguments.store.agent, agent, env)?;
    let on_missing = if arguments.dry_run { OnMissing::Pretend } else { OnMissing::Create };
    let settings = Some(project.settings());
    let SelectedStore { store, side } = stores::select(
        &arguments.store,
        settings,
        client.as_ref(),
        on_missing,
        env,
        &session.reporter,
    )?;
    let cx = session.context(&arguments.index)?;
    let mut deployer = Deployer::to_unopened(&store, &cx).with_progress(&*session.reporter);
    if let Some(client) = &client {
        deployer = deployer.on_host(client, side);
    }
    let service = arguments.service.as_ref().map(|name| name.parse()).transpose()?;
    if let Some(release) = &arguments.release {
        let service = match service {
            Some(service) => service,
            None => service_name(&project, arguments, &cx)?,
        };
        store.check()?;
        let release = find_release(release, store.store(), cx.cache())?;
        let reason = arguments.reason.as_deref();
        return Ok(deployer.deploy_release(&release, &service, project.folder(), reason)?);
    }
    let options = options(arguments);
    Ok(match service {
        Some(service) => deployer.deploy(&project, &service, &options)?,
        None => deployer.deploy_project(&project, &options)?,
    })
}

/// Returns the service name of a project.
fn service_name(
    project: &Project,
    arguments: &Deploy,
    cx: &Context<'_>,
) -> Result<ServiceName, Failure> {
    let python = arguments.platform.pythons.first().map(String::as_str);
    let python = python.or(project.settings().python.as_deref());
    let projects = ProjectMetadata::new(cx, &arguments.index.spec(), None, python).for_project(
        project.folder(),
        project.settings(),
        Refresh::IfChanged,
    );
    project
        .service_name(&projects)
        .map_err(|error| Failure::from(error).hint("name the service with `--service`"))
}

fn options(arguments: &Deploy) -> DeployOptions {
    let mut options = DeployOptions::default();
    options.dependencies = match (arguments.locked, arguments.upgrade) {
        (true, _) => DependencyPolicy::Locked,
        (_, true) => DependencyPolicy::Upgrade,
        _ => DependencyPolicy::Reuse,
    };
    if arguments.full {
        options.memory = StoreMemory::Ignored;
    }
    if arguments.dry_run {
        options.effect = Effect::DryRun;
    }
    options.reason.clone_from(&arguments.reason);
    options.platforms = arguments.platform.spec();
    options.solve = arguments.solve.spec();
    options.indexes = arguments.index.spec();
    options
}
