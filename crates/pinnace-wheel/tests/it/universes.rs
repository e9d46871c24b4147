//! Properties of the resolver on random universes, and of the universes themselves.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use pinnace_wheel::{
    Error, File, MemorySource, Metadata, Outcome, Project, ProjectName, Request, Requirement,
    Source, resolve,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::resolving::{outcome, pins};

/// The request of most properties.
const REQUEST: [&str; 2] = ["a", "b>=1"];

/// Returns small universes: up to four projects with up to three versions each. There are so many
/// wheels that most projects exist, and so few that brute force is quick.
fn universe() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let requirement = ("[abcd]", "(<|>=|==|!=)", 1u8..4)
        .prop_map(|(name, op, version)| format!("{name}{op}{version}"));
    let wheel = proptest::collection::vec(requirement, 0..3);
    proptest::collection::btree_map(("[abcd]", 1u8..4), wheel, 7..11).prop_map(|wheels| {
        wheels
            .into_iter()
            .map(|((name, version), requires)| (format!("{name}-{version}"), requires))
            .collect()
    })
}

fn build(wheels: &[(String, Vec<String>)]) -> MemorySource {
    let mut source = MemorySource::new();
    for (name, requires) in wheels {
        let requires: Vec<&str> = requires.iter().map(String::as_str).collect();
        source.add(&format!("{name}-py3-none-any.whl"), &requires).unwrap();
    }
    source
}

/// Checks by brute force whether a solution exists: tries every choice of at most one version per
/// project.
fn solvable_by_force(wheels: &[(String, Vec<String>)], requirements: &[&str]) -> bool {
    (0u32..1 << wheels.len()).any(|chosen| {
        let chosen: Vec<_> = wheels
            .iter()
            .enumerate()
            .filter(|(n, _)| chosen >> n & 1 == 1)
            .map(|(_, wheel)| wheel)
            .collect();
        let holds = |text: &str| {
            let requirement: Requirement = text.parse().unwrap();
            chosen.iter().any(|(name, _)| {
                let (project, version) = name.split_once('-').unwrap();
                project == requirement.name().as_str()
                    && requirement.specifiers().contains(&version.parse().unwrap())
            })
        };
        let projects: BTreeSet<_> = chosen.iter().map(|(name, _)| name.split('-').next()).collect();
        projects.len() == chosen.len()
            && requirements.iter().all(|text| holds(text))
            && chosen.iter().all(|(_, requires)| requires.iter().all(|text| holds(text)))
    })
}

/// A source that records whose metadata the resolver reads. It reads the metadata of each version
/// that it decides on, once.
struct Recorded {
    source: MemorySource,
    decided: Mutex<BTreeSet<String>>,
}

impl Source for Recorded {
    fn project(&self, name: &ProjectName) -> Result<Option<Arc<Project>>, Error> {
        self.source.project(name)
    }

    fn metadata(&self, file: &File) -> Result<Option<Arc<Metadata>>, Error> {
        let name = file.artifact.file_name().trim_end_matches("-py3-none-any.whl");
        self.decided.lock().unwrap().insert(name.to_owned());
        self.source.metadata(file)
    }
}

/// The work that a universe makes for the resolver.
#[derive(Debug, Eq, PartialEq)]
enum Work {
    /// Every decision is part of the solution.
    Straight,
    /// There is a solution, but the resolver took decisions back on the way to it.
    Backtracked,
    /// There is no solution, and the request alone shows it.
    Refused,
    /// There is no solution, and the resolver took decisions back to find out.
    Exhausted,
}

/// The number of universes in the sample.
const SAMPLE: u32 = 400;

/// Checks that the universes of the properties below are hard enough to test the search. The shares
/// hold for these seeds. They count decisions, so they do not depend on the machine.
#[test]
fn random_universes_make_the_resolver_take_decisions_back() {
    let works: Vec<Work> = (0..SAMPLE).map(|seed| work(&universe_of(seed))).collect();
    let percent = |kinds: &[Work]| {
        let count = works.iter().filter(|work| kinds.contains(work)).count();
        100 * count / works.len()
    };
    let solvable = percent(&[Work::Straight, Work::Backtracked]);
    assert!((35..=65).contains(&solvable), "{solvable} % have a solution");
    let backtracked = percent(&[Work::Backtracked]);
    assert!(backtracked >= 15, "{backtracked} % have a solution and are hard");
    let hard = percent(&[Work::Backtracked, Work::Exhausted]);
    assert!(hard >= 60, "{hard} % are hard");
}

