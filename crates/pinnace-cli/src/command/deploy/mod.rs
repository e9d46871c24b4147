//! `pinnace deploy`: a project in, a release out, live in a store.

mod dependencies;
mod landing;
mod reason;
mod report;
mod sources;

use std::{
    path::{Path, PathBuf},
    thread,
};

use pinnace_agent::Client;
use pinnace_deploy::{Ask, Draft, Ingredients, Live, Machine, Service, Settings, WheelSet};
use pinnace_store::{Deployment, Digest, Published, RefName, parallel::join};
use pinnace_wheel::Target;

use crate::{
    Failure, agents,
    arguments::Deploy,
    backends::Backends,
    environment::Environment,
    platforms,
    prepare::prepare,
    progress::Output,
    services,
    session::Session,
    stores::{self, Absent, Unseen},
    timings::Timings,
};

use dependencies::Dependencies;
pub(crate) use report::Done;
use report::State;
use sources::Sources;

pub(crate) fn run(
    arguments: &Deploy,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let session = Session::start(environment, &arguments.index, output)?;
    let done = deploy(arguments, &session).map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let done = done?;
    done.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    output.result(&done.as_text(), &done.as_json())
}

/// Deploys a project, or a release.
pub(crate) fn deploy(arguments: &Deploy, session: &Session<'_>) -> Result<Done, Failure> {
    let environment = session.environment;
    let folder = environment.folder.join(&arguments.project);
    let folder = folder.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
        Failure::usage(format!("`{}` is no folder that is there", arguments.project.display()))
    })?;
    let settings = Settings::of_project(&folder, arguments.service.as_deref())?;
    let folder = match &settings.folder {
        Some(project) => project.canonicalize().map_err(|error| {
            Failure::io(&format!("cannot look at `{}`", project.display()), &error)
        })?,
        None => folder,
    };
    let client =
        agents::client(&arguments.store.agent, settings.agent.as_deref(), session.environment)?;
    let python = arguments.platform.python().or(settings.python.as_deref());
    let ask = if arguments.full || arguments.upgrade { Ask::Anew } else { Ask::IfChanged };
    let backends = |target| {
        Backends::new(session, &arguments.index, target, python)
            .for_project(&folder, &settings, ask)
    };
    if let Some(release) = &arguments.release {
        // It has its platform, of which nothing need be here.
        let backends = backends(None);
        let job =
            Job::of(arguments, session, &folder, &settings, backends, client).map_err(|failure| {
                failure.hint(
                    "`--service NAME` says whose release it will be, whatever the project says",
                )
            });
        return job?.bring_live(release);
    }
    let mut timings = Timings::default();
    prepare(&settings, &folder, session)?;
    if !settings.prepare.is_empty() {
        timings.lap("prepare");
    }
    let hosts = client.as_ref().map(landing::Hosts::of).transpose()?;
    let target = target(arguments, &settings, hosts.as_ref(), session)?;
    let backends = backends(Some(&target));
    let job = Job { hosts, ..Job::of(arguments, session, &folder, &settings, backends, client)? };
    job.run(&target, timings)
}

/// The name that is given, or that the project says, or that it has.
fn service(
    arguments: &Deploy,
    settings: &Settings,
    folder: &Path,
    backends: &Backends<'_>,
) -> Result<String, Failure> {
    if let Some(name) = arguments.service.as_ref().or(settings.service.as_ref()) {
        return Ok(name.clone());
    }
    if let Some(project) = backends.distribution(folder)? {
        return Ok(project.name);
    }
    let name = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    name.ok_or_else(|| Failure::usage("the project has no name; name the service with `--service`"))
}

/// The one platform that the release is for: of who runs it, where nothing else is said.
fn target(
    arguments: &Deploy,
    settings: &Settings,
    hosts: Option<&landing::Hosts>,
    session: &Session<'_>,
) -> Result<Target, Failure> {
    let mut platform = arguments.platform.clone();
    if platform.are_open() {
        platform.pythons.extend(settings.python.clone());
        platform.platform.extend(settings.platform.clone());
    }
    if let Some(hosts) = hosts.filter(|_| platform.has_no_platform()) {
        return hosts.target(platform.python());
    }
    let targets = platforms::targets(&platform, session.environment, &session.storage)?;
    match <[Target; 1]>::try_from(targets) {
        Ok([target]) => Ok(target),
        Err(several) => Err(Failure::usage(format!(
            "a release is for one platform, and {} are named",
            several.len()
        ))),
    }
}

