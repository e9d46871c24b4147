//! The files that a build writes: one, or one for the wheels and one for the code.

use std::path::PathBuf;

use super::{Job, Part};
use crate::{
    Failure,
    choose::Chosen,
    destination::{Destination, Written},
};

/// What of a build a file holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holds {
    All,
    /// The wheels.
    Dependencies,
    /// The code, and what runs.
    Source,
}

impl Holds {
    pub(super) fn wheels(self) -> bool {
        self != Self::Source
    }

    pub(super) fn code(self) -> bool {
        self != Self::Dependencies
    }
}

/// A file on its way.
pub(super) struct Output {
    pub(super) name: PathBuf,
    pub(super) holds: Holds,
    pub(super) destination: Destination,
}

impl Job<'_> {
    /// Opened first, so that a place that cannot be written to is known before anything is fetched.
    pub(super) fn outputs(&self) -> Result<Vec<Output>, Failure> {
        let arguments = self.arguments;
        let layout = arguments.start.form.layout;
        let open = |name: PathBuf, holds| {
            let destination = Destination::open(&name, layout, self.environment)?;
            Ok(Output { name, holds, destination })
        };
        if !arguments.split {
            return Ok(vec![open(self.output.to_owned(), Holds::All)?]);
        }
        let folder = self.environment.folder.join(self.output);
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::io(&format!("cannot make the folder `{}`", folder.display()), &error)
        })?;
        [("deps.pex", Holds::Dependencies), ("source.pex", Holds::Source)]
            .into_iter()
            .map(|(name, holds)| open(self.output.join(name), holds))
            .collect()
    }

    /// Writes all files.
    pub(super) fn write(
        &self,
        outputs: Vec<Output>,
        parts: &[Part],
        chosen: &[Chosen],
    ) -> Result<Vec<(PathBuf, Written)>, Failure> {
        let (session, threads) = (self.session, self.environment.threads);
        let mut written = Vec::new();
        for output in outputs {
            let builder = self.builder(parts, chosen, &output)?;
            let destination = output.destination;
            let one = destination.write(&builder, &session.storage, &session.interrupt, threads)?;
            written.push((output.name, one));
        }
        Ok(written)
    }
}