/// Returns the universe that the generator makes of a seed.
fn universe_of(seed: u32) -> Vec<(String, Vec<String>)> {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    universe().new_tree(&mut runner).unwrap().current()
}

/// Resolves the request of the properties below, and compares the decisions with the answer.
fn work(wheels: &[(String, Vec<String>)]) -> Work {
    let source = Recorded { source: build(wheels), decided: Mutex::default() };
    let request = Request::new(REQUEST.map(|text| text.parse().unwrap()));
    let outcome = resolve(&source, &request, &crate::target()).unwrap();
    let decided = source.decided.into_inner().unwrap();
    match outcome {
        Outcome::Unsolvable(_) if decided.is_empty() => Work::Refused,
        Outcome::Unsolvable(_) => Work::Exhausted,
        Outcome::Solved(resolution) if decided.into_iter().eq(pins(&resolution)) => Work::Straight,
        Outcome::Solved(_) => Work::Backtracked,
    }
}

proptest! {
    #[test]
    fn a_solution_is_found_if_and_only_if_there_is_one(wheels in universe()) {
        let found = match outcome(&build(&wheels), &REQUEST) {
            Outcome::Unsolvable(_) => false,
            Outcome::Solved(resolution) => {
                let chosen = pins(&resolution);
                let of = |wheel: &String| wheels.iter().find(|(name, _)| name == wheel).unwrap();
                for requirement in REQUEST.iter().map(|text| (*text).to_owned()).chain(chosen.iter().flat_map(|wheel| of(wheel).1.clone())) {
                    let requirement: Requirement = requirement.parse().unwrap();
                    let pin = resolution.pins().iter().find(|pin| pin.project() == requirement.name());
                    prop_assert!(pin.is_some_and(|pin| requirement.specifiers().contains(pin.version())), "{requirement} in {chosen:?}");
                }
                true
            }
        };
        prop_assert_eq!(found, solvable_by_force(&wheels, &REQUEST));
    }

    #[test]
    fn nothing_is_chosen_that_nobody_requires(wheels in universe()) {
        let Outcome::Solved(resolution) = outcome(&build(&wheels), &["a"]) else { return Ok(()) };
        let chosen = pins(&resolution);
        let mut wanted = vec!["a".to_owned()];
        let mut reached = BTreeSet::new();
        while let Some(name) = wanted.pop() {
            if reached.insert(name.clone()) {
                let pin = chosen.iter().find(|pin| pin.starts_with(&format!("{name}-"))).unwrap();
                let (_, requires) = wheels.iter().find(|(wheel, _)| wheel == pin).unwrap();
                wanted.extend(requires.iter().map(|text| text[..1].to_owned()));
            }
        }
        prop_assert_eq!(reached.len(), chosen.len(), "{:?}", chosen);
    }

    #[test]
    fn what_has_no_solution_has_none_with_fewer_versions(wheels in universe(), gone in 0usize..10) {
        if let Outcome::Unsolvable(_) = outcome(&build(&wheels), &["a", "b"]) {
            let mut fewer = wheels.clone();
            fewer.remove(gone % wheels.len());
            prop_assert!(matches!(outcome(&build(&fewer), &["a", "b"]), Outcome::Unsolvable(_)));
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(wheels in universe()) {
        let answer = || match outcome(&build(&wheels), &["a", "b"]) {
            Outcome::Solved(resolution) => pins(&resolution),
            Outcome::Unsolvable(why) => vec![why.to_string()],
        };
        prop_assert_eq!(answer(), answer());
    }

    #[test]
    fn an_unrelated_project_changes_nothing(wheels in universe()) {
        let mut more = wheels.clone();
        more.push(("unrelated-1".to_owned(), vec!["a<1".to_owned()]));
        let answer = |wheels: &[(String, Vec<String>)]| match outcome(&build(wheels), &["a", "b"]) {
            Outcome::Solved(resolution) => pins(&resolution),
            Outcome::Unsolvable(_) => Vec::new(),
        };
        prop_assert_eq!(answer(&wheels), answer(&more));
    }
}
