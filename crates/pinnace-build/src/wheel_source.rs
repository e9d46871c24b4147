//! The source of wheels for a platform: an index, and a builder for source distributions.

use std::time::Instant;

use pinnace_store::{Deployment, Digest, Store};
use pinnace_wheel::{
    BuildingSource, Downloaded, Formats, Index, Outcome, Pin, Request, Resolution, Source, Target,
    resolve,
};

use crate::{
    Builds, CachePolicy, Context, Error, ErrorKind, Inputs, LocalBuilder, Requirements, Sdists,
    Selection, Step, Wheel, WheelSet,
};

/// A source of wheels for one platform: an index, and a builder for source distributions.
pub struct WheelSource<'s> {
    cx: &'s Context<'s>,
    index: &'s Index<'s>,
    builds: Option<Builds<'s>>,
    target: &'s Target,
}

impl std::fmt::Debug for WheelSource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WheelSource").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<'s> WheelSource<'s> {
    /// Creates a source. Without a builder, it cannot use source distributions.
    pub fn new(
        cx: &'s Context<'s>,
        index: &'s Index<'s>,
        builder: Option<&'s LocalBuilder<'s>>,
        target: &'s Target,
    ) -> Self {
        let builds = builder.map(|builder| Builds::new(builder, index, cx.cache(), target));
        Self { cx, index, builds, target }
    }

    /// Shares builds with a team through a store. `record` names the user.
    #[must_use]
    pub fn sharing(mut self, store: &'s Store, record: Deployment, policy: CachePolicy) -> Self {
        self.builds = self.builds.map(|builds| builds.sharing(store, record, policy));
        self
    }

    /// Resolves a request to wheels and source distributions.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unsolvable`] with the explanation, or an error of the index.
    pub fn resolve(&self, request: &Request) -> Result<Resolution, Error> {
        match &self.builds {
            Some(builds) => self.solve(&BuildingSource::new(self.index, builds), request),
            None => self.solve(self.index, request),
        }
    }

    /// Resolves a request to files that are wheels or can be built on this machine, with the folders of `inputs`.
    ///
    /// # Errors
    ///
    /// See [`Self::resolve`].
    pub fn select(
        &self,
        request: &Request,
        inputs: &Inputs,
        requirements: Requirements,
    ) -> Result<Selection, Error> {
        let resolution = match &self.builds {
            Some(_) => self.resolve(request)?,
            None => self.resolve(&request.clone().with_only_binary(Formats::All))?,
        };
        Ok(Selection {
            pins: resolution.pins().to_vec(),
            folders: inputs.folders.clone(),
            other_folders: Vec::new(),
            loosened: request.loosened().cloned().collect(),
            requirements,
            notes: resolution.warnings().to_vec(),
        })
    }

    /// Downloads and builds the wheels of a selection, and checks them as a whole.
    ///
    /// # Errors
    ///
    /// Returns an error if a wheel cannot be downloaded or built, or the wheels conflict.
    pub fn wheels(&self, selection: &Selection) -> Result<WheelSet, Error> {
        let (wheels, notes) = self.fetch(&selection.pins)?;
        let mut set = self.check(wheels, selection)?;
        set.notes = notes.into_iter().chain(set.notes).collect();
        Ok(set)
    }

    /// Checks the wheels of a selection as a whole.
    ///
    /// # Errors
    ///
    /// See [`WheelSet::check`].
    pub fn check(&self, wheels: Vec<Wheel>, selection: &Selection) -> Result<WheelSet, Error> {
        let (cache, threads) = (self.cx.cache(), self.cx.env().threads);
        WheelSet::check(wheels, selection, self.target, cache, threads)
    }

    /// Downloads and builds the wheels of pins. Returns them with notes for the user.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::NoBuilder`] if a file must be built and this machine has no interpreter of the
    /// platform, or an error of the index or the build.
    pub fn fetch(&self, pins: &[Pin]) -> Result<(Vec<Wheel>, Vec<String>), Error> {
        let extras = |pin: &Pin| pin.extras().iter().map(ToString::to_string).collect();
        let Some(builds) = &self.builds else {
            if let Some(sdist) = pins.iter().find(|pin| pin.wheel().is_none()) {
                let file = sdist.file().artifact.file_name().to_owned();
                return Err(ErrorKind::NoBuilder { file, target: self.target.to_string() }.into());
            }
            let wheel = |(pin, file): (&Pin, Downloaded)| {
                let name = file.artifact.wheel()?.clone();
                Some(Wheel::new(name, Digest::new(file.sha256), extras(pin)))
            };
            let downloaded = self.index.download(pins)?;
            return Ok((pins.iter().zip(downloaded).filter_map(wheel).collect(), Vec::new()));
        };
        let (mut wheels, mut notes) = (Vec::new(), Vec::new());
        for built in builds.wheels(pins)? {
            wheels.push(built.wheel);
            notes.extend(built.notes);
        }
        Ok((wheels, notes))
    }

    fn solve(&self, source: &dyn Source, request: &Request) -> Result<Resolution, Error> {
        let (progress, target) = (self.cx.progress(), self.target);
        progress.step(Step::Resolving);
        let started = Instant::now();
        let work = || resolve(source, request, target);
        let explanation = match self.index.reading_ahead(request, target, work)? {
            Outcome::Solved(resolution) => {
                let (distributions, elapsed) = (resolution.pins().len(), started.elapsed());
                progress.step(Step::Resolved { distributions, target, elapsed });
                return Ok(resolution);
            }
            Outcome::Unsolvable(explanation) => explanation,
        };
        let sdists = match (explanation.needs_build(), &self.builds) {
            (false, _) => Sdists::Irrelevant,
            (true, Some(_)) => Sdists::LeftOut,
            (true, None) => Sdists::NoBuilder,
        };
        let (hint, target) = (explanation.hint(), target.to_string());
        let explanation = explanation.to_string();
        Err(ErrorKind::Unsolvable { explanation, hint, target, sdists }.into())
    }
}
