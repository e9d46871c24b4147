use std::fmt;

use super::Unfit;

/// A reason why versions are unavailable, as passed to the solver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    Text(String),
    Unfit(Unfit),
    /// A constraint of the request, with its origin.
    Constraint(String),
}

impl Reason {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Constraint(text) => f.write_str(text),
            Self::Unfit(unfit) => unfit.fmt(f),
        }
    }
}
