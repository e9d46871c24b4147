use pinnace_archive::{Archive, Leniency, Policy, ReadAt};

use crate::{Error, ErrorKind, PexInfo, error::archive};

/// What a PEX file holds, whoever wrote it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Its `PEX-INFO`.
    pub info: PexInfo,
    /// Its first line, without `#!`; empty if there is none.
    pub shebang: String,
    /// How many files it holds.
    pub files: usize,
    /// How many of them are user code.
    pub sources: usize,
}

/// A line longer than this is no shebang that any system would run.
const LONGEST_SHEBANG: u64 = 4096;

/// A file that was made to run here may hold whatever names this system can.
const POLICY: Policy =
    Policy::wheel().allow(Leniency::Prefix).allow(Leniency::NormalizationCollision);

/// Reads a PEX file in one piece; nothing in it is run.
///
/// # Errors
///
/// [`ErrorKind::NotPex`] if it is none; [`ErrorKind::Archive`] if the strict reader refuses it.
pub fn inspect(source: impl ReadAt) -> Result<Inspection, Error> {
    let zip = Archive::open(source, POLICY).map_err(archive)?;
    let info = zip.find("PEX-INFO").ok_or_else(|| not_pex("it has no PEX-INFO"))?;
    let info = PexInfo::parse(&zip.read(info).map_err(archive)?)?;
    let files = zip.entries().iter().filter(|entry| !entry.is_directory());
    let own = |name: &str| {
        matches!(name, "PEX-INFO" | "__main__.py")
            || [".bootstrap/", ".deps/", "__pex__/"].iter().any(|own| name.starts_with(own))
    };
    let sources = files.clone().filter(|entry| !own(entry.name())).count();
    let prefix = zip.prefix(LONGEST_SHEBANG).map_err(archive)?;
    let line = prefix.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let shebang =
        String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or_default()).into_owned();
    Ok(Inspection { info, shebang, files: files.count(), sources })
}

fn not_pex(reason: &str) -> Error {
    ErrorKind::NotPex { reason: reason.to_owned() }.into()
}
