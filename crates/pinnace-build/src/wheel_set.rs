//! The wheels of a build, checked as a whole.

use pinnace_env::{Conflict, Distribution, Layer, Policy, Ruling, merge};
use pinnace_pex::{PexBuilder, PlatformRules};
use pinnace_store::parallel;
use pinnace_wheel::{Requirement, Target};

use crate::{Cache, Error, ErrorKind, Requirements, Selection, Wheel};

/// The wheels of a selection for one platform, which are in the cache.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WheelSet {
    /// The platform.
    pub target: Target,
    /// The wheels, in the order of the selection.
    pub wheels: Vec<Wheel>,
    /// The `Requires-Python` of each wheel that has one.
    pub requires_python: Vec<String>,
    /// Notes for the user: tolerated conflicts, and notes of builds.
    pub notes: Vec<String>,
}

impl WheelSet {
    /// Checks that all requirements of the wheels hold, and that no two wheels conflict. The check reads the
    /// metadata in the wheels, not that of an index.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Conflicts`] if the wheels conflict, or an error if a wheel is malformed.
    pub fn check(
        wheels: Vec<Wheel>,
        selection: &Selection,
        target: &Target,
        cache: &Cache,
        threads: usize,
    ) -> Result<Self, Error> {
        let mut layer = Layer::new("the request");
        let distributions = parallel::each(&wheels, threads, |wheel| cache.distribution(wheel));
        for (pin, distribution) in selection.pins.iter().zip(distributions) {
            let distribution = distribution?;
            let requires = distribution.requires().iter();
            let requires = requires.filter(|text| must_hold(selection, text)).cloned().collect();
            let extras = pin.extras().iter().map(ToString::to_string).collect();
            layer = layer.with(distribution.requiring(requires, extras));
        }
        let plan = merge(&[layer], &PlatformRules(target));
        let python = plan.distributions().filter_map(Distribution::requires_python);
        let requires_python = python.map(str::to_owned).collect();
        let policy = Policy::of_installers();
        let (refused, tolerated): (Vec<&Conflict>, Vec<&Conflict>) =
            plan.conflicts().iter().partition(|conflict| policy.judge(conflict) == Ruling::Refuse);
        if !refused.is_empty() {
            let conflicts = refused.iter().map(ToString::to_string).collect();
            return Err(ErrorKind::Conflicts { conflicts }.into());
        }
        let notes = tolerated.iter().map(ToString::to_string).collect();
        Ok(Self { target: target.clone(), wheels, requires_python, notes })
    }

    /// Adds the platform, the wheels and their `Requires-Python` to a PEX file.
    pub fn add_to(&self, builder: &mut PexBuilder) {
        builder.add_platform(&self.target, self.wheels.iter().map(Wheel::listed));
        builder.require_python(self.requires_python.iter().map(String::as_str));
    }
}

/// Returns true if a requirement must hold. Requirements on overridden and excluded projects need not.
fn must_hold(selection: &Selection, text: &str) -> bool {
    let requirement = Requirement::parse_lenient(text);
    selection.requirements == Requirements::All
        && !requirement.is_ok_and(|requirement| selection.loosened.contains(requirement.name()))
}
