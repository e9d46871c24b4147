use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    Conflict, Layer, Place, Plan, Rules,
    check::check,
    overlay::overlay,
    plan::{ProgramAt, Source},
};

/// Merges layers; the earlier layer wins. The rules are in the crate's documentation.
pub fn merge<Id: Clone + Eq>(layers: &[Layer<Id>], rules: &dyn Rules) -> Plan<Id> {
    let mut plan = Plan {
        sources: codes(layers),
        pieces: Vec::new(),
        programs: BTreeMap::new(),
        conflicts: Vec::new(),
    };
    choose_distributions(layers, &mut plan);
    overlay(&mut plan);
    choose_programs(&mut plan);
    check(layers, rules, &mut plan);
    plan
}

fn codes<Id: Clone>(layers: &[Layer<Id>]) -> Vec<Source<Id>> {
    let own = layers.iter().filter(|layer| !layer.contents.files.is_empty());
    own.enumerate()
        .map(|(number, layer)| Source {
            number,
            layer: layer.name.clone(),
            distribution: None,
            contents: layer.contents.clone(),
        })
        .collect()
}

fn choose_distributions<Id: Clone + Eq>(layers: &[Layer<Id>], plan: &mut Plan<Id>) {
    let mut chosen: BTreeMap<&str, usize> = BTreeMap::new();
    let all = layers.iter().flat_map(|layer| {
        layer.distributions.iter().map(move |distribution| (layer, distribution))
    });
    for (layer, distribution) in all {
        let source = Source {
            number: plan.sources.len(),
            layer: layer.name.clone(),
            contents: distribution.contents.clone(),
            distribution: Some(distribution.clone()),
        };
        match chosen.entry(&distribution.project) {
            Entry::Vacant(entry) => {
                entry.insert(plan.sources.len());
                plan.sources.push(source);
            }
            Entry::Occupied(entry) => {
                let winner = &mut plan.sources[*entry.get()];
                match &mut winner.distribution {
                    // A later layer may request more extras of the same distribution.
                    Some(known) if known.id == distribution.id => {
                        let more = distribution.extras.iter();
                        let more = more.filter(|extra| !known.extras.contains(extra)).cloned();
                        let more: Vec<String> = more.collect();
                        known.extras.extend(more);
                    }
                    _ => plan.conflicts.push(Conflict::SameProject {
                        project: distribution.project.clone(),
                        winner: winner.owner(),
                        loser: source.owner(),
                    }),
                }
            }
        }
    }
}

fn choose_programs<Id: Clone + Eq>(plan: &mut Plan<Id>) {
    let mut programs: BTreeMap<String, ProgramAt> = BTreeMap::new();
    for (number, source) in plan.sources.iter().enumerate() {
        for (name, program) in programs_of(source, number) {
            match programs.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(program);
                }
                Entry::Occupied(entry) if is_same(plan, entry.get(), &program) => {}
                Entry::Occupied(entry) => {
                    // An installer overwrites a file that has the name of an entry point, so two
                    // programs of one source do not conflict.
                    let winner = entry.get().source();
                    if winner != number {
                        plan.conflicts.push(Conflict::SameScript {
                            name: entry.key().clone(),
                            winner: plan.sources[winner].owner(),
                            loser: source.owner(),
                        });
                    }
                }
            }
        }
    }
    plan.programs = programs;
    find_case_twins(plan);
}

fn find_case_twins<Id: Clone + Eq>(plan: &mut Plan<Id>) {
    let mut folded: BTreeMap<String, (&String, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, program) in &plan.programs {
        match folded.entry(name.to_lowercase()) {
            Entry::Vacant(entry) => {
                entry.insert((name, program.source()));
            }
            Entry::Occupied(entry) => {
                // As with other files, names of one owner do not conflict with each other.
                let (first, winner) = *entry.get();
                if winner != program.source() {
                    found.push(Conflict::SameButForCase {
                        place: Place::Scripts,
                        path: first.clone(),
                        other: name.clone(),
                        winner: plan.sources[winner].owner(),
                        loser: plan.sources[program.source()].owner(),
                    });
                }
            }
        }
    }
    plan.conflicts.extend(found);
}

fn programs_of<Id>(
    source: &Source<Id>,
    number: usize,
) -> impl Iterator<Item = (String, ProgramAt)> {
    let scripts = source.contents.scripts.iter().enumerate();
    let scripts = scripts
        .map(move |(at, script)| (script.name.clone(), ProgramAt::Script { source: number, at }));
    let files = &source.contents.files;
    let start = files.partition_point(|file| file.place < Place::Scripts);
    let files = files[start..].iter().take_while(|file| file.place == Place::Scripts);
    scripts.chain(
        files
            .zip(start..)
            .map(move |(file, at)| (file.path.clone(), ProgramAt::File { source: number, at })),
    )
}

fn is_same<Id: Eq>(plan: &Plan<Id>, a: &ProgramAt, b: &ProgramAt) -> bool {
    match (a, b) {
        (ProgramAt::Script { source: a, at: m }, ProgramAt::Script { source: b, at: n }) => {
            let (a, b) = (&plan.sources[*a].contents, &plan.sources[*b].contents);
            a.scripts[*m].target == b.scripts[*n].target
        }
        (ProgramAt::File { source: a, at: m }, ProgramAt::File { source: b, at: n }) => {
            let (a, b) = (&plan.sources[*a].contents, &plan.sources[*b].contents);
            a.files[*m].id == b.files[*n].id
        }
        _ => false,
    }
}

impl ProgramAt {
    fn source(&self) -> usize {
        match self {
            Self::Script { source, .. } | Self::File { source, .. } => *source,
        }
    }
}
