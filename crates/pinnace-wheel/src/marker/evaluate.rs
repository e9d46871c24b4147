//! The evaluation of markers, by the rules of `packaging` 26.

use std::cell::Cell;

use super::{Comparison, Expression, MarkerEnvironment, MarkerVariable, Side, Sign, Subject};
use crate::{ExtraName, ProjectName, range::holds_for, specifier::Specifier};

/// A reason why a marker cannot be evaluated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The platform does not define this variable; the user must give its value.
    #[error("the platform does not define `{0}`; set it with `--marker {0}=VALUE`")]
    Unknown(MarkerVariable),
    /// The comparison is undefined, such as `~=` between strings.
    #[error("undefined comparison `{0}`")]
    Undefined(String),
}

/// A set of variables that were read, so that a resolution knows its dependencies on the target.
#[derive(Debug, Default)]
pub(crate) struct Reads(Cell<u16>);

impl Reads {
    pub(crate) fn contains(&self, variable: MarkerVariable) -> bool {
        self.0.get() & 1 << variable as u16 != 0
    }

    fn insert(&self, variable: MarkerVariable) {
        self.0.set(self.0.get() | 1 << variable as u16);
    }
}

/// The inputs of an evaluation: the environment, extras and groups.
#[derive(Clone, Copy)]
pub(crate) struct EvaluationContext<'a> {
    pub(super) environment: &'a MarkerEnvironment,
    pub(super) extra: Option<&'a ExtraName>,
    pub(super) extras: &'a [ExtraName],
    pub(super) groups: &'a [ProjectName],
    pub(super) reads: &'a Reads,
}

impl<'a> EvaluationContext<'a> {
    pub(crate) fn new(
        environment: &'a MarkerEnvironment,
        extra: Option<&'a ExtraName>,
        reads: &'a Reads,
    ) -> Self {
        Self { environment, extra, extras: &[], groups: &[], reads }
    }
}

impl Expression {
    pub(super) fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<bool, MarkerError> {
        match self {
            Self::Any(all) => {
                for part in all {
                    if part.evaluate(context)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(all) => {
                for part in all {
                    if !part.evaluate(context)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Compare(comparison) => comparison.evaluate(context),
        }
    }
}

impl Comparison {
    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<bool, MarkerError> {
        match self.subject {
            Subject::Extra => {
                let extra = context.extra.map_or("", ExtraName::as_str);
                self.compare(extra, Comparable::AsText)
            }
            Subject::Extras => {
                self.member(|name| context.extras.iter().any(|e| e.as_str() == name))
            }
            Subject::Groups => {
                self.member(|name| context.groups.iter().any(|g| g.as_str() == name))
            }
            Subject::Variable(variable) => {
                context.reads.insert(variable);
                let value = context.environment.get(variable);
                let value = value.ok_or(MarkerError::Unknown(variable))?;
                let comparable =
                    if variable.is_version() { Comparable::AsVersion } else { Comparable::AsText };
                self.compare(value, comparable)
            }
        }
    }

    fn member(&self, contains: impl Fn(&str) -> bool) -> Result<bool, MarkerError> {
        match (self.side, self.operator) {
            (Side::Right, Sign::In) => Ok(contains(&self.literal)),
            (Side::Right, Sign::NotIn) => Ok(!contains(&self.literal)),
            _ => Err(self.undefined()),
        }
    }

    fn compare(&self, value: &str, comparable: Comparable) -> Result<bool, MarkerError> {
        let (left, right) = match self.side {
            Side::Left => (value, &*self.literal),
            Side::Right => (&*self.literal, value),
        };
        if let Comparable::AsVersion = comparable {
            // Without a valid version specifier, the values are compared as text. Operators that
            // only versions have are then undefined.
            let specifier = Specifier::parse(&format!("{}{right}", self.operator.as_str()));
            if let Ok(specifier) = specifier {
                return Ok(holds_for(&specifier, left));
            }
        }
        match self.operator {
            Sign::Equal | Sign::LessOrEqual | Sign::GreaterOrEqual => Ok(left == right),
            Sign::NotEqual => Ok(left != right),
            Sign::Less | Sign::Greater => Ok(false),
            Sign::In => Ok(right.contains(left)),
            Sign::NotIn => Ok(!right.contains(left)),
            Sign::Arbitrary | Sign::Compatible => Err(self.undefined()),
        }
    }

    fn undefined(&self) -> MarkerError {
        MarkerError::Undefined(self.to_string())
    }
}

#[derive(Clone, Copy)]
enum Comparable {
    AsVersion,
    AsText,
}
