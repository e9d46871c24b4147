use std::{collections::BTreeSet, str::FromStr};

use crate::{Error, ProjectName};

/// A set of projects, as pip's format options take it: `:all:`, `:none:` or names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Formats {
    /// No project.
    #[default]
    None,
    /// Every project.
    All,
    /// The projects with these names.
    Named(BTreeSet<ProjectName>),
}

impl Formats {
    /// Returns true if the set contains the project.
    pub fn contains(&self, project: &ProjectName) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.contains(project),
        }
    }

    /// Combines this option with a later one. `:none:` resets all earlier options.
    #[must_use]
    pub fn then(self, more: Self) -> Self {
        match (self, more) {
            (_, Self::None) => Self::None,
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Named(mut names), Self::Named(more)) => {
                names.extend(more);
                Self::Named(names)
            }
            (Self::None, named) => named,
        }
    }
}

impl FromStr for Formats {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.split(',').map(str::trim).try_fold(Self::None, |all, part| {
            Ok(all.then(match part {
                ":all:" => Self::All,
                ":none:" => Self::None,
                name => Self::Named(BTreeSet::from([name.parse()?])),
            }))
        })
    }
}