pub(crate) struct Job<'a> {
    arguments: &'a Deploy,
    session: &'a Session<'a>,
    folder: PathBuf,
    settings: &'a Settings,
    backends: Backends<'a>,
    service: String,
    store: Unseen,
    machine: &'a Machine,
    name: RefName,
    /// Who runs it, if that is known.
    client: Option<Client>,
    /// What runs there.
    hosts: Option<landing::Hosts>,
}

impl<'a> Job<'a> {
    fn of(
        arguments: &'a Deploy,
        session: &'a Session<'a>,
        folder: &Path,
        settings: &'a Settings,
        backends: Backends<'a>,
        client: Option<Client>,
    ) -> Result<Self, Failure> {
        let service = service(arguments, settings, folder, &backends)?;
        let absent = if arguments.dry_run { Absent::Pretend } else { Absent::Make };
        let store = stores::reached(
            &arguments.store,
            Some(settings),
            client.as_ref(),
            absent,
            session.environment,
            &session.reporter,
        )?;
        let machine = session.storage.machine();
        let (name, folder) = (services::wanted(&service)?, folder.to_owned());
        Ok(Self {
            arguments,
            session,
            folder,
            settings,
            backends,
            service,
            store,
            machine,
            name,
            client,
            hosts: None,
        })
    }

    fn run(&self, target: &Target, mut timings: Timings) -> Result<Done, Failure> {
        let service = Service::new(&self.store.store, self.machine, &self.name);
        // The store is asked while the project is looked at.
        let (is_there, live, own) = thread::scope(|scope| {
            let is_there = scope.spawn(|| self.store.is_there());
            let live = scope.spawn(|| service.look());
            let own = sources::scan(self, &self.folder);
            (join(is_there), join(live), own)
        });
        is_there?;
        let (live, own) = (live?, own?);
        timings.lap("scan");
        let dependencies = Dependencies::of(self, &live, target)?;
        let sources = Sources::with(self, own, &dependencies.folders)?;
        timings.lap("resolve");
        if sources.are_empty() && dependencies.set.wheels.is_empty() {
            let message = format!("there is nothing to deploy in `{}`", self.folder.display());
            return Err(Failure::usage(message).hint("name the folder of the project"));
        }
        self.check_host(target, &dependencies.set)?;
        let is_doubted = self.arguments.full || dependencies.are_lost;
        let live = if is_doubted { live.distrusted() } else { live };
        let mut done = self.done(&live, &dependencies, &sources);
        if self.arguments.dry_run {
            done.state = State::NotPublished;
            return Ok(done);
        }
        let ingredients = self.ingredients(target.clone(), sources, dependencies.set.clone());
        self.fetch_what_is_measured(&ingredients, &live)?;
        let made = ingredients.make(&live, self.machine, self.session.environment.threads)?;
        done.release = Some(made.digest());
        done.source = made.release().sources().next().map(|layer| layer.digest);
        if live.digest() == Some(made.digest()) && !is_doubted {
            timings.lap("build");
            done.state = State::Unchanged;
        } else {
            let draft = made.draft()?;
            timings.lap("build");
            self.publish(&service, live, &draft, &dependencies, &mut done, &mut timings)?;
        }
        self.land(&service, &mut done, &mut timings)?;
        timings.total(self.session.started);
        done.timings = timings.laps;
        Ok(done)
    }

    fn publish(
        &self,
        service: &Service<'_>,
        live: Live,
        draft: &Draft,
        dependencies: &Dependencies,
        done: &mut Done,
        timings: &mut Timings,
    ) -> Result<(), Failure> {
        self.session.reporter.moving("publishing");
        let now = self.session.environment.now;
        let is_due = service.is_due(now);
        let live = if is_due { live.doubted() } else { live };
        self.offer(&live, dependencies)?;
        let (places, moved) = service.put(&live, draft)?;
        timings.lap("upload");
        if is_due {
            service.has_seen_all(now);
        }
        if let Some(step) = live.step.as_ref().filter(|_| live.digest() == Some(draft.digest())) {
            service.is_live(draft, step, places)?;
            (done.moved, done.state) = (moved, State::Unchanged);
            return Ok(());
        }
        let mut record = self.record();
        record.extensions = dependencies.remembered(&live);
        record.timings_ms = timings.milliseconds();
        let step = self.published(service.go_live(&live, &draft.digest(), record)?)?;
        service.is_live(draft, &step, places)?;
        done.moved = moved.with_step(&step);
        done.generation = step.generation;
        done.state = State::Published;
        Ok(())
    }

