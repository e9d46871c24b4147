use std::{fmt, str::FromStr};

use pubgrub::Ranges;

use crate::{Error, Version, range::ranges, version_key::VersionKey};

/// Version specifiers, all of which must hold: `>=1.0,<2` (PEP 440).
///
/// Membership is exact as PEP 440 and `packaging` 26 have it.
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

/// One operator and what it compares with.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Specifier {
    operator: Operator,
    /// `None` behind `===` alone, which may name what is no version.
    version: Option<pep440_rs::Version>,
    /// What stands behind `===`, and nothing for all others.
    text: Box<str>,
}

/// The operators of PEP 440; `==` and `!=` with a final `.*` are others than without.
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
    /// Parses what real projects published before anyone checked: `>=1.9.*`, `>=7<8`, `!=3.0*`,
    /// `!=~5.0`, stray quotes. Metadata is read so; what a user writes is not.
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
    /// If it is not even that.
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

    /// Whether a version satisfies all of them.
    pub fn contains(&self, version: &Version) -> bool {
        let point = version.point();
        self.0.iter().all(|specifier| ranges(specifier).contains(&point))
    }

    /// Whether there are none, so that every version satisfies them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them names a pre-release, which asks for pre-releases.
    pub fn names_prerelease(&self) -> bool {
        let names = |one: &Specifier| {
            !matches!(one.operator, Operator::NotEqual | Operator::NotEqualPrefix)
                && one.version.as_ref().is_some_and(pep440_rs::Version::any_prerelease)
        };
        self.0.iter().any(names)
    }

    /// The version of a single `==` or `===` without wildcard, which is what a pin is.
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

/// Two-letter operators are tried before the one-letter ones that they start with.
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
    /// Parses one, strictly.
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

    /// Whether it holds for a text, which may be no version.
    pub(crate) fn holds_for(&self, text: &str) -> bool {
        match text.parse::<Version>() {
            Ok(version) => ranges(self).contains(&version.point()),
            Err(_) => self.operator == Operator::Arbitrary && self.text.eq_ignore_ascii_case(text),
        }
    }
}

/// What PEP 440 allows behind each operator.
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

/// `>=1.9.*` means `>=1.9`; `!=3.0*` means `!=3.0.*`; `!=~5.0` means `!=5.0.*`; `=1.0` and a bare
/// `1.0` mean `==1.0`; `>dev` means any version, and `~=1` that and all later ones.
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
