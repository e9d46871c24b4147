use std::{collections::BTreeSet, fmt};

use pubgrub::{DerivationTree, External, Ranges};

use super::{Unfit, package::Package, provider::Provider};
use crate::{
    ProjectName, Version,
    range::{Point, describe},
};

/// The facts that together rule out every solution.
#[derive(Clone, Debug)]
pub struct Explanation {
    facts: Vec<Fact>,
}

/// One fact of an [`Explanation`]. Ranges of versions are written as specifiers; an empty one is
/// every version.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// Something requires a project.
    Requires {
        /// Who requires it; `None` is the request itself.
        by: Option<String>,
        /// In which versions.
        versions: String,
        /// What is required.
        what: String,
        /// In which versions.
        range: String,
    },
    /// No index has files of a project of that name.
    Unknown(ProjectName),
    /// The newest version that there is.
    Newest(ProjectName, Version),
    /// None of these versions can be used.
    NoVersion {
        /// The project.
        project: ProjectName,
        /// The versions that were asked for.
        range: String,
        /// Those that exist and why they do not fit, newest first.
        unfit: Vec<(Version, Unfit)>,
    },
    /// These versions cannot be used.
    Unusable {
        /// What they are versions of.
        what: String,
        /// The versions.
        versions: String,
        /// Why.
        reason: String,
    },
}

impl Explanation {
    /// The facts, what the request asks for first.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    pub(crate) fn of(
        mut tree: DerivationTree<Package, Ranges<Point>, String>,
        provider: &Provider<'_>,
    ) -> Self {
        tree.collapse_no_versions();
        let mut facts = Vec::new();
        collect(&tree, provider, &mut facts);
        // `NoVersions` leaves are collapsed into what required them, so they are told apart here.
        for project in
            tree.packages().into_iter().filter_map(Package::project).collect::<BTreeSet<_>>()
        {
            if provider.is_unknown(project) {
                facts.push(Fact::Unknown(project.clone()));
            } else {
                let newest = provider.newest(project);
                facts.extend(newest.map(|version| Fact::Newest(project.clone(), version)));
                let unfit = provider.unfit(project);
                if !unfit.is_empty() {
                    let (project, range) = (project.clone(), String::new());
                    facts.push(Fact::NoVersion { project, range, unfit });
                }
            }
        }
        let mut unique = Vec::new();
        for fact in facts {
            if !unique.contains(&fact) {
                unique.push(fact);
            }
        }
        unique.sort_by_key(|fact| !matches!(fact, Fact::Requires { by: None, .. }));
        Self { facts: unique }
    }
}

fn collect(
    tree: &DerivationTree<Package, Ranges<Point>, String>,
    provider: &Provider<'_>,
    facts: &mut Vec<Fact>,
) {
    match tree {
        DerivationTree::External(external) => facts.extend(fact(external, provider)),
        DerivationTree::Derived(derived) => {
            collect(&derived.cause1, provider, facts);
            collect(&derived.cause2, provider, facts);
        }
    }
}

fn fact(
    external: &External<Package, Ranges<Point>, String>,
    provider: &Provider<'_>,
) -> Option<Fact> {
    match external {
        External::NotRoot(..) => None,
        // That an extra pins its base is how we solve, not what anyone wrote.
        External::FromDependencyOf(Package::Extra(a, _), _, Package::Base(b), _) if a == b => None,
        External::FromDependencyOf(by, versions, what, range) => Some(Fact::Requires {
            by: (*by != Package::Root).then(|| by.to_string()),
            versions: describe(versions),
            what: what.to_string(),
            range: describe(range),
        }),
        External::NoVersions(package, range) => {
            let project = package.project()?.clone();
            let unfit = provider.unfit(&project);
            Some(Fact::NoVersion { project, range: describe(range), unfit })
        }
        External::Custom(package, versions, reason) => Some(Fact::Unusable {
            what: package.to_string(),
            versions: package.project().map(|_| describe(versions)).unwrap_or_default(),
            reason: reason.clone(),
        }),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no set of wheels satisfies the request:")?;
        self.facts.iter().try_for_each(|fact| write!(f, "\n  - {fact}"))
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requires { by: None, what, range, .. } => write!(f, "you require {what}{range}"),
            Self::Requires { by: Some(by), versions, what, range } => {
                write!(f, "{}requires {what}{range}", Subject(by, versions))
            }
            Self::Unknown(project) => {
                write!(
                    f,
                    "no index that was asked has files of {project}; is the name spelled right?"
                )
            }
            Self::NoVersion { project, range, unfit } => {
                match range.as_str() {
                    _ if unfit.is_empty() => write!(f, "no version of {project} is {range}")?,
                    "" => write!(f, "{project} cannot be used here")?,
                    _ => write!(f, "no usable version of {project} is {range}")?,
                }
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
            Self::Unusable { what, versions, reason } => {
                write!(f, "{}cannot be used: {reason}", Subject(what, versions))
            }
        }
    }
}

/// `name versions ` with a space only where there are versions.
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
