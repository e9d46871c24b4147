//! Checks of the merged set as a whole: wheels that fit the platform, and requirements that hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Conflict, Layer, Owner, Plan, Rules, plan::Source};

pub(crate) fn check<Id: Clone + Eq>(layers: &[Layer<Id>], rules: &dyn Rules, plan: &mut Plan<Id>) {
    let chosen =
        plan.sources.iter().filter_map(|source| Some((source.distribution.as_ref()?, source)));
    let projects = chosen
        .clone()
        .map(|(distribution, source)| (distribution.project.as_str(), source))
        .collect();
    let checker = Checker { rules, projects };
    let extras = checker.extras(layers);
    let mut found = Vec::new();
    for layer in layers {
        let owner = Owner { layer: layer.name.clone(), distribution: None };
        found.extend(checker.check(&owner, &layer.requires, &[]));
    }
    for (distribution, source) in chosen {
        let owner = source.owner();
        let python = distribution.requires_python.as_deref();
        if !rules.fits(&distribution.file_name)
            || python.is_some_and(|python| !rules.is_python(python))
        {
            found.push(Conflict::Misfit { wheel: owner.clone() });
        }
        let extras = extras.get(distribution.project.as_str()).map_or(&[][..], Vec::as_slice);
        found.extend(checker.check(&owner, &distribution.requires, extras));
    }
    plan.conflicts.extend(found);
}

struct Checker<'a, Id> {
    rules: &'a dyn Rules,
    projects: BTreeMap<&'a str, &'a Source<Id>>,
}

impl<'a, Id> Checker<'a, Id> {
    /// Returns the requested extras of each project. A layer, a distribution or an extra may
    /// request them.
    fn extras(&self, layers: &[Layer<Id>]) -> BTreeMap<&'a str, Vec<String>> {
        let mut asked: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let distributions = self.projects.iter().filter_map(|(project, source)| {
            let extras = source.distribution.as_ref()?.extras.clone();
            Some((*project, extras))
        });
        asked.extend(distributions);
        let mut waiting: Vec<&str> = asked.keys().copied().collect();
        for layer in layers {
            self.ask(&layer.requires, &[], &mut asked, &mut waiting);
        }
        while let Some(project) = waiting.pop() {
            let distribution =
                self.projects.get(project).and_then(|source| source.distribution.as_ref());
            let requires = distribution.map_or(&[][..], |distribution| &distribution.requires);
            let extras = asked.get(project).cloned().unwrap_or_default();
            self.ask(requires, &extras, &mut asked, &mut waiting);
        }
        asked
    }

    /// Records the extras that requirements request. A project with new extras is queued again.
    fn ask(
        &self,
        requires: &[String],
        extras: &[String],
        asked: &mut BTreeMap<&'a str, Vec<String>>,
        waiting: &mut Vec<&'a str>,
    ) {
        for need in requires.iter().filter_map(|text| self.rules.need(text, extras).ok().flatten())
        {
            let Some((project, _)) = self.projects.get_key_value(need.project.as_str()) else {
                continue;
            };
            let known = asked.entry(project).or_default();
            let count = known.len();
            let more = need.extras.into_iter();
            let more: Vec<String> = more.filter(|extra| !known.contains(extra)).collect();
            known.extend(more);
            if known.len() > count {
                waiting.push(project);
            }
        }
    }

    /// Returns a conflict for each requirement that does not hold.
    fn check(&self, by: &Owner, requires: &[String], extras: &[String]) -> Vec<Conflict> {
        let unique: BTreeSet<&String> = requires.iter().collect();
        unique
            .into_iter()
            .filter_map(|requirement| self.check_one(by, requirement, extras))
            .collect()
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
