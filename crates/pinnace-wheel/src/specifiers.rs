use std::{fmt, str::FromStr};

use pubgrub::Ranges;

use crate::{Error, Version, range::ranges, version_key::VersionKey};

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

/// A specifier: an operator and the version that it compares with.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Specifier {
    operator: Operator,
    /// The version. `None` occurs only with `===`, which may be followed by text that is not a
    /// version.
    version: Option<pep440_rs::Version>,
    /// The text after `===`; empty for all other operators.
    text: Box<str>,
}

/// The operators of PEP 440. `==` and `!=` with a final `.*` count as operators of their own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Operator {
    Equal,
    EqualPrefix,
    NotEqual,
    NotEqualPrefix,
    Compatible,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Arbitrary,
}

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
        let point = version.point();
        self.0.iter().all(|specifier| ranges(specifier).contains(&point))
    }

    /// Returns true if there are no specifiers, so that every version satisfies them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a specifier names a pre-release, which requests pre-releases.
    pub fn names_prerelease(&self) -> bool {
        let names = |one: &Specifier| {
            !matches!(one.operator, Operator::NotEqual | Operator::NotEqualPrefix)
                && one.version.as_ref().is_some_and(pep440_rs::Version::any_prerelease)
        };
        self.0.iter().any(names)
    }

    /// Returns the version of a pin: a single `==` or `===` without wildcard.
    pub fn pinned(&self) -> Option<Version> {
        match self.0.as_slice() {
            [one] if matches!(one.operator, Operator::Equal | Operator::Arbitrary) => {
                one.version.clone().map(Version)
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

/// The operators by their signs. Longer signs come before the shorter ones that they start with.
const OPERATORS: [(&str, Operator); 8] = [
    ("===", Operator::Arbitrary),
    ("~=", Operator::Compatible),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Specifier {
    /// Parses one specifier, strictly.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?.trim_start())));
        let Some((operator, version)) = found else {
            return Err(format!("`{text}` does not start with an operator such as `>=` or `==`"));
        };
        let (operator, bare) = match (operator, version.strip_suffix(".*")) {
            (Operator::Equal, Some(prefix)) => (Operator::EqualPrefix, prefix),
            (Operator::NotEqual, Some(prefix)) => (Operator::NotEqualPrefix, prefix),
            _ => (operator, version),
        };
        let parsed = pep440_rs::Version::from_str(bare);
        if operator == Operator::Arbitrary {
            if version.contains([' ', '\t', ';', ')']) || version.is_empty() {
                return Err("`===` takes one word".to_owned());
            }
            return Ok(Self { operator, version: parsed.ok(), text: version.into() });
        }
        let parsed = parsed.map_err(|error| format!("`{version}` is no version: {error}"))?;
        check(operator, &parsed)?;
        Ok(Self { operator, version: Some(parsed), text: "".into() })
    }

    pub(crate) fn operator(&self) -> Operator {
        self.operator
    }

    pub(crate) fn version(&self) -> Option<&pep440_rs::Version> {
        self.version.as_ref()
    }

    /// Checks whether a text satisfies the specifier. The text may be something other than a
    /// version.
    pub(crate) fn holds_for(&self, text: &str) -> bool {
        match text.parse::<Version>() {
            Ok(version) => ranges(self).contains(&version.point()),
            Err(_) => self.operator == Operator::Arbitrary && self.text.eq_ignore_ascii_case(text),
        }
    }
}

/// Checks that PEP 440 allows this version after the operator.
fn check(operator: Operator, version: &pep440_rs::Version) -> Result<(), String> {
    let prefix = matches!(operator, Operator::EqualPrefix | Operator::NotEqualPrefix);
    let exact = matches!(operator, Operator::Equal | Operator::NotEqual);
    if version.is_local() && !exact {
        return Err("a local version goes only with `==` and `!=`".to_owned());
    }
    if prefix && (version.any_prerelease() || version.is_post()) {
        return Err("`.*` goes only with the numbers of a release".to_owned());
    }
    if operator == Operator::Compatible && version.release().len() < 2 {
        return Err("`~=` takes at least two numbers, as in `~=1.4`".to_owned());
    }
    Ok(())
}

impl fmt::Display for Specifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::EqualPrefix => "==",
            Operator::NotEqualPrefix => "!=",
            plain => OPERATORS.iter().find(|(_, one)| *one == plain).map_or("", |(sign, _)| sign),
        };
        let star = match self.operator {
            Operator::EqualPrefix | Operator::NotEqualPrefix => ".*",
            _ => "",
        };
        match (&self.version, self.operator) {
            (None, _) | (_, Operator::Arbitrary) => write!(f, "{sign}{}", self.text),
            (Some(version), _) => write!(f, "{sign}{version}{star}"),
        }
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
