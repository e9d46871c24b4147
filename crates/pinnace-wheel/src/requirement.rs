use std::{fmt, str::FromStr};

use crate::{
    Error, ExtraName, Marker, MarkerEnvironment, MarkerError, ProjectName, Specifiers,
    marker::Asked,
    scan::{Scanner, is_word},
};

/// What is asked of one project: `fastapi[standard] >=0.100 ; python_version < "3.14"`
/// (dependency specifiers, PEP 508).
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
    /// Any version of a project.
    pub fn any(name: ProjectName) -> Self {
        let specifiers = Specifiers::default();
        Self { name, extras: Vec::new(), specifiers, url: None, marker: None }
    }

    /// Parses what real projects published before anyone checked, as
    /// [`Specifiers::parse_lenient`] does. Metadata is read so; what a user writes is not.
    ///
    /// # Errors
    ///
    /// If it is not even that.
    pub fn parse_lenient(text: &str) -> Result<Self, Error> {
        parse(text, Specifiers::parse_lenient)
            .map_err(|reason| Error::parse("requirement", text, reason))
    }

    /// The project.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    /// The extras that are asked for, sorted.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Which versions will do. Empty for a requirement by URL.
    pub fn specifiers(&self) -> &Specifiers {
        &self.specifiers
    }

    /// The address of `name @ address`.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// When it applies; always if there is none.
    pub fn marker(&self) -> Option<&Marker> {
        self.marker.as_ref()
    }

    /// The same from wherever the project comes: an address may hold a secret, and says nothing to
    /// somebody else.
    #[must_use]
    pub fn without_url(mut self) -> Self {
        self.url = None;
        self
    }

    /// Whether it applies in an environment where it is asked for with these extras.
    ///
    /// # Errors
    ///
    /// If its marker cannot be evaluated there.
    pub fn applies(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
    ) -> Result<bool, MarkerError> {
        self.marker.as_ref().map_or(Ok(true), |marker| marker.holds(environment, extras))
    }

    pub(crate) fn applies_when(&self, asked: &Asked<'_>) -> Result<bool, MarkerError> {
        self.marker.as_ref().map_or(Ok(true), |marker| marker.evaluate(asked))
    }

    /// The same, at an address.
    #[must_use]
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.url = Some(url.into());
        self.specifiers = Specifiers::default();
        self
    }

    /// The same, only where that extra is asked for.
    pub(crate) fn only_for(mut self, extra: &ExtraName) -> Result<Self, Error> {
        let asked: Marker = format!("extra == '{extra}'").parse()?;
        self.marker = Some(match self.marker {
            Some(marker) => marker.and(asked),
            None => asked,
        });
        Ok(self)
    }

    /// The same, where this holds.
    #[must_use]
    pub(crate) fn when(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// The same, with these extras.
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
            // A URL ends only at a blank.
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
    let (specifiers, url) = match scanner.blanks().eat("@") {
        true => (Specifiers::default(), Some(url(scanner.blanks())?)),
        false => (versions(&mut scanner, specifiers)?, None),
    };
    let marker = match scanner.blanks().eat(";") {
        true => {
            let marker = std::mem::take(&mut scanner.rest);
            Some(marker.parse().map_err(|error: Error| error.reason())?)
        }
        false => None,
    };
    match scanner.rest {
        "" => Ok(Requirement { name, extras, specifiers, url, marker }),
        rest => Err(format!("`{rest}` is left over")),
    }
}

fn name(scanner: &mut Scanner<'_>) -> Result<ProjectName, String> {
    let name = scanner.take_while(is_name);
    name.parse().map_err(|_| "it must start with a project name".to_owned())
}

fn is_name(symbol: char) -> bool {
    is_word(symbol) || symbol == '-' || symbol == '.'
}

/// `[a, b]`, sorted, or nothing.
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
        "" => Err("an address was expected behind `@`".to_owned()),
        url => Ok(url.into()),
    }
}

/// `>=1,<2` or `(>=1,<2)`; all up to the marker.
fn versions(scanner: &mut Scanner<'_>, parse: ParseSpecifiers) -> Result<Specifiers, String> {
    let opened = scanner.eat("(");
    let end = if opened { ')' } else { ';' };
    let list = scanner.take_while(|symbol| symbol != end);
    if opened && !scanner.eat(")") {
        return Err("`(` is not closed".to_owned());
    }
    if list.contains(['\n', '\r']) {
        return Err("it goes over the end of a line".to_owned());
    }
    let list = list.trim_matches([' ', '\t']);
    if list.starts_with(',') {
        return Err("a comma comes before the first version".to_owned());
    }
    parse(list).map_err(|error| error.reason())
}
