use std::{fmt, str::FromStr};

use pep508_rs::{MarkerTree, MarkerWarningKind, VersionOrUrl};

use crate::{Error, ExtraName, Markers, ProjectName, Specifiers};

/// What is asked of one project: `fastapi[standard] >=0.100 ; python_version < "3.14"` (PEP 508).
///
/// ```
/// use pinnace_wheel::Requirement;
///
/// let requirement: Requirement = "Fast_API[standard] >=0.100".parse()?;
/// assert_eq!(requirement.name().as_str(), "fast-api");
/// assert_eq!(requirement.to_string(), "fast-api[standard]>=0.100");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Requirement {
    name: ProjectName,
    extras: Vec<ExtraName>,
    specifiers: Specifiers,
    url: Option<String>,
    marker: MarkerTree,
}

impl Requirement {
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

    /// Whether the marker holds where these markers are true, with these extras asked for.
    pub fn applies(&self, markers: &Markers, extras: &[ExtraName]) -> bool {
        self.marker.is_true() || markers.evaluate(&self.marker, extras)
    }
}

impl FromStr for Requirement {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        // The grammar knows only ASCII, and the parser underneath panics on more.
        if !text.is_ascii() {
            return Err(Error::parse("requirement", text, "it must be ASCII"));
        }
        check_name(text)?;
        parse(text).or_else(|error| match repair(text) {
            Some(repaired) => parse(&repaired).map_err(|_| error),
            None => Err(error),
        })
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
        match self.marker.contents() {
            Some(marker) => write!(f, "; {marker}"),
            None => Ok(()),
        }
    }
}

fn parse(text: &str) -> Result<Requirement, Error> {
    let refuse = |reason: &dyn ToString| Error::parse("requirement", text, reason.to_string());
    let mut ignored = None;
    let mut reporter = |kind, warning: String| {
        // Every other warning means that a part of the marker is dropped, and counts as true.
        if kind != MarkerWarningKind::DeprecatedMarkerName {
            ignored = Some(warning);
        }
    };
    let parsed = pep508_rs::Requirement::<url::Url>::parse_reporter(text, "/", &mut reporter)
        .map_err(|error| refuse(&error.message))?;
    if let Some(warning) = ignored {
        return Err(refuse(&format!("its marker cannot be evaluated: {warning}")));
    }
    let (specifiers, url) = match parsed.version_or_url {
        None => (Specifiers::default(), None),
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => (specifiers.into(), None),
        Some(VersionOrUrl::Url(url)) => (Specifiers::default(), Some(url.to_string())),
    };
    let mut extras = parsed
        .extras
        .iter()
        .map(|extra| extra.as_ref().parse())
        .collect::<Result<Vec<ExtraName>, _>>()?;
    extras.sort();
    extras.dedup();
    let name = parsed.name.as_ref().parse()?;
    Ok(Requirement { name, extras, specifiers, url, marker: parsed.marker })
}

/// The parser underneath panics on names that end in punctuation, so names are checked first.
fn check_name(text: &str) -> Result<(), Error> {
    let is_name = |symbol: char| symbol.is_ascii_alphanumeric() || "-_.".contains(symbol);
    let (name, rest) = text.split_at(text.find(|symbol| !is_name(symbol)).unwrap_or(text.len()));
    let reason = "it must start with a project name";
    name.parse::<ProjectName>().map_err(|_| Error::parse("requirement", text, reason))?;
    let Some(extras) = rest.trim_start().strip_prefix('[') else { return Ok(()) };
    let extras = extras.split(']').next().unwrap_or_default();
    for extra in extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()) {
        extra.parse::<ExtraName>()?;
    }
    Ok(())
}

/// Writes the specifiers of a lenient requirement strictly; `None` if that is not the trouble.
fn repair(text: &str) -> Option<String> {
    let (head, marker) = match text.split_once(';') {
        Some((head, marker)) => (head, format!(" ; {marker}")),
        None => (text, String::new()),
    };
    let start = head.find(|symbol| "<>=!~(".contains(symbol))?;
    let (subject, specifiers) = head.split_at(start);
    let specifiers = specifiers.trim().trim_start_matches('(').trim_end_matches(')');
    let specifiers: Specifiers = specifiers.parse().ok()?;
    Some(format!("{subject}{specifiers}{marker}"))
}
