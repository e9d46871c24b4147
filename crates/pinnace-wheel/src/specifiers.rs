use std::{fmt, str::FromStr};

use pep440_rs::VersionSpecifier;
use pubgrub::Ranges;

use crate::{
    Error, Version,
    range::{Point, ranges},
};

/// Version specifiers, all of which must hold: `>=1.0,<2`.
///
/// Membership is exact as PEP 440 and `packaging` 26 have it. Parsing accepts what real projects
/// published before anyone checked: `>=1.9.*`, `>=7<8`, trailing commas, stray quotes.
///
/// ```
/// use pinnace_wheel::Specifiers;
///
/// let specifiers: Specifiers = ">=1.0, <2".parse()?;
/// assert!(specifiers.contains(&"1.9.post1".parse()?));
/// assert!(!specifiers.contains(&"2.0rc1".parse()?));
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Specifiers(Vec<VersionSpecifier>);

impl Specifiers {
    /// Whether a version satisfies all of them.
    pub fn contains(&self, version: &Version) -> bool {
        let point = Point::of(&version.0);
        self.0.iter().all(|specifier| ranges(specifier).contains(&point))
    }

    /// Whether there are none, so that every version satisfies them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them names a pre-release, which asks for pre-releases.
    pub fn names_prerelease(&self) -> bool {
        self.0.iter().any(VersionSpecifier::any_prerelease)
    }

    /// The version of a single `==` or `===` without wildcard, which is what a pin is.
    pub fn pinned(&self) -> Option<Version> {
        use pep440_rs::Operator::{Equal, ExactEqual};
        match self.0.as_slice() {
            [one] if matches!(one.operator(), Equal | ExactEqual) => {
                Some(Version(one.version().clone()))
            }
            _ => None,
        }
    }

    pub(crate) fn ranges(&self) -> Ranges<Point> {
        self.0.iter().fold(Ranges::full(), |all, specifier| all.intersection(&ranges(specifier)))
    }
}

impl From<pep440_rs::VersionSpecifiers> for Specifiers {
    fn from(specifiers: pep440_rs::VersionSpecifiers) -> Self {
        Self(specifiers.iter().cloned().collect())
    }
}

impl FromStr for Specifiers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        split(text)
            .into_iter()
            .map(|part| {
                parse_one(&part).map_err(|error| Error::parse("version specifier", text, error))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Specifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|part| part.to_string().replace(' ', "")).collect();
        f.write_str(&parts.join(","))
    }
}

/// Splits at commas, and where a new operator starts without one (`>=7<8`).
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut in_operator = true;
    for symbol in text.chars() {
        let operator = matches!(symbol, '<' | '>' | '=' | '!' | '~');
        if symbol == ',' || operator && !in_operator {
            parts.push(String::new());
        }
        if !matches!(symbol, ',' | '\'' | '"') && !symbol.is_whitespace() {
            if let Some(part) = parts.last_mut() {
                part.push(symbol);
            }
            in_operator = operator;
        }
        in_operator |= symbol == ',';
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn parse_one(part: &str) -> Result<VersionSpecifier, impl fmt::Display + use<>> {
    VersionSpecifier::from_str(part).or_else(|error| {
        let repaired = repair(part).and_then(|part| VersionSpecifier::from_str(&part).ok());
        repaired.ok_or(error)
    })
}

/// `>=1.9.*` means `>=1.9`; `!=3.0*` means `!=3.0.*`; `!=~5.0` means `!=5.0.*`.
fn repair(part: &str) -> Option<String> {
    let operator_length = part.bytes().take_while(|byte| b"<>=!~".contains(byte)).count();
    let (operator, version) = part.split_at(operator_length);
    match (operator, version.strip_suffix('*')) {
        ("==" | "!=", Some(prefix)) => Some(format!("{operator}{prefix}.*")),
        (_, Some(prefix)) => Some(format!("{operator}{}", prefix.trim_end_matches('.'))),
        ("!=~", None) => Some(format!("!={version}.*")),
        _ => None,
    }
}
