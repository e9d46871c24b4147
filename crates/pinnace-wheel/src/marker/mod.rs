//! Environment markers: the conditions under which requirements apply.

mod environment;
mod evaluate;
mod parse;

use std::{
    fmt::{self, Display as _},
    str::FromStr,
};

use crate::{Error, ExtraName, ProjectName};

pub use environment::{MarkerEnvironment, MarkerVariable};
pub use evaluate::MarkerError;
pub(crate) use evaluate::{EvaluationContext, Reads};

/// A marker: the condition under which a requirement applies, such as
/// `python_version < "3.12" and sys_platform == "linux"` (dependency specifiers, "Environment
/// Markers").
///
/// ```
/// use pinnace_wheel::{Marker, Target};
///
/// let target: Target = "linux_x86_64-cp311".parse()?;
/// let marker: Marker = "python_version < '3.12' and extra == 'fast'".parse()?;
/// assert!(marker.holds(target.markers(), &["fast".parse()?])?);
/// assert!(!marker.holds(target.markers(), &[])?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Marker(Expression);

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Expression {
    /// True if at least one of the expressions is true.
    Any(Vec<Expression>),
    /// True if all expressions are true.
    All(Vec<Expression>),
    Compare(Comparison),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Comparison {
    subject: Subject,
    operator: Sign,
    literal: Box<str>,
    side: Side,
}

/// The subject of a comparison, which is compared with a literal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Subject {
    Variable(MarkerVariable),
    /// `extra`: the extra for which the requirement is evaluated.
    Extra,
    /// `extras` and `dependency_groups`: sets (PEP 751).
    Extras,
    Groups,
}

/// The side on which the subject stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Side {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Sign {
    Arbitrary,
    Equal,
    Compatible,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    In,
    NotIn,
}

impl Sign {
    const ALL: [(&'static str, Self); 8] = [
        ("===", Self::Arbitrary),
        ("==", Self::Equal),
        ("~=", Self::Compatible),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::NotIn => "not in",
            plain => Self::ALL.iter().find(|(_, sign)| *sign == plain).map_or("", |(text, _)| text),
        }
    }
}

impl Marker {
    /// Evaluates the marker for a requirement that is requested with these extras. Returns true if
    /// it holds for at least one of them. With no extras, the marker is evaluated without one.
    ///
    /// # Errors
    ///
    /// Returns [`MarkerError::Unknown`] if the marker reads a variable that the environment does
    /// not define. Returns [`MarkerError::Undefined`] if a comparison is undefined.
    pub fn holds(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
    ) -> Result<bool, MarkerError> {
        let reads = Reads::default();
        if extras.is_empty() {
            return self.evaluate(&EvaluationContext::new(environment, None, &reads));
        }
        for extra in extras {
            if self.evaluate(&EvaluationContext::new(environment, Some(extra), &reads))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Evaluates the marker for an entry of a lock that is installed with these extras and groups.
    /// The marker may name them in `extras` and `dependency_groups` (PEP 751).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Marker::holds`].
    pub fn holds_in_lock(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
        groups: &[ProjectName],
    ) -> Result<bool, MarkerError> {
        let reads = Reads::default();
        let context = EvaluationContext {
            extras,
            groups,
            ..EvaluationContext::new(environment, None, &reads)
        };
        self.evaluate(&context)
    }

    pub(crate) fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<bool, MarkerError> {
        self.0.evaluate(context)
    }

    /// Returns a marker that holds if at least one of the two holds.
    pub(crate) fn or(self, other: Self) -> Self {
        let parts = |expression| match expression {
            Expression::Any(all) => all,
            single => vec![single],
        };
        Self(Expression::Any([parts(self.0), parts(other.0)].concat()))
    }

    /// Creates a marker that holds if a variable has this value.
    pub(crate) fn equals(variable: MarkerVariable, value: &str) -> Self {
        Self(Expression::Compare(Comparison {
            subject: Subject::Variable(variable),
            operator: Sign::Equal,
            literal: value.into(),
            side: Side::Left,
        }))
    }

    /// Returns a marker that holds if both hold.
    pub(crate) fn and(self, other: Self) -> Self {
        let parts = |expression| match expression {
            Expression::All(all) => all,
            single => vec![single],
        };
        Self(Expression::All([parts(self.0), parts(other.0)].concat()))
    }
}

impl FromStr for Marker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse::marker(text).map_err(|reason| Error::parse("marker", text, reason))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(all) => join(f, all, " or "),
            Self::All(all) => join(f, all, " and "),
            Self::Compare(comparison) => comparison.fmt(f),
        }
    }
}

/// Writes expressions with `and` or `or` between them. `and` binds more tightly, so only an `or`
/// inside an `and` needs parentheses.
fn join(f: &mut fmt::Formatter<'_>, all: &[Expression], word: &str) -> fmt::Result {
    for (at, part) in all.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        match part {
            Expression::Any(_) => write!(f, "({part})")?,
            _ => part.fmt(f)?,
        }
    }
    Ok(())
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.literal.contains('"') { '\'' } else { '"' };
        let subject = match self.subject {
            Subject::Variable(variable) => variable.as_str(),
            Subject::Extra => "extra",
            Subject::Extras => "extras",
            Subject::Groups => "dependency_groups",
        };
        let (sign, literal) = (self.operator.as_str(), &self.literal);
        match self.side {
            Side::Left => write!(f, "{subject} {sign} {quote}{literal}{quote}"),
            Side::Right => write!(f, "{quote}{literal}{quote} {sign} {subject}"),
        }
    }
}
