//! The byte contract, the laws of reading and writing, and what must be refused.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contract;
mod differential;
#[cfg(unix)]
mod extract;
mod forge;
mod hostile;
mod laws;
mod oracles;
mod ranges;
mod regressions;
mod roundtrip;

use pinnace_archive::{Archive, ArchivePath, Leniency, Mode, Policy, Summary, Writer};

/// Entries in the form that tests use: name, mode, content.
pub(crate) type Files = Vec<(String, Mode, Vec<u8>)>;

/// A policy for everything that our writer writes: the writer does not check names for other file
/// systems.
pub(crate) const POLICY: Policy = Policy::strict()
    .allow(Leniency::Prefix)
    .allow(Leniency::ReservedName)
    .allow(Leniency::CaseCollision)
    .allow(Leniency::NormalizationCollision);

pub(crate) fn path(name: &str) -> ArchivePath {
    ArchivePath::parse(name).unwrap()
}

pub(crate) fn write(
    prefix: Option<&[u8]>,
    files: &[(String, Mode, Vec<u8>)],
) -> (Vec<u8>, Summary) {
    let mut writer = match prefix {
        Some(prefix) => Writer::with_prefix(Vec::new(), prefix).unwrap(),
        None => Writer::new(Vec::new()),
    };
    for (name, mode, content) in files {
        writer.bytes(&path(name), *mode, content).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn open(bytes: &[u8]) -> Result<Archive<&[u8]>, pinnace_archive::Error> {
    Archive::open(bytes, POLICY)
}

pub(crate) fn sample() -> Files {
    vec![
        ("a/.hidden".into(), Mode::File, b"dot".to_vec()),
        ("a/b/c.txt".into(), Mode::File, b"deep".to_vec()),
        ("a0".into(), Mode::File, Vec::new()),
        ("run".into(), Mode::Executable, b"#!/bin/sh\nexit 0\n".to_vec()),
        ("\u{fc}ml".into(), Mode::File, "\u{fc}".as_bytes().to_vec()),
    ]
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
