use std::{cmp::Reverse, collections::BTreeMap};

use pinnace_archive::Mode;
use pinnace_env::{Contents, File, Layer, Place};
use pinnace_wheel::{Compatibility, Target, WheelName};

use super::{Pex, PexDistribution, not_pex};
use crate::Error;

/// A PEX file as an input of a merge, for one platform.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PexLayer {
    /// The layer for the platform, with the best-fitting wheel of each project.
    pub layer: Layer<[u8; 32]>,
    /// The distributions that are in the layer, in its order.
    pub distributions: Vec<PexDistribution>,
    /// Wheels of projects without a fitting wheel.
    pub misfits: Vec<WheelName>,
}

impl Pex {
    /// Returns the layer of this file for a platform. Conflicts use `name` to identify it.
    ///
    /// # Errors
    ///
    /// Returns an error if a distribution is malformed, or if the user code cannot be read.
    pub fn layer(&self, name: &str, target: &Target) -> Result<PexLayer, Error> {
        let mut best: BTreeMap<&str, (u32, Reverse<&WheelName>, &PexDistribution)> =
            BTreeMap::new();
        let mut unfit: Vec<&WheelName> = Vec::new();
        for distribution in &self.distributions {
            let (project, wheel) = (distribution.name().project().as_str(), distribution.name());
            let rank = match target.rank(wheel) {
                Compatibility::Compatible(rank) if distribution.runs_on(target)? => rank,
                _ => {
                    unfit.push(wheel);
                    continue;
                }
            };
            let is_better = best.get(project).is_none_or(|(known, Reverse(name), _)| {
                (rank, Reverse(wheel.version()), Reverse(wheel.build()))
                    < (*known, Reverse(name.version()), Reverse(name.build()))
            });
            if is_better {
                best.insert(project, (rank, Reverse(wheel), distribution));
            }
        }
        unfit.retain(|wheel| !best.contains_key(wheel.project().as_str()));
        let distributions: Vec<PexDistribution> =
            best.into_values().map(|(_, _, distribution)| distribution.clone()).collect();
        let layer = Layer::new(name)
            .requiring(self.info.requirements.clone())
            .with_contents(self.code_contents()?);
        let layer = distributions.iter().try_fold(layer, |layer, distribution| {
            Ok::<_, Error>(layer.with(distribution.distribution()?))
        })?;
        let misfits = unfit.into_iter().cloned().collect();
        Ok(PexLayer { layer, distributions, misfits })
    }

    fn code_contents(&self) -> Result<Contents<[u8; 32]>, Error> {
        let digests = self.code_digests()?.into_iter();
        let files = digests.map(|(path, (mode, content))| {
            let kind = if mode == Mode::Executable { b'x' } else { b'f' };
            let id = pinnace_archive::sha256(&[&[kind][..], &content].concat());
            File::new(Place::Code, path, id)
        });
        Contents::new(files).map_err(|error| not_pex(&error.to_string()))
    }

    /// Returns the modes and digests of the user code.
    pub(crate) fn code_digests(&self) -> Result<BTreeMap<String, (Mode, [u8; 32])>, Error> {
        let digests = self.code_files().into_iter().map(|(path, mode)| {
            Ok((path.to_owned(), (mode, pinnace_archive::sha256(&self.tree.read(path)?))))
        });
        digests.collect()
    }
}
