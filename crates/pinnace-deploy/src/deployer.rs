use std::{path::Path, thread, time::Duration};

use pinnace_build::{Context, ProjectMetadata, Refresh, Scan, Timings, prepare, targets};
use pinnace_store::{Digest, Store, UnopenedStore, parallel::join};
use pinnace_wheel::{Silent, Target};

use crate::{
    Contents, DeployOptions, Deployed, Effect, Error, ErrorKind, Head, Host, Outcome, Plan,
    Progress, Project, ReleaseDraft, ReleaseInputs, Rollout, Service, ServiceName, Sources, Stage,
    StoreMemory,
    dependencies::{Chooser, Dependencies},
    deployment_record,
    history::published,
    host::HostChecks,
};

/// A deployer: it makes a release of a project, publishes it to a store, and brings it live.
///
/// ```
/// use pinnace_build::{Cache, Context, Env};
/// use pinnace_deploy::{DeployOptions, Deployer, Outcome, Project};
/// use pinnace_store::{MemoryBackend, Store};
///
/// # let folder = tempfile::tempdir()?;
/// # std::fs::File::create(folder.path().join("app.py"))?;
/// let env = Env::read()?;
/// let cache = Cache::open(&folder.path().join("cache"))?;
/// let store = Store::open(MemoryBackend::new())?;
/// let cx = Context::new(&env, &cache)?;
/// let project = Project::open(folder.path(), &env)?;
/// let done = Deployer::new(&store, &cx).deploy(&project, &"shop".parse()?, &DeployOptions::default())?;
/// assert_eq!((done.generation, done.outcome), (1, Outcome::Published));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Deployer<'a> {
    store: &'a Store,
    cx: &'a Context<'a>,
    unopened: Option<&'a UnopenedStore>,
    progress: &'a dyn Progress,
    host: Option<&'a dyn Host>,
    store_side: StoreSide,
}

/// The side that a deployment's store is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreSide {
    /// It is reached without the host.
    Direct,
    /// It is reached through the host, which can download wheels into it by itself.
    Host,
}

impl std::fmt::Debug for Deployer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployer").field("store", self.store).finish_non_exhaustive()
    }
}

impl<'a> Deployer<'a> {
    /// Creates a deployer to a store.
    pub fn new(store: &'a Store, cx: &'a Context<'a>) -> Self {
        let (progress, store_side) = (&Silent, StoreSide::Direct);
        Self { store, cx, unopened: None, progress, host: None, store_side }
    }

    /// Creates a deployer to a store that was not opened yet: it is checked while the project is scanned.
    pub fn to_unopened(store: &'a UnopenedStore, cx: &'a Context<'a>) -> Self {
        Self { unopened: Some(store), ..Self::new(store.store(), cx) }
    }

    /// Sets the observer of stages.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Sets the host that the release goes live on. The release is then for a platform of the host, and the
    /// deployment ends when it is live there.
    #[must_use]
    pub fn on_host(mut self, host: &'a dyn Host, store_side: StoreSide) -> Self {
        (self.host, self.store_side) = (Some(host), store_side);
        self
    }

    /// Deploys a project as a service.
    ///
    /// # Errors
    ///
    /// Returns an error if a release cannot be made, published, or brought live. The service then stays as it
    /// was.
    pub fn deploy(
        &self,
        project: &Project,
        service: &ServiceName,
        options: &DeployOptions,
    ) -> Result<Deployed, Error> {
        self.deploy_as(project, Some(service), options)
    }

    /// Deploys a project as the service that its settings or its name tell.
    ///
    /// # Errors
    ///
    /// As [`Self::deploy`].
    pub fn deploy_project(
        &self,
        project: &Project,
        options: &DeployOptions,
    ) -> Result<Deployed, Error> {
        self.deploy_as(project, None, options)
    }

