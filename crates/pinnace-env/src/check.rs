//! The merged set as a whole: does it fit the platform, and is all there that it requires?

use std::collections::{BTreeMap, BTreeSet};

use crate::{Conflict, Layer, Owner, Plan, Rules, plan::Source};

pub(crate) fn check<Id: Clone + Eq>(layers: &[Layer<Id>], rules: &dyn Rules, plan: &mut Plan<Id>) {
    let chosen = plan.sources.iter().filter_map(|one| Some((one.distribution.as_ref()?, one)));
    let projects = chosen.clone().map(|(one, source)| (one.project.as_str(), source)).collect();
    let checker = Checker { rules, projects };
    let mut found = Vec::new();
    for layer in layers {
        let owner = Owner { layer: layer.name.clone(), distribution: None };
        found.extend(checker.check(&owner, &layer.requires, &[]));
    }
    for (distribution, source) in chosen {
        let owner = source.owner();
        let python = distribution.requires_python.as_deref();
        if !rules.fits(&distribution.file_name) || python.is_some_and(|one| !rules.is_python(one)) {
            found.push(Conflict::Misfit { wheel: owner.clone() });
        }
        found.extend(checker.check(&owner, &distribution.requires, &distribution.extras));
    }
    plan.conflicts.extend(found);
}

struct Checker<'a, Id> {
    rules: &'a dyn Rules,
    projects: BTreeMap<&'a str, &'a Source<Id>>,
}

impl<Id> Checker<'_, Id> {
    /// What of these requirements does not hold.
    fn check(&self, by: &Owner, requires: &[String], extras: &[String]) -> Vec<Conflict> {
        let unique: BTreeSet<&String> = requires.iter().collect();
        unique.into_iter().filter_map(|one| self.check_one(by, one, extras)).collect()
    }

    fn check_one(&self, by: &Owner, requirement: &str, extras: &[String]) -> Option<Conflict> {
        let by = by.clone();
        let need = match self.rules.need(requirement, extras) {
            Ok(need) => need?,
            Err(reason) => return Some(Conflict::Unreadable { by, reason }),
        };
        let there = self.projects.get(need.project.as_str());
        let version = there.and_then(|source| Some(&source.distribution.as_ref()?.version));
        if version.is_some_and(|version| (need.accepts)(version)) {
            return None;
        }
        let found = there.map(|source| source.owner());
        let requirement = requirement.to_owned();
        Some(Conflict::Unsatisfied { by, project: need.project, requirement, found })
    }
}
