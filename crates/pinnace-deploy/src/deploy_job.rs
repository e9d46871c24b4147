use std::thread;

use pinnace_build::{ProjectMetadata, Scan, Timings};
use pinnace_store::parallel::join;
use pinnace_wheel::Target;

use crate::{
    Contents, DeployOptions, Deployed, Effect, Error, ErrorKind, Head, Outcome, Plan, Project,
    ReleaseDraft, ReleaseInputs, Service, ServiceName, Sources, Stage, StoreMemory, StoreSide,
    dependencies::{Chooser, Dependencies},
    destination::Destination,
    history::published,
    host_checks::HostChecks,
    placeholders::unknown_placeholders,
};

/// The deployment of a project for one platform.
pub(crate) struct DeployJob<'a> {
    pub(crate) destination: &'a Destination<'a>,
    pub(crate) project: &'a Project,
    pub(crate) projects: &'a ProjectMetadata<'a>,
    pub(crate) options: &'a DeployOptions,
    pub(crate) target: &'a Target,
}

impl DeployJob<'_> {
    /// Makes a release, publishes it, and rolls it out.
    pub(crate) fn run(
        &self,
        service: &ServiceName,
        checks: Option<&HostChecks>,
        mut timings: Timings,
    ) -> Result<Deployed, Error> {
        let (destination, folder) = (self.destination, self.project.folder());
        let view = Service::new(destination.store, destination.cx.cache(), service.wanted());
        let (head, own) = self.look(&view)?;
        timings.end_step("scan");
        let chosen = self.choose(&head)?;
        let sources = Sources::collect(self.projects, (folder, own), &chosen.folders)?;
        timings.end_step("resolve");
        if sources.is_empty() && chosen.layer.wheels.is_empty() {
            return Err(ErrorKind::Nothing { folder: folder.to_owned() }.into());
        }
        self.check_host(service, checks, &chosen)?;
        let head = if self.ignores_cache(&chosen) { head.without_cache() } else { head };
        let mut done = self.planned(service, &head, &chosen, &sources);
        if self.options.effect == Effect::DryRun {
            done.outcome = Outcome::Planned;
            done.plan = Some(Plan { sources, dependencies: chosen.layer });
            return Ok(done);
        }
        self.publish_sources(&view, head, sources, &chosen, &mut done, &mut timings)?;
        let reason = self.options.reason.as_deref();
        destination.roll_out(&view, folder, reason, &mut done, &mut timings)?;
        timings.finish();
        done.timings = timings;
        Ok(done)
    }

    /// Returns true if every object is checked in the store.
    fn ignores_cache(&self, chosen: &Dependencies) -> bool {
        self.options.memory == StoreMemory::Ignored || chosen.are_lost
    }

    /// Assembles the release, and publishes it unless it is live.
    fn publish_sources(
        &self,
        view: &Service<'_>,
        head: Head,
        sources: Sources,
        chosen: &Dependencies,
        done: &mut Deployed,
        timings: &mut Timings,
    ) -> Result<(), Error> {
        let cx = self.destination.cx;
        let inputs = self.inputs(sources, chosen);
        self.fetch_measured_wheels(&inputs, &head)?;
        let draft = inputs.draft(&head, cx.cache(), cx.env().threads)?;
        done.release = Some(draft.digest());
        done.source = draft.release().sources().next().map(|layer| layer.digest);
        timings.end_step("build");
        if head.digest() == Some(draft.digest()) && !self.ignores_cache(chosen) {
            return Ok(());
        }
        self.publish(view, head, &draft, chosen, done, timings)
    }

    /// Reads the head of the service while the project is scanned.
    fn look(&self, view: &Service<'_>) -> Result<(Head, Scan), Error> {
        let destination = self.destination;
        let (checked, head, own) = thread::scope(|scope| {
            let checked = scope.spawn(|| destination.check_store());
            let head = scope.spawn(|| view.look());
            let own = self.projects.scan(self.project.folder());
            (join(checked), join(head), own)
        });
        checked?;
        Ok((head?, own?))
    }

    fn choose(&self, head: &Head) -> Result<Dependencies, Error> {
        let (options, destination) = (self.options, self.destination);
        let record = destination.record(self.project.folder(), options.reason.as_deref());
        let (project, projects, target) = (self.project, self.projects, self.target);
        let (store, cx) = (destination.store, destination.cx);
        Chooser { project, projects, options, store, cx, head, target, record }.choose()
    }

    /// Checks, before any upload, that the release can run on the host.
    fn check_host(
        &self,
        service: &ServiceName,
        checks: Option<&HostChecks>,
        chosen: &Dependencies,
    ) -> Result<(), Error> {
        let (Some(checks), Some(host)) = (checks, self.destination.host) else { return Ok(()) };
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

    /// Downloads the wheels of the live release, if the digest of `deps.pex` must be computed and the cache lacks
    /// any of them.
    fn fetch_measured_wheels(&self, inputs: &ReleaseInputs, head: &Head) -> Result<(), Error> {
        let Some(release) = head.digest().filter(|_| inputs.needs_wheels(head)) else {
            return Ok(());
        };
        let cache = self.destination.cx.cache();
        let mut is_missing = false;
        for wheel in &inputs.dependencies.wheels {
            is_missing |= !cache.blobs().contains(&wheel.digest)?;
        }
        if !is_missing {
            return Ok(());
        }
        let contents = Contents::fetch(self.destination.store, &release)?;
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
        let (destination, now) = (self.destination, self.destination.cx.env().now);
        destination.progress.stage(Stage::Publishing);
        let needs_check = view.needs_check(now);
        let head = if needs_check { head.rechecking() } else { head };
        self.offer(&head, chosen)?;
        let (locations, transfer) = view.put(&head, draft)?;
        timings.end_step("upload");
        if needs_check {
            view.record_checked(now);
        }
        let live = head.deployment.as_ref().filter(|_| head.digest() == Some(draft.digest()));
        if let Some(deployment) = live {
            view.record_published(draft, deployment, locations);
            done.transfer = transfer;
            return Ok(());
        }
        let reason = self.options.reason.as_deref();
        let mut record = destination.record(self.project.folder(), reason);
        record.extensions = chosen.extensions(&head);
        record.timings_ms = timings.milliseconds();
        let deployment = published(&done.service, view.go_live(&head, &draft.digest(), record)?)?;
        view.record_published(draft, &deployment, locations);
        done.transfer = transfer.with_deployment(&deployment);
        (done.generation, done.outcome) = (deployment.generation, Outcome::Published);
        Ok(())
    }

    /// Offers the host the addresses of the wheels, if the store is on its side, so that it can download them.
    fn offer(&self, head: &Head, chosen: &Dependencies) -> Result<(), Error> {
        let Some(host) = self.destination.host else { return Ok(()) };
        if chosen.origins.is_empty()
            || self.destination.store_side != StoreSide::Host
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
        done.dependencies = chosen.layer.manifest().ok().map(|manifest| manifest.digest());
        done.path = chosen.path;
        done.reason.clone_from(&chosen.reason);
        done.resolved_at = chosen.resolved_at;
        done.lock.clone_from(&chosen.lock);
        done.notes.clone_from(&chosen.notes);
        done.notes.extend(sources.notes.iter().cloned());
        done.notes.extend(unknown_placeholders(&self.project.settings().processes));
        done
    }
}