    /// Brings a release of the store live as it is.
    ///
    /// # Errors
    ///
    /// Returns an error if an object of the release is missing, or another deployer was first.
    pub fn deploy_release(
        &self,
        release: &Digest,
        service: &ServiceName,
        folder: &Path,
        reason: Option<&str>,
    ) -> Result<Deployed, Error> {
        let mut timings = Timings::since(self.cx.started());
        self.unopened.map_or(Ok(()), UnopenedStore::check)?;
        let view = Service::new(self.store, self.cx.cache(), service.wanted());
        let head = view.look()?;
        let mut done = Deployed::new(service, head.generation());
        done.release = Some(*release);
        done.reason = "as it is".to_owned();
        if head.digest() != Some(*release) {
            // It must be a release that this version can run.
            let contents = Contents::fetch(self.store, release)?;
            done.dependencies = contents.release().dependencies().map(|layer| layer.digest);
            done.source = contents.release().sources().next().map(|layer| layer.digest);
            self.store.hold(release, head.digest().as_ref())?;
            let record = deployment_record(folder, reason, self.cx.env());
            let deployment = published(service, view.go_live(&head, release, record)?)?;
            (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        }
        timings.end_step("upload");
        self.roll_out(&view, folder, reason, &mut done, &mut timings)?;
        timings.finish();
        done.timings = timings;
        Ok(done)
    }

    fn deploy_as(
        &self,
        project: &Project,
        service: Option<&ServiceName>,
        options: &DeployOptions,
    ) -> Result<Deployed, Error> {
        let mut timings = Timings::since(self.cx.started());
        let (folder, settings) = (project.folder(), project.settings());
        prepare(settings, folder, self.cx.progress())?;
        if !settings.prepare.is_empty() {
            timings.end_step("prepare");
        }
        let checks = self.host.map(HostChecks::ask).transpose()?;
        let target = self.target(project, options, checks.as_ref())?;
        let refresh = if options.resolves_again() { Refresh::Always } else { Refresh::IfChanged };
        let python = options.platforms.python().or(settings.python.as_deref());
        let projects = ProjectMetadata::new(self.cx, &options.indexes, Some(&target), python)
            .for_project(folder, settings, refresh);
        let service = match service {
            Some(service) => service.clone(),
            None => project.service_name(&projects)?,
        };
        let job = Job { deployer: self, project, projects: &projects, options, target: &target };
        job.run(&service, checks.as_ref(), timings)
    }

    /// Returns the platform of the release: the one that is named, else that of the host, else that of the
    /// default interpreter.
    fn target(
        &self,
        project: &Project,
        options: &DeployOptions,
        checks: Option<&HostChecks>,
    ) -> Result<Target, Error> {
        let (settings, mut platforms) = (project.settings(), options.platforms.clone());
        if platforms.is_empty() {
            platforms.pythons.extend(settings.python.clone());
            platforms.platforms.extend(settings.platform.clone());
        }
        if let Some(checks) = checks.filter(|_| platforms.has_no_platform()) {
            return checks.target(platforms.python());
        }
        let found = targets(&platforms, self.cx.env(), self.cx.cache())?;
        let one = <[Target; 1]>::try_from(found);
        let [target] = one.map_err(|all| ErrorKind::SeveralPlatforms { count: all.len() })?;
        Ok(target)
    }

    /// Waits until a deployment is live on the host. One that failed there before is not tried again by
    /// itself, so deploying the same release again publishes it once more.
    fn roll_out(
        &self,
        view: &Service<'_>,
        folder: &Path,
        reason: Option<&str>,
        done: &mut Deployed,
        timings: &mut Timings,
    ) -> Result<(), Error> {
        let Some(host) = self.host else { return Ok(()) };
        self.progress.stage(Stage::Starting);
        let wait = |done: &Deployed| {
            let (generation, release) = (done.generation, done.release.as_ref());
            let found = host.roll_out(&done.service, generation, release, self.progress);
            found.map_err(|error| self.host_error(error))
        };
        let check = |rollout: &Rollout, done: &Deployed| {
            rollout.check(done.service.as_str(), done.generation, &host.name())
        };
        let mut rollout = wait(done)?;
        if done.outcome == Outcome::Unchanged && check(&rollout, done).is_err() {
            self.publish_again(view, folder, reason, done)?;
            rollout = wait(done)?;
        }
        check(&rollout, done)?;
        if let Some(attempt) = rollout.attempt.as_ref().filter(|_| done.is_new()) {
            for step in ["fetch", "materialise", "start", "live"] {
                let took = attempt.timings_ms.iter().find(|(name, _)| name == step);
                if let Some((_, took)) = took {
                    timings.add(step, Duration::from_secs_f64(took.max(0.0) / 1000.0));
                }
            }
            done.notes.extend(attempt.warning.clone());
        }
        done.rollout = Some(rollout);
        Ok(())
    }

    fn host_error(&self, error: crate::HostError) -> Error {
        if self.cx.is_cancelled() {
            ErrorKind::Cancelled.into()
        } else {
            ErrorKind::Host(error).into()
        }
    }

    /// Publishes the live release once more.
    fn publish_again(
        &self,
        view: &Service<'_>,
        folder: &Path,
        reason: Option<&str>,
        done: &mut Deployed,
    ) -> Result<(), Error> {
        let head = view.look()?;
        let Some(release) = head.digest() else { return Ok(()) };
        let mut record = deployment_record(folder, reason, self.cx.env());
        let before = head.deployment.as_ref().map(|deployment| deployment.extensions.clone());
        record.extensions = before.unwrap_or_default();
        record.reason.get_or_insert_with(|| format!("generation {} once more", head.generation()));
        let deployment = published(&done.service, view.go_live(&head, &release, record)?)?;
        (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        Ok(())
    }
}

/// The deployment of a project for one platform.
struct Job<'a> {
    deployer: &'a Deployer<'a>,
    project: &'a Project,
    projects: &'a ProjectMetadata<'a>,
    options: &'a DeployOptions,
    target: &'a Target,
}

impl Job<'_> {
    fn run(
        &self,
        service: &ServiceName,
        checks: Option<&HostChecks>,
        mut timings: Timings,
    ) -> Result<Deployed, Error> {
        let (deployer, cx) = (self.deployer, self.deployer.cx);
        let view = Service::new(deployer.store, cx.cache(), service.wanted());
        let (head, own) = self.look(&view)?;
        timings.end_step("scan");
        let chosen = self.choose(&head)?;
        let own = (self.project.folder(), own);
        let sources = Sources::collect(self.projects, own, &chosen.folders)?;
        timings.end_step("resolve");
        if sources.is_empty() && chosen.layer.wheels.is_empty() {
            let folder = self.project.folder().to_owned();
            return Err(ErrorKind::Nothing { folder }.into());
        }
        self.check_host(service, checks, &chosen)?;
        let is_doubted = self.options.memory == StoreMemory::Ignored || chosen.are_lost;
        let head = if is_doubted { head.without_cache() } else { head };
        let mut done = self.planned(service, &head, &chosen, &sources);
        if self.options.effect == Effect::DryRun {
            done.outcome = Outcome::Planned;
            done.plan = Some(Plan { sources, dependencies: chosen.layer });
            return Ok(done);
        }
        let inputs = self.inputs(sources, &chosen);
        self.fetch_measured_wheels(&inputs, &head)?;
        let draft = inputs.draft(&head, cx.cache(), cx.env().threads)?;
        done.release = Some(draft.digest());
        done.source = draft.release().sources().next().map(|layer| layer.digest);
        timings.end_step("build");
        if head.digest() != Some(draft.digest()) || is_doubted {
            self.publish(&view, head, &draft, &chosen, &mut done, &mut timings)?;
        }
        let reason = self.options.reason.as_deref();
        deployer.roll_out(&view, self.project.folder(), reason, &mut done, &mut timings)?;
        timings.finish();
        done.timings = timings;
        Ok(done)
    }

