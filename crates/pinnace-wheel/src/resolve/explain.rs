use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use pubgrub::{DerivationTree, External};

use super::{
    Unfit,
    package::{Package, Versions},
    provider::Provider,
    reason::Reason,
    solve::Tree,
};
use crate::{ProjectName, Version, range::describe};

/// An explanation of an unsolvable request: facts that together rule out every solution.
#[derive(Clone, Debug)]
pub struct Explanation {
    facts: Vec<Fact>,
    /// The requirements and constraints of the request that conflict, each with its origin.
    relaxable: Vec<String>,
    needs_build: bool,
}

/// A fact of an [`Explanation`]. Version ranges are written as specifiers; an empty string means
/// every version.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// A requirement of the request, with its origin.
    Asked(String),
    /// A constraint of the request, with its origin.
    Limited(String),
    /// A project requires another.
    Requires {
        /// The project, or `project[extra]`, that has the requirement.
        by: String,
        /// The versions that have the requirement.
        versions: String,
        /// The required project, or `project[extra]`.
        what: String,
        /// The required versions.
        range: String,
        /// The number of older version ranges that require other versions of it.
        others: usize,
    },
    /// No index has files of a project with this name.
    Unknown(ProjectName),
    /// The newest version that exists.
    Newest(ProjectName, Version),
    /// No remaining version of a project can be used.
    NoVersion {
        /// The project.
        project: ProjectName,
        /// The versions that exist and the reasons why they do not fit, newest first.
        unfit: Vec<(Version, Unfit)>,
    },
    /// These versions cannot be used.
    Unusable {
        /// The project, or `project[extra]`.
        what: String,
        /// The unusable versions.
        versions: String,
        /// The reason.
        reason: String,
        /// The number of older version ranges that cannot be used for similar reasons.
        others: usize,
    },
}

impl Explanation {
    /// Returns the facts, with the request's own requirements first.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Returns true if building a source distribution would help.
    pub fn needs_build(&self) -> bool {
        self.needs_build
    }

    /// Returns the advice to relax the requirements that conflict: "relax `flask<2`". Returns `None`
    /// if no requirement conflicts with another.
    pub fn hint(&self) -> Option<String> {
        match self.relaxable.as_slice() {
            [] => None,
            [only] => Some(format!("relax {only}")),
            several => Some(format!("relax one of {}", several.join(", "))),
        }
    }

    pub(super) fn of(tree: Tree, provider: &Provider<'_>) -> Self {
        let mut collected = Collected::new(provider);
        collected.tree(&tree);
        let sdist_alone = |(_, unfit): &(Version, Unfit)| matches!(unfit, Unfit::OnlySdist { .. });
        let needs_build = collected.needs_build;
        let mut facts = collected.finish();
        let needs_build = needs_build
            || facts.iter().any(|fact| match fact {
                Fact::NoVersion { unfit, .. } => unfit.iter().any(sdist_alone),
                _ => false,
            });
        facts.sort_by_key(order);
        // Relaxing helps if requirements conflict, but not if a name is unknown or no file fits.
        let clash = facts
            .iter()
            .any(|it| matches!(it, Fact::Requires { .. } | Fact::Limited(_) | Fact::Newest(..)));
        let relaxable = facts.iter().filter(|_| clash).filter_map(|fact| match fact {
            Fact::Asked(text) | Fact::Limited(text) => provider.request.quoted(text),
            _ => None,
        });
        Self { relaxable: relaxable.collect(), facts, needs_build }
    }
}

/// Returns the sort key of a fact: first what the user wrote, then dependencies between projects,
/// then the state of versions and names.
fn order(fact: &Fact) -> u8 {
    match fact {
        Fact::Asked(_) => 0,
        Fact::Limited(_) => 1,
        Fact::Requires { .. } => 2,
        Fact::Unusable { .. } => 3,
        Fact::NoVersion { .. } => 4,
        Fact::Newest(..) => 5,
        Fact::Unknown(_) => 6,
    }
}

/// The merged leaves of a derivation tree: a fact about a hundred versions becomes one fact.
struct Collected<'p> {
    provider: &'p Provider<'p>,
    facts: Vec<Fact>,
    /// Dependencies between packages: for each pair, version ranges with the range that each
    /// requires.
    requires: BTreeMap<(Package, Package), Vec<(Versions, Versions)>>,
    /// Unusable packages: version ranges, each with its reason.
    unusable: BTreeMap<Package, Vec<(Versions, String)>>,
    /// Projects with a version range in which no version could be chosen.
    without_version: BTreeSet<ProjectName>,
    needs_build: bool,
}

impl<'p> Collected<'p> {
    fn new(provider: &'p Provider<'p>) -> Self {
        Self {
            provider,
            facts: Vec::new(),
            requires: BTreeMap::new(),
            unusable: BTreeMap::new(),
            without_version: BTreeSet::new(),
            needs_build: false,
        }
    }

    fn push(&mut self, fact: Fact) {
        if !self.facts.contains(&fact) {
            self.facts.push(fact);
        }
    }

    /// Visits each leaf of the tree once. Trees share branches and are as deep as conflicts go, so
    /// the walk uses an explicit stack.
    fn tree(&mut self, tree: &Tree) {
        let mut waiting = vec![tree];
        let mut shared = BTreeSet::new();
        while let Some(tree) = waiting.pop() {
            match tree {
                DerivationTree::External(external) => self.external(external),
                DerivationTree::Derived(derived) => {
                    if derived.shared_id.is_none_or(|id| shared.insert(id)) {
                        waiting.extend([&*derived.cause2, &*derived.cause1]);
                    }
                }
            }
        }
    }

