use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use crate::{Conflict, Distribution, Layer, Owner, Rules};

/// What one interpreter will see, and what stood in the way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan<Id> {
    distributions: Vec<Placed<Id>>,
    files: BTreeMap<String, (Id, String)>,
    conflicts: Vec<Conflict>,
}

/// A distribution of a plan, and the layer that it comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed<Id> {
    /// The distribution.
    pub distribution: Distribution<Id>,
    /// The layer's name.
    pub layer: String,
}

impl<Id> Plan<Id> {
    /// The distributions, in the order of layers and within them.
    pub fn distributions(&self) -> &[Placed<Id>] {
        &self.distributions
    }

    /// The files by path: content, and the layer that it comes from.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &Id, &str)> {
        self.files.iter().map(|(path, (id, layer))| (path.as_str(), id, layer.as_str()))
    }

    /// What stood in the way, in the order in which it was met.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }
}

/// Merges layers; the earlier one wins. The crate's essay has the rules.
pub fn merge<Id: Clone + Eq>(layers: &[Layer<Id>], rules: &dyn Rules) -> Plan<Id> {
    let mut plan =
        Plan { distributions: Vec::new(), files: BTreeMap::new(), conflicts: Vec::new() };
    place_distributions(layers, &mut plan);
    place_files(layers, &mut plan);
    check(rules, &mut plan);
    plan
}

fn place_distributions<Id: Clone + Eq>(layers: &[Layer<Id>], plan: &mut Plan<Id>) {
    let mut placed: BTreeMap<&str, (&Distribution<Id>, &str)> = BTreeMap::new();
    for layer in layers {
        for distribution in &layer.distributions {
            match placed.entry(&distribution.project) {
                Entry::Vacant(entry) => {
                    entry.insert((distribution, &layer.name));
                    let (distribution, layer) = (distribution.clone(), layer.name.clone());
                    plan.distributions.push(Placed { distribution, layer });
                }
                Entry::Occupied(entry) => {
                    let (winner, winners_layer) = *entry.get();
                    if winner.id != distribution.id {
                        plan.conflicts.push(Conflict::SameProject {
                            project: distribution.project.clone(),
                            winner: owner(winner, winners_layer),
                            loser: owner(distribution, &layer.name),
                        });
                    }
                }
            }
        }
    }
}

fn place_files<Id: Clone + Eq>(layers: &[Layer<Id>], plan: &mut Plan<Id>) {
    // Every folder that a placed file lies in, and the layer that first needed it.
    let mut folders: BTreeMap<String, String> = BTreeMap::new();
    for layer in layers {
        for (path, id) in &layer.files {
            let clash = |path: &str, winner: &str| {
                let (path, winner, loser) =
                    (path.to_owned(), winner.to_owned(), layer.name.clone());
                Conflict::FileAndFolder { path, winner, loser }
            };
            if let Some((known, winner)) = plan.files.get(path) {
                if known != id {
                    let (path, winner) = (path.clone(), winner.clone());
                    let loser = layer.name.clone();
                    plan.conflicts.push(Conflict::SameFile { path, winner, loser });
                }
            } else if let Some(winner) = folders.get(path) {
                plan.conflicts.push(clash(path, winner));
            } else if let Some((file, (_, winner))) =
                parents(path).find_map(|parent| plan.files.get_key_value(parent))
            {
                plan.conflicts.push(clash(file, winner));
            } else {
                for parent in parents(path) {
                    folders.entry(parent.to_owned()).or_insert_with(|| layer.name.clone());
                }
                plan.files.insert(path.clone(), (id.clone(), layer.name.clone()));
            }
        }
    }
}

/// `a/b/c` lies in `a` and `a/b`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn check<Id: Clone + Eq>(rules: &dyn Rules, plan: &mut Plan<Id>) {
    let versions: BTreeMap<&str, &Placed<Id>> =
        plan.distributions.iter().map(|one| (one.distribution.project.as_str(), one)).collect();
    let mut found = Vec::new();
    for Placed { distribution, layer } in &plan.distributions {
        if !rules.fits(&distribution.file_name) {
            found.push(Conflict::Misfit { wheel: owner(distribution, layer) });
        }
        let unique: BTreeSet<&String> = distribution.requires.iter().collect();
        for requirement in unique {
            let by = || owner(distribution, layer);
            let need = match rules.need(requirement, &distribution.extras) {
                Ok(None) => continue,
                Ok(Some(need)) => need,
                Err(reason) => {
                    found.push(Conflict::Unreadable { by: by(), reason });
                    continue;
                }
            };
            let there = versions.get(need.project.as_str());
            if !there.is_some_and(|one| (need.accepts)(&one.distribution.version)) {
                found.push(Conflict::Unsatisfied {
                    by: by(),
                    requirement: requirement.clone(),
                    found: there.map(|one| owner(&one.distribution, &one.layer)),
                });
            }
        }
    }
    plan.conflicts.extend(found);
}

fn owner<Id>(distribution: &Distribution<Id>, layer: &str) -> Owner {
    Owner { file_name: distribution.file_name.clone(), layer: layer.to_owned() }
}
