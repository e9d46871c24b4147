use std::{
    collections::BTreeMap,
    io::{self, BufWriter},
};

use pinnace_archive::{ArchivePath, Content, Mode, Writer};

use super::{PexDistribution, Span, distribution::Part};
use crate::{
    Error, ErrorKind, ReadSeek, WheelFiles, error::archive, record, runtime::hex, scheme::Scheme,
};

/// The wheels in PEX files, as a source for [`PexBuilder`](crate::PexBuilder).
#[derive(Clone, Debug, Default)]
pub struct PexWheels {
    spans: BTreeMap<[u8; 32], Span>,
}

impl PexWheels {
    /// Creates an empty source.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a distribution, and returns the SHA-256 of its wheel. An installed distribution is
    /// packed into a new wheel, which differs from the original one but installs the same files.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the distribution is malformed, or if its digests differ
    /// from `PEX-INFO` or RECORD.
    pub fn add(&mut self, distribution: &PexDistribution) -> Result<[u8; 32], Error> {
        let name = distribution.name().as_str();
        let fault = |source| ErrorKind::Wheel { wheel: name.to_owned(), source };
        let (span, sha256) = match distribution.span() {
            Some(span) => {
                let sha256 = Content::measure(span.clone().reader()).map_err(fault)?.sha256();
                if hex(&sha256) != distribution.recorded() {
                    let reason = "its SHA-256 is not the one in PEX-INFO";
                    return Err(distribution.malformed(reason));
                }
                (span.clone(), sha256)
            }
            None => pack(distribution)?,
        };
        self.spans.insert(sha256, span);
        Ok(sha256)
    }
}

impl WheelFiles for PexWheels {
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        match self.spans.get(sha256) {
            Some(span) => Ok(Box::new(span.clone().reader())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Packs an installed distribution into a wheel, in an unnamed temporary file.
fn pack(distribution: &PexDistribution) -> Result<(Span, [u8; 32]), Error> {
    let members = members(distribution)?;
    let record = record_of(distribution, &members)?;
    let fault = |source| ErrorKind::Wheel { wheel: distribution.name().to_string(), source };
    let file = tempfile::tempfile().map_err(fault)?;
    let mut wheel = Writer::new(BufWriter::new(file.try_clone().map_err(fault)?));
    for (path, part) in &members {
        let content = match part {
            Some(part) => distribution.read(part.path)?,
            None => record.clone().into_bytes(),
        };
        let mode = part.as_ref().map_or(Mode::File, |part| part.mode);
        wheel.bytes(path, mode, &content).map_err(archive)?;
    }
    let (_, summary) = wheel.finish().map_err(archive)?;
    Ok((Span::of_file(file).map_err(fault)?, summary.sha256))
}

/// The members of the new wheel. RECORD has no part, since it is generated.
type WheelMembers<'a> = BTreeMap<ArchivePath, Option<Part<'a>>>;

fn members(distribution: &PexDistribution) -> Result<WheelMembers<'_>, Error> {
    let record = distribution.dist_info("RECORD")?;
    let stem = record.strip_suffix(".dist-info/RECORD").unwrap_or_default();
    let mut members = WheelMembers::new();
    for part in distribution.parts()? {
        let path = member(stem, &part);
        let content = (part.path != record).then_some(part);
        members.insert(ArchivePath::parse(&path).map_err(archive)?, content);
    }
    Ok(members)
}

/// Returns the path of a file in the wheel (binary distribution format, "The .data directory").
fn member(stem: &str, part: &Part<'_>) -> String {
    let kind = match part.scheme {
        Scheme::Library => return part.place.to_owned(),
        Scheme::Scripts => "scripts",
        Scheme::Headers => "headers",
        Scheme::Data => "data",
    };
    format!("{stem}.data/{kind}/{}", part.place)
}

/// Returns the RECORD of the new wheel, checked against the RECORD of the installation.
fn record_of(distribution: &PexDistribution, members: &WheelMembers<'_>) -> Result<String, Error> {
    let recorded = distribution.record()?;
    let mut record = String::new();
    for (path, part) in members {
        let Some(part) = part else {
            record::line(&mut record, path.as_str(), None);
            continue;
        };
        let content = distribution.read(part.path)?;
        let sha256 = pinnace_archive::sha256(&content);
        if recorded.sha256(part.path).is_some_and(|recorded| recorded != sha256) {
            let reason = format!("`{}` does not match its RECORD", part.path);
            return Err(distribution.malformed(&reason));
        }
        record::line(&mut record, path.as_str(), Some((&sha256, content.len() as u64)));
    }
    Ok(record)
}