    fn external(&mut self, external: &External<Package, Versions, Reason>) {
        match external {
            External::NotRoot(..) => {}
            External::FromDependencyOf(Package::Root, _, what, _) => self.requested(what),
            // An extra pins its base only in the solver's model; the user did not write that.
            External::FromDependencyOf(Package::Extra(a, _), _, Package::Base(b), _) if a == b => {}
            External::FromDependencyOf(by, versions, what, range) => {
                let known = self.requires.entry((by.clone(), what.clone())).or_default();
                join(known, versions, range);
            }
            External::NoVersions(package, _) => {
                self.without_version.extend(package.project().cloned());
            }
            External::Custom(_, _, Reason::Constraint(text)) => {
                self.push(Fact::Limited(text.clone()));
            }
            External::Custom(package, versions, reason) => {
                self.needs_build |= matches!(reason, Reason::Unfit(Unfit::NeedsBuild { .. }));
                let known = self.unusable.entry(package.clone()).or_default();
                join(known, versions, &reason.to_string());
            }
        }
    }

    /// Adds every requirement that the request has on a project.
    fn requested(&mut self, what: &Package) {
        let provider = self.provider;
        for entry in &provider.request.requirements {
            if Some(entry.requirement.name()) == what.project() {
                self.push(Fact::Asked(entry.to_string()));
            }
        }
    }

    fn finish(mut self) -> Vec<Fact> {
        for ((by, what), mut ranges) in std::mem::take(&mut self.requires) {
            let Some((versions, range)) = self.newest_of(&by, &mut ranges) else { continue };
            let fact = Fact::Requires {
                by: by.to_string(),
                versions: self.describe(&by, &versions),
                what: what.to_string(),
                range: describe(&range),
                others: ranges.len(),
            };
            self.push(fact);
        }
        for (package, mut ranges) in std::mem::take(&mut self.unusable) {
            let Some((versions, reason)) = self.newest_of(&package, &mut ranges) else { continue };
            let fact = Fact::Unusable {
                what: package.to_string(),
                versions: self.describe(&package, &versions),
                reason,
                others: ranges.len(),
            };
            self.push(fact);
        }
        self.about_versions();
        self.facts
    }

    /// Removes and returns the entry about the newest version that exists.
    fn newest_of<T>(
        &self,
        package: &Package,
        ranges: &mut Vec<(Versions, T)>,
    ) -> Option<(Versions, T)> {
        let newest = |(versions, _): &(Versions, T)| {
            package.project().and_then(|project| self.provider.newest_in(project, versions))
        };
        let at = (0..ranges.len()).max_by_key(|at| newest(&ranges[*at]))?;
        Some(ranges.swap_remove(at))
    }

    fn about_versions(&mut self) {
        for project in std::mem::take(&mut self.without_version) {
            let unfit = self.provider.unfit(&project);
            match self.provider.newest(&project) {
                Err(()) => self.push(Fact::Unknown(project)),
                Ok(_) if !unfit.is_empty() => self.push(Fact::NoVersion { project, unfit }),
                Ok(newest) => {
                    newest.into_iter().for_each(|it| self.push(Fact::Newest(project.clone(), it)));
                }
            }
        }
    }

    fn describe(&self, package: &Package, versions: &Versions) -> String {
        match package.project() {
            Some(project) => describe(&self.provider.simplify(project, versions)),
            None => String::new(),
        }
    }
}

/// Adds a range to the entry that has an equal value, or adds a new entry.
fn join<T: PartialEq + Clone>(known: &mut Vec<(Versions, T)>, versions: &Versions, what: &T) {
    match known.iter_mut().find(|(_, value)| value == what) {
        Some((all, _)) => *all = all.union(versions),
        None => known.push((versions.clone(), what.clone())),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        f.write_str("no set of distributions satisfies the request:")?;
        self.facts.iter().take(SHOWN).try_for_each(|fact| write!(f, "\n  - {fact}"))?;
        if let Some(more) = self.facts.len().checked_sub(SHOWN + 1) {
            write!(f, "\n  - and {} more facts", more + 1)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(what) => write!(f, "you require {what}"),
            Self::Limited(what) => write!(f, "you allow only {what}"),
            Self::Requires { by, versions, what, range, others } => {
                write!(f, "{}requires {what}{range}", Subject(by, versions))?;
                match others {
                    0 => Ok(()),
                    _ => write!(f, ", and older versions require other versions of {what}"),
                }
            }
            Self::Unknown(project) => {
                write!(f, "no index has files of {project}; check the spelling of the name")
            }
            Self::NoVersion { project, unfit } => {
                write!(f, "no remaining version of {project} can be used")?;
                const SHOWN: usize = 3;
                for (version, unfit) in unfit.iter().take(SHOWN) {
                    write!(f, "\n      {project} {version} {unfit}")?;
                }
                match unfit.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, "\n      and {more} older versions likewise"),
                }
            }
            Self::Newest(project, version) => {
                write!(f, "the newest version of {project} is {version}")
            }
            Self::Unusable { what, versions, reason, others } => {
                write!(f, "{}cannot be used: {reason}", Subject(what, versions))?;
                match others {
                    0 => Ok(()),
                    _ => write!(f, "; {others} older versions likewise"),
                }
            }
        }
    }
}

/// The subject of a fact, displayed as `name versions `, or as `name ` if there are no versions.
struct Subject<'a>(&'a str, &'a str);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, versions) = self;
        match versions.strip_prefix("==") {
            Some(version) if !version.contains(' ') => write!(f, "{name} {version} "),
            _ if versions.is_empty() => write!(f, "{name} "),
            _ => write!(f, "{name} {versions} "),
        }
    }
}
