//! The loop that drives PubGrub, and the order in which it decides.
//!
//! PubGrub finds a solution in whatever order packages are decided, but how much it must read on the
//! way depends on that order. Two rules of thumb, both of which uv has shown to work on real
//! indexes, keep it small: what is pinned is decided first, then what was seen first; and where two
//! packages keep getting into each other's way, the one that was decided too early is taken back
//! and decided after the other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, Id, PackageResolutionStatistics, Ranges,
    State,
};

use super::{
    explain::Reason,
    package::{Package, root_point},
    provider::{Constraints, Knowledge},
};
use crate::{Error, ErrorKind, range::single, version_key::VersionKey};

pub(super) type Versions = Ranges<VersionKey>;
pub(super) type Tree = DerivationTree<Package, Versions, Reason>;
pub(super) type Solution = Vec<(Package, VersionKey)>;

/// Conflicts between two packages after which they change places. uv found this number for its own
/// solver.
const TROUBLE: u32 = 5;

/// Decisions after which a request counts as too hard. The largest real one known (apache-airflow
/// with all its extras) takes some thousands.
const MOST_DECISIONS: u32 = 100_000;

/// Higher goes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Priority {
    /// It got into the way of another.
    Late(Reverse<(usize, bool)>),
    /// By when it was first seen; the base of an extra before the extra.
    Seen(Reverse<(usize, bool)>),
    /// Another got into its way.
    Early(Reverse<(usize, bool)>),
    /// Only one version will do.
    Pinned(Reverse<(usize, bool)>),
}

/// The types that the solver works with; the loop below takes the place of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Types {}

impl DependencyProvider for Types {
    type P = Package;
    type V = VersionKey;
    type VS = Versions;
    type Priority = Priority;
    type M = Reason;
    type Err = Error;

    fn prioritize(&self, _: &Package, _: &Versions, _: &PackageResolutionStatistics) -> Priority {
        match *self {}
    }

    fn choose_version(&self, _: &Package, _: &Versions) -> Result<Option<VersionKey>, Error> {
        match *self {}
    }

    fn get_dependencies(
        &self,
        _: &Package,
        _: &VersionKey,
    ) -> Result<Dependencies<Package, Versions, Reason>, Error> {
        match *self {}
    }
}

/// A version of each package, or the tree of reasons why there is none.
pub(super) fn solve(knowledge: &Knowledge<'_>) -> Result<Result<Solution, Tree>, Error> {
    let mut solver = Solver::new(knowledge);
    for _ in 0..MOST_DECISIONS {
        if knowledge.is_cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        if let Err(tree) = solver.propagate() {
            return Ok(Err(*tree));
        }
        if !solver.decide()? {
            return Ok(Ok(solver.solution()));
        }
    }
    Err(ErrorKind::TooHard { decisions: MOST_DECISIONS }.into())
}

struct Solver<'k> {
    knowledge: &'k Knowledge<'k>,
    state: State<Types>,
    next: Id<Package>,
    /// The versions whose dependencies the solver knows already.
    added: BTreeSet<(Package, VersionKey)>,
    conflicts: Conflicts,
}

impl<'k> Solver<'k> {
    fn new(knowledge: &'k Knowledge<'k>) -> Self {
        let state = State::init(Package::Root, root_point());
        let next = state.root_package;
        Self { knowledge, state, next, added: BTreeSet::new(), conflicts: Conflicts::default() }
    }

    fn propagate(&mut self) -> Result<(), Box<Tree>> {
        let conflicts = self.state.unit_propagation(self.next).map_err(Box::new)?;
        let conflicts: Vec<_> = conflicts.into_iter().collect();
        for (affected, conflict) in conflicts {
            self.record(affected, &conflict);
        }
        for package in std::mem::take(&mut self.conflicts.waiting) {
            let id = self.state.package_store.alloc(package);
            self.state.backtrack_package(id);
        }
        Ok(())
    }

