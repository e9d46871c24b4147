//! Where wheels come from: an index, and a builder for what it has no wheel of.

use std::time::Instant;

use pinnace_deploy::{Builds, LocalBuilder, Trust};
use pinnace_store::{Deployment, Store};
use pinnace_wheel::{
    BuildingSource, Formats, Index, Interpreter, MarkerVariable, Outcome, Pin, Request, Resolution,
    Source, Target, WheelName, resolve,
};

use crate::{Failure, choose::Wheel, platforms, progress::Count, session::Session};

/// What a platform's wheels come from.
pub(crate) struct Supply<'s> {
    session: &'s Session<'s>,
    index: &'s Index<'s>,
    builds: Option<Builds<'s>>,
    target: &'s Target,
}

/// An interpreter here that builds for a platform; without one only wheels will do.
pub(crate) fn builder<'s>(
    session: &'s Session<'s>,
    index: &'s Index<'s>,
    request: &Request,
    target: &Target,
    python: Option<&str>,
) -> Option<LocalBuilder<'s>> {
    let interpreter = interpreter_like(target, python, session)?;
    let environment = session.environment;
    Some(
        LocalBuilder::new(index, session.storage.machine(), interpreter)
            .with_variables(&environment.variables)
            .with_exclude_newer(request.newest())
            .with_progress(&*session.reporter, environment.threads),
    )
}

/// An interpreter here of the same version, whatever its patch level: the one that is named comes first.
pub(crate) fn interpreter_like(
    target: &Target,
    python: Option<&str>,
    session: &Session<'_>,
) -> Option<Interpreter> {
    let short = |target: &Target| -> Vec<u64> {
        target.python().release().iter().take(2).copied().collect()
    };
    let kind = |target: &Target| {
        target.markers().get(MarkerVariable::ImplementationName).map(str::to_owned)
    };
    let wanted = short(target);
    let version = wanted.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
    let names = [python.map(str::to_owned), Some(version), None];
    names.iter().map(Option::as_deref).find_map(|name| {
        let found = platforms::interpreter(name, session.environment, &session.storage).ok()?;
        let is_like = short(found.target()) == wanted && kind(found.target()) == kind(target);
        is_like.then_some(found)
    })
}

impl<'s> Supply<'s> {
    pub(crate) fn new(
        session: &'s Session<'s>,
        index: &'s Index<'s>,
        builder: Option<&'s LocalBuilder<'s>>,
        target: &'s Target,
    ) -> Self {
        let machine = session.storage.machine();
        let builds = builder.map(|builder| Builds::new(builder, index, machine, target));
        Self { session, index, builds, target }
    }

    /// The same, which shares with a team what it builds.
    pub(crate) fn sharing(mut self, store: &'s Store, record: Deployment, trust: Trust) -> Self {
        self.builds = self.builds.map(|builds| builds.sharing(store, record, trust));
        self
    }

    /// The newest set of files for the platform.
    pub(crate) fn resolve(&self, request: &Request) -> Result<Resolution, Failure> {
        match &self.builds {
            Some(builds) => self.solve(&BuildingSource::new(self.index, builds), request),
            None => self.solve(self.index, request),
        }
    }

    /// The newest set of files of which each is a wheel, or can be built.
    pub(crate) fn resolve_to_wheels(&self, request: &Request) -> Result<Resolution, Failure> {
        match &self.builds {
            Some(_) => self.resolve(request),
            None => self.resolve(&request.clone().with_only_binary(Formats::All)),
        }
    }

    /// The wheels of these files on this machine, and what the user should know of them.
    pub(crate) fn wheels(&self, pins: &[Pin]) -> Result<(Vec<Wheel>, Vec<String>), Failure> {
        let Some(builds) = &self.builds else {
            if let Some(sdist) = pins.iter().find(|pin| pin.wheel().is_none()) {
                return Err(self.nobody_builds(sdist));
            }
            let downloaded = self.index.download(pins)?.into_iter();
            let wheel = |one: pinnace_wheel::Downloaded| {
                Some(Wheel { name: one.artifact.wheel()?.clone(), sha256: one.sha256 })
            };
            return Ok((downloaded.filter_map(wheel).collect(), Vec::new()));
        };
        let (mut wheels, mut notes) = (Vec::new(), Vec::new());
        for built in builds.wheels(pins)? {
            let name: WheelName = built.wheel.name.parse()?;
            wheels.push(Wheel { name, sha256: *built.wheel.digest.as_bytes() });
            notes.extend(built.notes);
        }
        Ok((wheels, notes))
    }

    fn nobody_builds(&self, sdist: &Pin) -> Failure {
        let (name, target) = (sdist.file().artifact.file_name(), self.target);
        Failure::job(format!("`{name}` must be built, and no Python of {target} is here to do it"))
            .hint("name one with `--python`, or take wheels alone with `--only-binary :all:`")
    }

    fn solve(&self, source: &dyn Source, request: &Request) -> Result<Resolution, Failure> {
        let (session, target) = (self.session, self.target);
        session.reporter.step("resolving");
        let started = Instant::now();
        let work = || resolve(source, request, target);
        match self.index.reading_ahead(request, target, work)? {
            Outcome::Solved(resolution) => {
                let count = Count(resolution.pins().len(), "distribution");
                let elapsed = started.elapsed().as_secs_f64();
                let line = format!("resolved {count} for {target} in {elapsed:.2} s");
                session.reporter.done(line);
                Ok(resolution)
            }
            Outcome::Unsolvable(explanation) => {
                let failure = Failure::job(format!("{explanation}\nthe platform is {target}"));
                Err(match explanation.needs_build() {
                    true if self.builds.is_some() => failure.hint(
                        "`--only-binary` leaves source distributions out, which would be built here",
                    ),
                    true => failure.hint(
                        "a source distribution is built by a Python of that version, and there is \
                         none here: name one with `--python`",
                    ),
                    false => failure,
                })
            }
        }
    }
}
