//! The loop that drives PubGrub, and the order in which it decides.
//!
//! PubGrub finds a solution in any order of decisions, but the order determines how much it must
//! read. Two heuristics keep this small; uv has shown that both work on real indexes. First, pinned
//! packages are decided first, then packages in the order in which they were seen. Second, if two
//! packages keep conflicting, the one that was decided too early is taken back and decided after
//! the other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, Id, PackageResolutionStatistics, Ranges,
    State,
};

use super::{
    package::{Package, Versions, root_version},
    provider::{Constraints, Provider},
    reason::Reason,
};
use crate::{Error, ErrorKind, range::single, version_key::VersionKey};

pub(super) type Tree = DerivationTree<Package, Versions, Reason>;
pub(super) type Solution = Vec<(Package, VersionKey)>;

/// The number of conflicts between two packages after which they swap places. uv found this number
/// for its own solver.
const TROUBLE: u32 = 5;

/// The number of decisions after which a request counts as too hard. The largest known real request
/// (apache-airflow with all its extras) takes some thousands.
const MOST_DECISIONS: u32 = 100_000;

/// The priority of a package. The solver decides the package with the highest one first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Priority {
    /// Caused conflicts of other packages.
    Late(Reverse<(usize, bool)>),
    /// Ordered by when it was first seen, the base of an extra before the extra.
    Seen(Reverse<(usize, bool)>),
    /// Suffered from conflicts with other packages.
    Early(Reverse<(usize, bool)>),
    /// Has only one version left.
    Pinned(Reverse<(usize, bool)>),
}

/// The types that the solver works with. The loop below replaces PubGrub's own, so no method is
/// called.
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

/// Finds a version of each package, or returns the tree of reasons why there is no solution.
pub(super) fn solve(provider: &Provider<'_>) -> Result<Result<Solution, Tree>, Error> {
    let mut solver = Solver::new(provider);
    for _ in 0..MOST_DECISIONS {
        if provider.is_cancelled() {
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

struct Solver<'p> {
    provider: &'p Provider<'p>,
    state: State<Types>,
    next: Id<Package>,
    /// The versions whose dependencies the solver already knows.
    added: BTreeSet<(Package, VersionKey)>,
    conflicts: Conflicts,
}

impl<'p> Solver<'p> {
    fn new(provider: &'p Provider<'p>) -> Self {
        let state = State::init(Package::Root, root_version());
        let next = state.root_package;
        Self { provider, state, next, added: BTreeSet::new(), conflicts: Conflicts::default() }
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
            .filter(|package| *package != affected && *package != root)
            .map(|package| packages[package].clone())
            .collect();
        self.conflicts.record(&packages[affected], &culprits);
    }

    /// Decides one more package. Returns false when all packages are decided.
    fn decide(&mut self) -> Result<bool, Error> {
        let (packages, conflicts) = (&self.state.package_store, &self.conflicts);
        let provider = self.provider;
        let picked = self.state.partial_solution.pick_highest_priority_pkg(|id, versions| {
            let package = &packages[id];
            let rank = Reverse(provider.rank(package));
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
        match provider.choose(&package, &versions)? {
            None => self.state.add_no_versions(id, versions),
            Some(version) => self.select(id, package, version)?,
        }
        Ok(true)
    }

    fn select(
        &mut self,
        id: Id<Package>,
        package: Package,
        version: VersionKey,
    ) -> Result<(), Error> {
        if !self.added.insert((package.clone(), version.clone())) {
            self.state.partial_solution.add_decision(id, version);
            return Ok(());
        }
        let only = Ranges::singleton(version.clone());
        match self.provider.dependencies(&package, &version)? {
            Err(reason) => {
                let alone = self.provider.widen(&package, &only)?;
                self.state.add_unavailable(id, alone, reason);
            }
            Ok(constraints) => self.add(id, &package, version, constraints)?,
        }
        Ok(())
    }

    fn add(
        &mut self,
        id: Id<Package>,
        package: &Package,
        version: VersionKey,
        constraints: Constraints,
    ) -> Result<(), Error> {
        for (project, excluded, reason) in self.provider.new_limits() {
            let limited = self.state.package_store.alloc(Package::Base(project));
            self.state.add_unavailable(limited, excluded, reason);
        }
        let versions = self.provider.widen(package, &Ranges::singleton(version.clone()))?;
        let conflict =
            self.state.add_package_version_dependencies(id, version, versions, constraints);
        if let Some(conflict) = conflict {
            self.record(id, &conflict);
        }
        Ok(())
    }

    fn solution(self) -> Solution {
        let packages = &self.state.package_store;
        let decided = self.state.partial_solution.extract_solution();
        decided.map(|(id, version)| (packages[id].clone(), version)).collect()
    }
}

/// The conflicts between packages, and the changes of priority that follow from them.
#[derive(Default)]
struct Conflicts {
    affected: BTreeMap<Package, u32>,
    culprits: BTreeMap<Package, u32>,
    early: BTreeSet<Package>,
    late: BTreeSet<Package>,
    /// Packages that became late since the last decision.
    waiting: Vec<Package>,
}

impl Conflicts {
    fn record(&mut self, affected: &Package, culprits: &[Package]) {
        if count(&mut self.affected, affected) {
            self.late.remove(affected);
            self.early.insert(affected.clone());
        }
        for culprit in culprits {
            // A culprit that suffered conflicts itself stays early; otherwise both would swap
            // endlessly.
            if count(&mut self.culprits, culprit)
                && !self.early.contains(culprit)
                && self.late.insert(culprit.clone())
            {
                self.waiting.push(culprit.clone());
            }
        }
    }
}

/// Counts one more conflict. Returns true each time the count reaches a multiple of `TROUBLE`.
fn count(counts: &mut BTreeMap<Package, u32>, package: &Package) -> bool {
    let count = counts.entry(package.clone()).or_default();
    *count += 1;
    count.is_multiple_of(TROUBLE)
}
