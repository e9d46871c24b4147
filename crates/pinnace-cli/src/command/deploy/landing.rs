//! What a deploy has to do with the agent that runs the release.

use pinnace_agent::{Answered, Client, Lacking, Offer, Platforms};
use pinnace_deploy::{Live, Service, WheelSet};
use pinnace_wheel::{Compatibility, Python, Target, WheelName};

use super::{Dependencies, Done, Job, State};
use crate::{Failure, agents, timings::Timings};

/// What an agent can run.
pub(super) struct Hosts {
    url: String,
    targets: Vec<Target>,
    /// The services that it runs; any if there are none.
    only: Vec<String>,
}

impl Hosts {
    pub(super) fn of(client: &Client) -> Result<Self, Failure> {
        let Platforms { platforms, only, .. } = client.platforms()?;
        let targets = platforms.iter().map(|platform| platform.parse());
        let targets = targets.collect::<Result<_, pinnace_wheel::Error>>()?;
        Ok(Self { url: client.url().to_owned(), targets, only })
    }

    /// The platform there with this Python, or the one that is meant where none is named.
    pub(super) fn target(&self, python: Option<&str>) -> Result<Target, Failure> {
        let wanted = python.map(|text| {
            text.parse::<Python>().map_err(|_| {
                Failure::usage(format!(
                    "`{text}` is an interpreter here, and the release runs elsewhere"
                ))
                .hint("name a version, as in `--python 3.12`")
            })
        });
        let wanted = wanted.transpose()?;
        let is_wanted = |target: &&Target| {
            wanted.as_ref().is_none_or(|python| minor(python.version()) == minor(target.python()))
        };
        self.targets.iter().find(is_wanted).cloned().ok_or_else(|| {
            let wanted =
                wanted.as_ref().map_or_else(String::new, |one| format!(" {}", one.version()));
            Failure::job(format!(
                "the agent at {} has no Python{wanted}; {}",
                self.url,
                self.shown()
            ))
        })
    }

    /// Makes sure that the service runs there.
    pub(super) fn run(&self, service: &str) -> Result<(), Failure> {
        match self.only.is_empty() || self.only.iter().any(|one| one == service) {
            true => Ok(()),
            false => Err(Failure::job(format!(
                "the agent at {} does not run `{service}`; it runs: {}",
                self.url,
                self.only.join(", ")
            ))),
        }
    }

    /// Makes sure that it runs there, before anything is sent.
    pub(super) fn check(&self, target: &Target, set: &WheelSet) -> Result<(), Failure> {
        let same = |one: &&Target| minor(one.python()) == minor(target.python());
        let Some(host) = self.targets.iter().find(same) else {
            return Err(Failure::job(format!(
                "the release is for {target}, which does not run on the agent at {}; {}",
                self.url,
                self.shown()
            )));
        };
        for wheel in &set.wheels {
            let name: WheelName = wheel.name.parse()?;
            if !matches!(host.rank(&name), Compatibility::Compatible(_)) {
                return Err(Failure::job(format!(
                    "`{}` does not run on the agent at {}, which is {host}",
                    wheel.name, self.url
                ))
                .hint("without `--platform` the release is for the agent's own"));
            }
        }
        Ok(())
    }

    fn shown(&self) -> String {
        let all: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        format!("it has: {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") })
    }
}

fn minor(version: &pinnace_wheel::Version) -> Vec<u64> {
    version.release().iter().take(2).copied().collect()
}

impl Job<'_> {
    /// Makes sure, before anything is sent, that the release can run where it will.
    pub(super) fn check_host(&self, target: &Target, set: &WheelSet) -> Result<(), Failure> {
        let (Some(hosts), Some(client)) = (&self.hosts, &self.client) else { return Ok(()) };
        hosts.run(&self.service)?;
        hosts.check(target, set)?;
        if self.settings.env.is_empty() {
            return Ok(());
        }
        let Lacking { lacking, place, .. } = client.lacking(&self.service, &self.settings.env)?;
        match lacking.is_empty() {
            true => Ok(()),
            false => Err(Failure::job(format!(
                "the agent at {} does not have environment variables that the release needs: {}",
                client.url(),
                lacking.join(", ")
            ))
            .hint(place)),
        }
    }

    /// Lets the agent fetch what the world has, so that it need not be sent.
    pub(super) fn offer(&self, live: &Live, dependencies: &Dependencies) -> Result<(), Failure> {
        let Some(client) = &self.client else { return Ok(()) };
        if dependencies.origins.is_empty()
            || !self.store.is_of_agent
            || live.has_all(&dependencies.set)
        {
            return Ok(());
        }
        let offers = dependencies.origins.iter();
        let offers: Vec<Offer> = offers.map(|(digest, url)| Offer::new(digest, url)).collect();
        // What it cannot fetch is sent.
        client.offer(&offers).map(drop).map_err(Failure::from)
    }

    /// Waits until the release is live where it runs.
    pub(super) fn land(
        &self,
        service: &Service<'_>,
        done: &mut Done,
        timings: &mut Timings,
    ) -> Result<(), Failure> {
        let Some(client) = &self.client else { return Ok(()) };
        self.session.reporter.step("starting");
        let release = done.release;
        let interrupt = &self.session.interrupt;
        let wait = |generation| {
            let tell = |what: &str| self.session.reporter.note(format!("waiting for {what}"));
            agents::wait(client, &self.service, generation, release.as_ref(), interrupt, &tell)
        };
        let mut answered = wait(done.generation)?;
        let failed = |answered: &Answered, generation| {
            agents::failed(client, &self.service, generation, answered)
        };
        // What failed is not tried again by itself: deploying it once more asks for just that.
        if done.state == State::Unchanged && failed(&answered, done.generation).is_some() {
            self.again(service, done)?;
            answered = wait(done.generation)?;
        }
        if let Some(failure) = failed(&answered, done.generation) {
            return Err(failure);
        }
        if let Some(attempt) = answered.attempt.filter(|_| done.state == State::Published) {
            timings.add(&attempt.timings_ms);
            done.notes.extend(attempt.warning);
            done.host = Some(attempt.host);
        }
        (done.address, done.live) = (answered.address, true);
        Ok(())
    }

    /// Makes the release that is live in the store one more step.
    fn again(&self, service: &Service<'_>, done: &mut Done) -> Result<(), Failure> {
        let live = service.look()?;
        let Some(release) = live.digest() else { return Ok(()) };
        let mut record = self.record();
        let before = live.step.as_ref().map(|step| step.extensions.clone());
        record.extensions = before.unwrap_or_default();
        record.reason.get_or_insert_with(|| format!("generation {} once more", live.generation()));
        let step = self.published(service.go_live(&live, &release, record)?)?;
        (done.generation, done.state) = (step.generation, State::Published);
        Ok(())
    }
}