    /// Reads the head of the service while the project is scanned.
    fn look(&self, view: &Service<'_>) -> Result<(Head, Scan), Error> {
        let unopened = self.deployer.unopened;
        let (checked, head, own) = thread::scope(|scope| {
            let checked = scope.spawn(|| unopened.map_or(Ok(()), UnopenedStore::check));
            let head = scope.spawn(|| view.look());
            let own = self.projects.scan(self.project.folder());
            (join(checked), join(head), own)
        });
        checked?;
        Ok((head?, own?))
    }

    fn choose(&self, head: &Head) -> Result<Dependencies, Error> {
        let (deployer, options) = (self.deployer, self.options);
        let folder = self.project.folder();
        let record = deployment_record(folder, options.reason.as_deref(), deployer.cx.env());
        let (project, projects, target) = (self.project, self.projects, self.target);
        let (store, cx) = (deployer.store, deployer.cx);
        Chooser { project, projects, options, store, cx, head, target, record }.choose()
    }

    /// Checks, before any upload, that the release can run on the host.
    fn check_host(
        &self,
        service: &ServiceName,
        checks: Option<&HostChecks>,
        chosen: &Dependencies,
    ) -> Result<(), Error> {
        let (Some(checks), Some(host)) = (checks, self.deployer.host) else { return Ok(()) };
        checks.service(service)?;
        checks.release(self.target, &chosen.layer)?;
        let needed = &self.project.settings().env;
        if needed.is_empty() {
            return Ok(());
        }
        let missing = host.missing_variables(service, needed);
        let (names, remedy) = missing.map_err(ErrorKind::Host)?;
        if names.is_empty() {
            return Ok(());
        }
        Err(ErrorKind::HostLacksVariables { host: host.name(), names, remedy }.into())
    }