    /// Brings a release live that is in the store.
    fn bring_live(&self, release: &str) -> Result<Done, Failure> {
        let mut timings = Timings::default();
        self.store.is_there()?;
        let store = &self.store.store;
        let service = Service::new(store, self.machine, &self.name);
        let release = services::release(release, store, self.machine)?;
        let live = service.look()?;
        let mut done = Done::new(&self.service, release, live.generation());
        if live.digest() != Some(release) {
            // It must be one that this version can run.
            let contents = pinnace_deploy::Contents::fetch(&self.store.store, &release)?;
            done.deps = contents.release().dependencies().map(|layer| layer.digest);
            done.source = contents.release().sources().next().map(|layer| layer.digest);
            store.hold(&release, live.digest().as_ref())?;
            let step = self.published(service.go_live(&live, &release, self.record())?)?;
            done.generation = step.generation;
            done.state = State::Published;
        }
        done.reason = "as it is".to_owned();
        timings.lap("upload");
        self.land(&service, &mut done, &mut timings)?;
        timings.total(self.session.started);
        done.timings = timings.laps;
        Ok(done)
    }

    fn published(&self, published: Published) -> Result<Deployment, Failure> {
        match published {
            Published::Done(step) => Ok(step),
            Published::Lost(newest) => Err(services::lost(&self.service, newest.as_ref())),
        }
    }

    fn record(&self) -> Deployment {
        services::record(&self.folder, self.arguments.reason.as_deref(), self.session.environment)
    }

    /// Words such as `{prt}`, which nobody fills in.
    fn unknown_placeholders(&self) -> Vec<String> {
        let is_unknown = |word: &&String| {
            let inner = word.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
            inner.is_some_and(|(name, _)| {
                !name.is_empty()
                    && !["port", "socket"].contains(&name)
                    && name.bytes().all(|byte| byte.is_ascii_lowercase())
            })
        };
        let processes = self.settings.processes.iter();
        let words = processes.flat_map(|(name, one)| {
            one.argv.iter().filter(is_unknown).map(move |word| (name.clone(), word.clone()))
        });
        let note = |(name, word)| {
            format!("`{word}` of the process `{name}` stays as it is: `{{port}}` is filled in")
        };
        words.map(note).collect()
    }

    fn ingredients(&self, target: Target, sources: Sources, set: WheelSet) -> Ingredients {
        let ingredients = Ingredients::new(target, set);
        let mut ingredients =
            sources.folders.into_iter().fold(ingredients, Ingredients::with_source);
        ingredients.processes.clone_from(&self.settings.processes);
        ingredients.environment.extend(self.settings.env.iter().cloned());
        ingredients.metadata.clone_from(&self.settings.metadata);
        ingredients
    }

    /// What `deps.pex` is must be known: where the live release does not tell, its wheels must be here.
    fn fetch_what_is_measured(
        &self,
        ingredients: &Ingredients,
        live: &Live,
    ) -> Result<(), Failure> {
        let Some(release) = live.digest().filter(|_| ingredients.needs_wheels(live)) else {
            return Ok(());
        };
        let mut missing = false;
        for wheel in &ingredients.dependencies.wheels {
            missing |= !self.machine.blobs().contains(&wheel.digest)?;
        }
        if missing {
            let contents = pinnace_deploy::Contents::fetch(&self.store.store, &release)?;
            contents.fetch_wheels(self.machine).map_err(|error| {
                let is_lost = error.is_lost();
                let failure = Failure::from(error);
                match is_lost {
                    true => failure.hint("`--full` resolves anew, and puts what is missing again"),
                    false => failure,
                }
            })?;
        }
        Ok(())
    }

    fn done(&self, live: &Live, dependencies: &Dependencies, sources: &Sources) -> Done {
        let mut done = Done::new(&self.service, Digest::new([0; 32]), live.generation());
        done.release = None;
        done.deps = dependencies.set.manifest().ok().map(|one| one.digest());
        done.path = dependencies.path;
        done.reason.clone_from(&dependencies.reason);
        done.resolved_at = dependencies.resolved_at;
        done.lock.clone_from(&dependencies.lock);
        done.now = self.session.environment.now;
        done.notes.clone_from(&dependencies.notes);
        done.notes.extend(sources.notes.iter().cloned());
        done.notes.extend(self.unknown_placeholders());
        if self.arguments.dry_run {
            done.sources = Some(sources.clone());
            let wheels = dependencies.set.wheels.iter();
            done.wheels = wheels.map(|wheel| wheel.name.clone()).collect();
        }
        done
    }
}
