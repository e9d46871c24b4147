use std::{fmt, str::FromStr};

use pubgrub::Ranges;

use crate::{
    Error, Version,
    range::ranges,
    specifier::{Operator, Specifier},
    version_key::VersionKey,
};

/// A set of version specifiers, all of which must hold: `>=1.0,<2` (PEP 440).
///
/// Membership follows PEP 440 and `packaging` 26 exactly.
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
pub struct Specifiers(Vec<Specifier>);

impl Specifiers {
    /// Parses leniently: `>=1.9.*`, `>=7<8`, `!=3.0*`, `!=~5.0` or stray quotes. Real projects
    /// published such specifiers before indexes checked them. The lenient parser is for metadata,
    /// not for what a user writes.
    ///
    /// ```
    /// use pinnace_wheel::Specifiers;
    ///
    /// assert_eq!(Specifiers::parse_lenient(">=7<8")?.to_string(), ">=7,<8");
    /// assert!(">=7<8".parse::<Specifiers>().is_err());
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text cannot be repaired.
    pub fn parse_lenient(text: &str) -> Result<Self, Error> {
        if let Ok(strict) = text.parse() {
            return Ok(strict);
        }
        let repaired = |part: &String| {
            Specifier::parse(part).or_else(|reason| {
                let repaired = repair(part).and_then(|part| Specifier::parse(&part).ok());
                repaired.ok_or_else(|| Error::parse("version specifier", text, reason))
            })
        };
        split(text).iter().map(repaired).collect::<Result<_, _>>().map(Self)
    }

    /// Returns true if a version satisfies all specifiers.
    pub fn contains(&self, version: &Version) -> bool {
        let key = version.key();
        self.0.iter().all(|specifier| ranges(specifier).contains(&key))
    }

    /// Returns true if there are no specifiers, so that every version satisfies them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a specifier names a pre-release, which requests pre-releases.
    pub fn names_prerelease(&self) -> bool {
        let names = |specifier: &Specifier| {
            !matches!(specifier.operator(), Operator::NotEqual | Operator::NotEqualPrefix)
                && specifier.version().is_some_and(pep440_rs::Version::any_prerelease)
        };
        self.0.iter().any(names)
    }

    /// Returns the version of a pin: a single `==` or `===` without wildcard.
    pub fn pinned(&self) -> Option<Version> {
        match self.0.as_slice() {
            [specifier]
                if matches!(specifier.operator(), Operator::Equal | Operator::Arbitrary) =>
            {
                specifier.version().cloned().map(Version)
            }
            _ => None,
        }
    }

    pub(crate) fn ranges(&self) -> Ranges<VersionKey> {
        self.0.iter().fold(Ranges::full(), |all, specifier| all.intersection(&ranges(specifier)))
    }
}

impl FromStr for Specifiers {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parse = |part| {
            Specifier::parse(part).map_err(|reason| Error::parse("version specifier", text, reason))
        };
        parts.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Specifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&parts.join(","))
    }
}

/// Splits at commas, and at an operator that follows without a comma (`>=7<8`).
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

/// Repairs a malformed specifier: `>=1.9.*` means `>=1.9`; `!=3.0*` means `!=3.0.*`; `!=~5.0` means
/// `!=5.0.*`; `=1.0` and a bare `1.0` mean `==1.0`; `>dev` means any version, and `~=1` that
/// version and all later ones.
fn repair(part: &str) -> Option<String> {
    let operator_length = part.bytes().take_while(|byte| b"<>=!~".contains(byte)).count();
    let (operator, version) = part.split_at(operator_length);
    match (operator, version.strip_suffix('*')) {
        ("==" | "!=", Some(prefix)) => {
            Some(format!("{operator}{}.*", prefix.trim_end_matches('.')))
        }
        (_, Some(prefix)) => Some(format!("{operator}{}", prefix.trim_end_matches('.'))),
        ("!=~", None) => Some(format!("!={version}.*")),
        ("~=", None) => Some(format!(">={version}")),
        ("=" | "", None) => Some(format!("=={version}")),
        (">" | ">=", None) if version == "dev" => Some(">=0.dev0".to_owned()),
        // `>=2.0b1.0`
        (_, None) => Some(format!("{operator}{}", version.strip_suffix(".0")?)),
    }
}