    fn inputs(&self, sources: Sources, chosen: &Dependencies) -> ReleaseInputs {
        let settings = self.project.settings();
        let inputs = ReleaseInputs::new(self.target.clone(), chosen.layer.clone());
        let mut inputs = sources.folders.into_iter().fold(inputs, ReleaseInputs::with_source);
        inputs.processes.clone_from(&settings.processes);
        inputs.environment.extend(settings.env.iter().cloned());
        inputs.metadata.clone_from(&settings.metadata);
        inputs
    }

    /// Fetches the wheels that the measurement of `deps.pex` needs: those of the live release, if it does not
    /// tell the digest.
    fn fetch_measured_wheels(&self, inputs: &ReleaseInputs, head: &Head) -> Result<(), Error> {
        let Some(release) = head.digest().filter(|_| inputs.needs_wheels(head)) else {
            return Ok(());
        };
        let cache = self.deployer.cx.cache();
        let mut is_missing = false;
        for wheel in &inputs.dependencies.wheels {
            is_missing |= !cache.blobs().contains(&wheel.digest)?;
        }
        if !is_missing {
            return Ok(());
        }
        let contents = Contents::fetch(self.deployer.store, &release)?;
        contents.fetch_wheels(cache).map_err(|error| -> Error {
            if error.is_lost() { ErrorKind::LostWheels(Box::new(error)).into() } else { error }
        })?;
        Ok(())
    }

    fn publish(
        &self,
        view: &Service<'_>,
        head: Head,
        draft: &ReleaseDraft<'_>,
        chosen: &Dependencies,
        done: &mut Deployed,
        timings: &mut Timings,
    ) -> Result<(), Error> {
        let (deployer, now) = (self.deployer, self.deployer.cx.env().now);
        deployer.progress.stage(Stage::Publishing);
        let needs_check = view.needs_check(now);
        let head = if needs_check { head.rechecking() } else { head };
        self.offer(&head, chosen)?;
        let (places, transfer) = view.put(&head, draft)?;
        timings.end_step("upload");
        if needs_check {
            view.record_checked(now);
        }
        let live = head.deployment.as_ref().filter(|_| head.digest() == Some(draft.digest()));
        if let Some(deployment) = live {
            view.record_published(draft, deployment, places);
            done.transfer = transfer;
            return Ok(());
        }
        let reason = self.options.reason.as_deref();
        let mut record = deployment_record(self.project.folder(), reason, deployer.cx.env());
        record.extensions = chosen.extensions(&head);
        record.timings_ms = timings.milliseconds();
        let deployment = published(&done.service, view.go_live(&head, &draft.digest(), record)?)?;
        view.record_published(draft, &deployment, places);
        done.transfer = transfer.with_deployment(&deployment);
        (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        Ok(())
    }

    /// Offers the host wheels that it can download itself, if the store is on its side.
    fn offer(&self, head: &Head, chosen: &Dependencies) -> Result<(), Error> {
        let Some(host) = self.deployer.host else { return Ok(()) };
        if chosen.origins.is_empty()
            || self.deployer.store_side != StoreSide::Host
            || head.has_all(&chosen.layer)
        {
            return Ok(());
        }
        Ok(host.offer(&chosen.origins).map_err(ErrorKind::Host)?)
    }

    fn planned(
        &self,
        service: &ServiceName,
        head: &Head,
        chosen: &Dependencies,
        sources: &Sources,
    ) -> Deployed {
        let mut done = Deployed::new(service, head.generation());
        done.dependencies = chosen.layer.manifest().ok().map(|one| one.digest());
        done.path = chosen.path;
        done.reason.clone_from(&chosen.reason);
        done.resolved_at = chosen.resolved_at;
        done.lock.clone_from(&chosen.lock);
        done.notes.clone_from(&chosen.notes);
        done.notes.extend(sources.notes.iter().cloned());
        done.notes.extend(self.unknown_placeholders());
        done
    }

    /// Returns notes on words such as `{prt}`, which no launcher replaces.
    fn unknown_placeholders(&self) -> Vec<String> {
        let is_unknown = |word: &&String| {
            let inner = word.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
            inner.is_some_and(|(name, _)| {
                !name.is_empty()
                    && !["port", "socket"].contains(&name)
                    && name.bytes().all(|byte| byte.is_ascii_lowercase())
            })
        };
        let processes = self.project.settings().processes.iter();
        let words = processes.flat_map(|(name, one)| {
            one.argv.iter().filter(is_unknown).map(move |word| (name.clone(), word.clone()))
        });
        let note = |(name, word)| {
            format!("`{word}` of the process `{name}` stays as it is: `{{port}}` is filled in")
        };
        words.map(note).collect()
    }
}