    fn record(&mut self, affected: Id<Package>, conflict: &pubgrub::ConflictId<Types>) {
        let root = self.state.root_package;
        let packages = &self.state.package_store;
        let culprits: Vec<_> = self
            .state
            .conflict_packages(conflict)
            .filter(|one| *one != affected && *one != root)
            .map(|one| packages[one].clone())
            .collect();
        self.conflicts.record(&packages[affected], &culprits);
    }

    /// Decides one more package; false when all are decided.
    fn decide(&mut self) -> Result<bool, Error> {
        let (packages, conflicts) = (&self.state.package_store, &self.conflicts);
        let knowledge = self.knowledge;
        let picked = self.state.partial_solution.pick_highest_priority_pkg(|id, versions| {
            let package = &packages[id];
            let rank = Reverse(knowledge.rank(package));
            if single(versions).is_some() {
                Priority::Pinned(rank)
            } else if conflicts.early.contains(package) {
                Priority::Early(rank)
            } else if conflicts.late.contains(package) {
                Priority::Late(rank)
            } else {
                Priority::Seen(rank)
            }
        });
        let Some((id, versions)) = picked else { return Ok(false) };
        let versions = versions.clone();
        self.next = id;
        let package = self.state.package_store[id].clone();
        match knowledge.choose(&package, &versions)? {
            None => self.state.add_no_versions(id, versions),
            Some(point) => self.select(id, package, point)?,
        }
        Ok(true)
    }

    fn select(
        &mut self,
        id: Id<Package>,
        package: Package,
        point: VersionKey,
    ) -> Result<(), Error> {
        if !self.added.insert((package.clone(), point.clone())) {
            self.state.partial_solution.add_decision(id, point);
            return Ok(());
        }
        let only = Ranges::singleton(point.clone());
        match self.knowledge.dependencies(&package, &point)? {
            Err(reason) => {
                let alone = self.knowledge.widen(&package, &only)?;
                self.state.add_unavailable(id, alone, reason);
            }
            Ok(constraints) => self.add(id, &package, point, constraints)?,
        }
        Ok(())
    }

    fn add(
        &mut self,
        id: Id<Package>,
        package: &Package,
        point: VersionKey,
        constraints: Constraints,
    ) -> Result<(), Error> {
        for (project, excluded, reason) in self.knowledge.new_limits() {
            let limited = self.state.package_store.alloc(Package::Base(project));
            self.state.add_unavailable(limited, excluded, reason);
        }
        let versions = self.knowledge.widen(package, &Ranges::singleton(point.clone()))?;
        let conflict =
            self.state.add_package_version_dependencies(id, point, versions, constraints);
        if let Some(conflict) = conflict {
            self.record(id, &conflict);
        }
        Ok(())
    }

    fn solution(self) -> Solution {
        let packages = &self.state.package_store;
        let decided = self.state.partial_solution.extract_solution();
        decided.map(|(id, point)| (packages[id].clone(), point)).collect()
    }
}

/// Who got into whose way, and what came of it.
#[derive(Default)]
struct Conflicts {
    affected: BTreeMap<Package, u32>,
    culprits: BTreeMap<Package, u32>,
    early: BTreeSet<Package>,
    late: BTreeSet<Package>,
    /// Those that became late since the last decision.
    waiting: Vec<Package>,
}

impl Conflicts {
    fn record(&mut self, affected: &Package, culprits: &[Package]) {
        if count(&mut self.affected, affected) {
            self.late.remove(affected);
            self.early.insert(affected.clone());
        }
        for culprit in culprits {
            // What was in another's way and in trouble itself stays early, or both would go round.
            if count(&mut self.culprits, culprit)
                && !self.early.contains(culprit)
                && self.late.insert(culprit.clone())
            {
                self.waiting.push(culprit.clone());
            }
        }
    }
}

/// Counts one more, and says whether that is trouble.
fn count(counts: &mut BTreeMap<Package, u32>, package: &Package) -> bool {
    let count = counts.entry(package.clone()).or_default();
    *count += 1;
    count.is_multiple_of(TROUBLE)
}
