use std::{fmt, str::FromStr};

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
        let parsed = parsed.map_err(|error| format!("invalid version `{version}`: {error}"))?;
        check(operator, &parsed)?;
        Ok(Self { operator, version: Some(parsed), text: "".into() })
    }

    pub(crate) fn operator(&self) -> Operator {
        self.operator
    }

    pub(crate) fn version(&self) -> Option<&pep440_rs::Version> {
        self.version.as_ref()
    }

    /// Returns the version as written after `===`, which may be any word.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Checks that PEP 440 allows this version after the operator.
fn check(operator: Operator, version: &pep440_rs::Version) -> Result<(), String> {
    let prefix = matches!(operator, Operator::EqualPrefix | Operator::NotEqualPrefix);
    let exact = matches!(operator, Operator::Equal | Operator::NotEqual);
    if version.is_local() && !exact {
        return Err("a local version is allowed only with `==` and `!=`".to_owned());
    }
    if prefix && (version.any_prerelease() || version.is_post()) {
        return Err("`.*` is allowed only after the numbers of a release".to_owned());
    }
    if operator == Operator::Compatible && version.release().len() < 2 {
        return Err("`~=` needs at least two numbers, as in `~=1.4`".to_owned());
    }
    Ok(())
}

impl fmt::Display for Specifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.operator {
            Operator::EqualPrefix => "==",
            Operator::NotEqualPrefix => "!=",
            plain => OPERATORS
                .iter()
                .find(|(_, operator)| *operator == plain)
                .map_or("", |(sign, _)| sign),
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
