use std::{fmt, str::FromStr};

use crate::{
    Error, ExtraName, Marker, MarkerEnvironment, MarkerError, ProjectName, Specifiers,
    marker::EvaluationContext,
    scan::{Scanner, is_word},
};

/// A requirement on a project: `fastapi[standard] >=0.100 ; python_version < "3.14"` (dependency
/// specifiers, PEP 508).
///
/// ```
/// use pinnace_wheel::Requirement;
///
/// let requirement: Requirement = "Fast_API[standard] >=0.100".parse()?;
/// assert_eq!(requirement.name().as_str(), "fast-api");
/// assert_eq!(requirement.to_string(), "fast-api[standard]>=0.100");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Requirement {
    name: ProjectName,
    extras: Vec<ExtraName>,
    specifiers: Specifiers,
    url: Option<Box<str>>,
    marker: Option<Marker>,
}

impl Requirement {
    /// Creates a requirement on any version of a project.
    pub fn any(name: ProjectName) -> Self {
        let specifiers = Specifiers::default();
        Self { name, extras: Vec::new(), specifiers, url: None, marker: None }
    }

    /// Parses leniently, as [`Specifiers::parse_lenient`] does: real projects published such
    /// requirements before indexes checked them. The lenient parser is for metadata, not for what a
    /// user writes.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the text cannot be parsed leniently
    /// either.
    pub fn parse_lenient(text: &str) -> Result<Self, Error> {
        parse(text, Specifiers::parse_lenient)
            .map_err(|reason| Error::parse("requirement", text, reason))
    }

    /// Returns the project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// Returns the requested extras, sorted.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Returns the version specifiers. They are empty for a requirement by URL.
    pub fn specifiers(&self) -> &Specifiers {
        &self.specifiers
    }

    /// Returns the address of `name @ address`.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Returns the marker. Without one, the requirement always applies.
    pub fn marker(&self) -> Option<&Marker> {
        self.marker.as_ref()
    }

    /// Removes the address. An address may hold a secret, and means nothing on another machine.
    #[must_use]
    pub fn without_url(mut self) -> Self {
        self.url = None;
        self
    }

    /// Checks whether the requirement applies in an environment, when it is requested with these
    /// extras.
    ///
    /// # Errors
    ///
    /// Returns [`MarkerError`] if the marker cannot be evaluated in this environment.
    pub fn applies(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
    ) -> Result<bool, MarkerError> {
        self.marker.as_ref().map_or(Ok(true), |marker| marker.holds(environment, extras))
    }

    pub(crate) fn applies_when(
        &self,
        context: &EvaluationContext<'_>,
    ) -> Result<bool, MarkerError> {
        self.marker.as_ref().map_or(Ok(true), |marker| marker.evaluate(context))
    }

    /// Sets the address and removes the specifiers.
    #[must_use]
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.url = Some(url.into());
        self.specifiers = Specifiers::default();
        self
    }

    /// Limits the requirement to requests for that extra.
    pub(crate) fn only_for(mut self, extra: &ExtraName) -> Result<Self, Error> {
        let condition: Marker = format!("extra == '{extra}'").parse()?;
        self.marker = Some(match self.marker {
            Some(marker) => marker.and(condition),
            None => condition,
        });
        Ok(self)
    }

    /// Sets the marker, replacing any other.
    #[must_use]
    pub(crate) fn when(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// Sets the extras.
    #[must_use]
    pub(crate) fn with_extras(mut self, mut extras: Vec<ExtraName>) -> Self {
        extras.sort();
        extras.dedup();
        self.extras = extras;
        self
    }
}

impl FromStr for Requirement {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text, Specifiers::from_str)
            .map_err(|reason| Error::parse("requirement", text, reason))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.extras.is_empty() {
            let extras: Vec<_> = self.extras.iter().map(ExtraName::as_str).collect();
            write!(f, "[{}]", extras.join(","))?;
        }
        match &self.url {
            Some(url) => write!(f, " @ {url}")?,
            None => write!(f, "{}", self.specifiers)?,
        }
        match (&self.marker, &self.url) {
            (None, _) => Ok(()),
            // Only a blank ends a URL.
            (Some(marker), Some(_)) => write!(f, " ; {marker}"),
            (Some(marker), None) => write!(f, "; {marker}"),
        }
    }
}

type ParseSpecifiers = fn(&str) -> Result<Specifiers, Error>;

fn parse(text: &str, specifiers: ParseSpecifiers) -> Result<Requirement, String> {
    let mut scanner = Scanner::new(text);
    let name = name(scanner.blanks())?;
    let extras = extras(scanner.blanks())?;
    let (specifiers, url) = if scanner.blanks().eat("@") {
        (Specifiers::default(), Some(url(scanner.blanks())?))
    } else {
        (versions(&mut scanner, specifiers)?, None)
    };
    let marker = if scanner.blanks().eat(";") {
        let marker = std::mem::take(&mut scanner.rest);
        Some(marker.parse().map_err(|error: Error| error.reason())?)
    } else {
        None
    };
    match scanner.rest {
        "" => Ok(Requirement { name, extras, specifiers, url, marker }),
        rest => Err(format!("unexpected `{rest}` at the end")),
    }
}

fn name(scanner: &mut Scanner<'_>) -> Result<ProjectName, String> {
    let name = scanner.take_while(is_name);
    name.parse().map_err(|_| "it must start with a project name".to_owned())
}

fn is_name(symbol: char) -> bool {
    is_word(symbol) || symbol == '-' || symbol == '.'
}

/// Parses `[a, b]` into a sorted list. Returns an empty list if there is no bracket.
fn extras(scanner: &mut Scanner<'_>) -> Result<Vec<ExtraName>, String> {
    let mut extras = Vec::new();
    if !scanner.eat("[") {
        return Ok(extras);
    }
    let list = scanner.take_until(']').ok_or("`[` is not closed")?;
    if !list.trim().is_empty() {
        for extra in list.split(',') {
            extras.push(extra.trim().parse().map_err(|error: Error| error.to_string())?);
        }
    }
    extras.sort();
    extras.dedup();
    Ok(extras)
}

fn url(scanner: &mut Scanner<'_>) -> Result<Box<str>, String> {
    let url = scanner.take_while(|symbol| !matches!(symbol, ' ' | '\t' | '\n' | '\r'));
    match url {
        "" => Err("expected an address after `@`".to_owned()),
        url => Ok(url.into()),
    }
}

/// Parses `>=1,<2` or `(>=1,<2)`, up to the marker.
fn versions(scanner: &mut Scanner<'_>, parse: ParseSpecifiers) -> Result<Specifiers, String> {
    let opened = scanner.eat("(");
    let end = if opened { ')' } else { ';' };
    let list = scanner.take_while(|symbol| symbol != end);
    if opened && !scanner.eat(")") {
        return Err("`(` is not closed".to_owned());
    }
    if list.contains(['\n', '\r']) {
        return Err("it spans several lines".to_owned());
    }
    let list = list.trim_matches([' ', '\t']);
    if list.starts_with(',') {
        return Err("a comma comes before the first version".to_owned());
    }
    parse(list).map_err(|error| error.reason())
}
