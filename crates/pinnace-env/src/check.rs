//! The merged set as a whole: does it fit the platform, and is all there that it requires?

use std::collections::{BTreeMap, BTreeSet};

use crate::{Conflict, Distribution, Plan, Rules, plan::Source};

pub(crate) fn check<Id: Clone + Eq>(rules: &dyn Rules, plan: &mut Plan<Id>) {
    let chosen =
        plan.sources.iter().filter_map(|source| Some((source.distribution.as_ref()?, source)));
    let chosen: Vec<(&Distribution<Id>, &Source<Id>)> = chosen.collect();
    let by_project: BTreeMap<&str, _> =
        chosen.iter().map(|one| (one.0.project.as_str(), one)).collect();
    let mut found = Vec::new();
    for (distribution, source) in &chosen {
        if !rules.fits(&distribution.file_name) {
            found.push(Conflict::Misfit { wheel: source.owner() });
        }
        let unique: BTreeSet<&String> = distribution.requires.iter().collect();
        for requirement in unique {
            let need = match rules.need(requirement, &distribution.extras) {
                Ok(None) => continue,
                Ok(Some(need)) => need,
                Err(reason) => {
                    found.push(Conflict::Unreadable { by: source.owner(), reason });
                    continue;
                }
            };
            let there = by_project.get(need.project.as_str());
            if !there.is_some_and(|(one, _)| (need.accepts)(&one.version)) {
                found.push(Conflict::Unsatisfied {
                    by: source.owner(),
                    project: need.project,
                    requirement: requirement.clone(),
                    found: there.map(|(_, source)| source.owner()),
                });
            }
        }
    }
    plan.conflicts.extend(found);
}
