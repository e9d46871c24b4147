use std::path::Path;

use pinnace_build::{Context, ProjectMetadata, Refresh, Timings, prepare, targets};
use pinnace_store::{Digest, Store, UnopenedStore};
use pinnace_wheel::{Silent, Target};

use crate::{
    Contents, DeployOptions, Deployed, Error, ErrorKind, Host, Outcome, Progress, Project, Service,
    ServiceName, StoreSide, deploy_job::DeployJob, destination::Destination, history::published,
    host_checks::HostChecks,
};

/// A deployer. It makes a release of a project, publishes it to a store, and rolls it out on a host.
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
    destination: Destination<'a>,
}

impl std::fmt::Debug for Deployer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployer").field("store", self.destination.store).finish_non_exhaustive()
    }
}

impl<'a> Deployer<'a> {
    /// Creates a deployer to a store.
    pub fn new(store: &'a Store, cx: &'a Context<'a>) -> Self {
        let (progress, store_side) = (&Silent, StoreSide::Direct);
        let (unopened, host) = (None, None);
        Self { destination: Destination { store, cx, unopened, progress, host, store_side } }
    }

    /// Creates a deployer to a store that was not opened yet. The deployer checks the store while it scans the
    /// project.
    pub fn to_unopened(store: &'a UnopenedStore, cx: &'a Context<'a>) -> Self {
        let mut deployer = Self::new(store.store(), cx);
        deployer.destination.unopened = Some(store);
        deployer
    }

    /// Sets the observer of stages.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress) -> Self {
        self.destination.progress = progress;
        self
    }

    /// Sets the host that runs the service. The release is then for a platform of the host, and the deployment
    /// waits until it is live there.
    #[must_use]
    pub fn on_host(mut self, host: &'a dyn Host, store_side: StoreSide) -> Self {
        (self.destination.host, self.destination.store_side) = (Some(host), store_side);
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

    /// Deploys a project as the service that its settings name; by default, the service has the project's name.
    ///
    /// # Errors
    ///
    /// See [`Self::deploy`].
    pub fn deploy_project(
        &self,
        project: &Project,
        options: &DeployOptions,
    ) -> Result<Deployed, Error> {
        self.deploy_as(project, None, options)
    }

    /// Publishes a release that is already in the store.
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
        let Destination { store, cx, .. } = self.destination;
        let mut timings = Timings::since(cx.started());
        self.destination.check_store()?;
        let view = Service::new(store, cx.cache(), service.wanted());
        let head = view.look()?;
        let mut done = Deployed::new(service, head.generation());
        done.release = Some(*release);
        done.reason = "as it is".to_owned();
        if head.digest() != Some(*release) {
            // Fails early if this version cannot read the release.
            let contents = Contents::fetch(store, release)?;
            done.dependencies = contents.release().dependencies().map(|layer| layer.digest);
            done.source = contents.release().sources().next().map(|layer| layer.digest);
            store.hold(release, head.digest().as_ref())?;
            let record = self.destination.record(folder, reason);
            let deployment = published(service, view.go_live(&head, release, record)?)?;
            (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        }
        timings.end_step("upload");
        self.destination.roll_out(&view, folder, reason, &mut done, &mut timings)?;
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
        let cx = self.destination.cx;
        let mut timings = Timings::since(cx.started());
        let (folder, settings) = (project.folder(), project.settings());
        prepare(settings, folder, cx.progress())?;
        if !settings.prepare.is_empty() {
            timings.end_step("prepare");
        }
        let checks = self.destination.host.map(HostChecks::ask).transpose()?;
        let target = self.target(project, options, checks.as_ref())?;
        let refresh = if options.resolves_again() { Refresh::Always } else { Refresh::IfChanged };
        let python = options.platforms.python().or(settings.python.as_deref());
        let projects = ProjectMetadata::new(cx, &options.indexes, Some(&target), python)
            .for_project(folder, settings, refresh);
        let service = match service {
            Some(service) => service.clone(),
            None => project.service_name(&projects)?,
        };
        let (destination, projects, target) = (&self.destination, &projects, &target);
        let job = DeployJob { destination, project, projects, options, target };
        job.run(&service, checks.as_ref(), timings)
    }

    /// Returns the platform of the release: that of the options or settings, else that of the host, else that of
    /// the default interpreter.
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
        let found = targets(&platforms, self.destination.cx.env(), self.destination.cx.cache())?;
        let only = <[Target; 1]>::try_from(found);
        let [target] = only.map_err(|all| ErrorKind::SeveralPlatforms { count: all.len() })?;
        Ok(target)
    }
}
