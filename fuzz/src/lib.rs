//! What must hold for arbitrary bytes, one function per fuzz target.
//!
//! Each panics when it does not hold. The ordinary tests replay `seeds/` through all of them, so a
//! crash that was found once is a regression test from then on.

use pinnace_archive::{Archive, ArchivePath, ErrorKind, Limits, Mode, Prefix, Writer};
use pinnace_pex::{EntryPoint, PexInfo};
use pinnace_store::Digest;
use pinnace_wheel::{
    Address, Metadata, ProjectName, Requirement, Specifiers, Version, WheelName, fuzzing,
};

/// An oracle by the name of its fuzz target.
pub type Oracle = (&'static str, fn(&[u8]));

/// All oracles.
pub const ORACLES: [Oracle; 5] = [
    ("archive_read", archive_read),
    ("archive_roundtrip", archive_roundtrip),
    ("names", names),
    ("page", page),
    ("metadata", metadata),
];

/// The strict reader never panics, and what it accepts survives being written again.
pub fn archive_read(bytes: &[u8]) {
    let limits = Limits::default().member(1 << 20);
    let Ok(archive) = Archive::open(bytes, Prefix::Allowed, limits) else { return };
    let mut entries: Vec<_> = archive.entries().iter().filter(|one| !one.is_directory()).collect();
    entries.sort_by_key(|entry| entry.name().to_owned());
    let mut writer = Writer::new(Vec::new());
    for entry in &entries {
        let Ok(path) = ArchivePath::parse(entry.name()) else {
            panic!("an unsafe name was accepted")
        };
        let mode = if entry.is_executable() { Mode::Executable } else { Mode::File };
        if let Err(error) = writer.copy(&path, mode, &archive, entry) {
            // A file below a file is something that a zip can hold, and ours cannot.
            assert!(!matches!(error.kind(), ErrorKind::OutOfOrder { .. }), "{error}");
            return;
        }
    }
    let Ok((again, _)) = writer.finish() else { panic!("writing to memory failed") };
    let Ok(second) = Archive::open(again.as_slice(), Prefix::Refused, limits) else {
        panic!("what was written is refused")
    };
    for entry in entries {
        let Some(copy) = second.find(entry.name()) else { panic!("{} was lost", entry.name()) };
        assert_eq!(archive.read(entry).ok(), second.read(copy).ok(), "{}", entry.name());
    }
}

/// Lines of `path<TAB>content` become an archive that reads back as it was written, or are refused
/// before anything is written.
pub fn archive_roundtrip(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut writer = Writer::new(Vec::new());
    let mut kept = Vec::new();
    for (name, content) in text.lines().filter_map(|line| line.split_once('\t')) {
        let Ok(path) = ArchivePath::parse(name) else { continue };
        if writer.bytes(&path, Mode::File, content.as_bytes()).is_ok() {
            kept.push((name, content));
        }
    }
    let Ok((bytes, summary)) = writer.finish() else { panic!("writing to memory failed") };
    assert_eq!(summary.bytes, bytes.len() as u64);
    let archive = match Archive::open(bytes.as_slice(), Prefix::Refused, Limits::default()) {
        Ok(archive) => archive,
        Err(error) => panic!("what was written is refused: {error}"),
    };
    for (name, content) in kept {
        let Some(entry) = archive.find(name) else { panic!("{name} was lost") };
        assert_eq!(archive.read(entry).ok().as_deref(), Some(content.as_bytes()));
    }
}

/// What is parsed and printed is parsed to the same again; order is total.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    stable::<ProjectName>(&text);
    stable::<WheelName>(&text);
    stable::<Specifiers>(&text);
    requirement(&text);
    stable::<Version>(&text);
    stable::<Digest>(&text);
    let _ = Address::parse(&text);
    let _ = EntryPoint::parse(&text);
    let _ = PexInfo::parse(bytes);
    let versions: Vec<Version> =
        text.split_whitespace().filter_map(|one| one.parse().ok()).collect();
    for pair in versions.windows(2) {
        assert_eq!(pair[0].cmp(&pair[1]), pair[1].cmp(&pair[0]).reverse());
    }
}

/// Pages of indexes never panic their readers.
pub fn page(bytes: &[u8]) {
    let (Ok(address), Ok(project)) = (Address::parse("http://index.test/a/"), "a".parse()) else {
        return;
    };
    for files in [
        fuzzing::parse_json(bytes, &address, &project),
        fuzzing::parse_html(bytes, &address, &project),
    ] {
        for file in files.unwrap_or_default() {
            assert!(!file.artifact.file_name().contains('/'));
        }
    }
}

/// METADATA files never panic their reader.
pub fn metadata(bytes: &[u8]) {
    if let Ok(metadata) = Metadata::parse(bytes) {
        for requirement in metadata.requires() {
            let _ = requirement.parse::<Requirement>();
        }
    }
}

/// A marker is printed in a canonical form of the same meaning, so only the rest is compared.
fn requirement(text: &str) {
    let Ok(parsed) = text.parse::<Requirement>() else { return };
    let printed = parsed.to_string();
    let Ok(again) = printed.parse::<Requirement>() else { panic!("{text:?} became {printed:?}") };
    assert_eq!(
        (parsed.name(), parsed.extras(), parsed.specifiers(), parsed.url()),
        (again.name(), again.extras(), again.specifiers(), again.url()),
    );
}

fn stable<T: std::str::FromStr + ToString + PartialEq>(text: &str) {
    if let Ok(parsed) = text.parse::<T>() {
        let printed = parsed.to_string();
        assert!(
            printed.parse::<T>().is_ok_and(|again| again == parsed),
            "{text:?} became {printed:?}"
        );
    }
}
