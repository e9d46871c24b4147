//! Properties that hold for arbitrary bytes, one function per fuzz target.
//!
//! Each panics if its property does not hold. The ordinary tests replay `seeds/` through all of them, so
//! each crash that was found is a regression test.

use std::{
    collections::BTreeMap,
    io::{Cursor, ErrorKind, Read},
    path::Path,
};

use pinnace_archive::{
    Archive, ArchiveBuilder, ArchivePath, Entry, Leniency, Limits, Mode, Policy, WriteOptions,
    Writer,
};
use pinnace_deploy::{Release, ScanIndex, Settings, Tree, WheelLayer};
use pinnace_pex::{EntryPoint, InterpreterConstraint, Pex, PexDistribution, PexInfo, PexMerge};
use pinnace_store::{
    Backend, Digest, Keep, Manifest, MemoryBackend, Pack, PutMode, RefName, Store,
};
use pinnace_wheel::{
    Address, Lock, Marker, Metadata, Netrc, Platform, ProjectName, Pyproject, Python, Requirement,
    RequirementsReader, ScriptMetadata, Specifiers, Target, UvLock, Version, WheelName, fuzzing,
    parse_timestamp,
};

/// An oracle with the name of its fuzz target.
pub type Oracle = (&'static str, fn(&[u8]));

/// All oracles.
pub const ORACLES: [Oracle; 15] = [
    ("agents", agents),
    ("archive_read", archive_read),
    ("archive_differential", archive_differential),
    ("archive_roundtrip", archive_roundtrip),
    ("names", names),
    ("page", page),
    ("metadata", metadata),
    ("markers", markers),
    ("requirements", requirements),
    ("locks", locks),
    ("platforms", platforms),
    ("pex", pex),
    ("stores", stores),
    ("releases", releases),
    ("sources", sources),
];

/// The policy that accepts all that the writer writes, with names that other file systems refuse.
const WRITTEN: Policy = Policy::strict()
    .allow(Leniency::Prefix)
    .allow(Leniency::ReservedName)
    .allow(Leniency::CaseCollision)
    .allow(Leniency::NormalizationCollision)
    .with_limits(LIMITS);

/// The limits that keep an oracle within memory.
const LIMITS: Limits = Limits::new().with_member(1 << 20).with_total(16 << 20).with_depth(u64::MAX);

/// Reads an archive under the strictest and the laxest policy. An accepted archive is written again with equal content.
pub fn archive_read(bytes: &[u8]) {
    let lax = Leniency::ALL.into_iter().fold(Policy::strict(), Policy::allow).with_limits(LIMITS);
    for policy in [lax, WRITTEN, Policy::strict().with_limits(LIMITS)] {
        let Ok(archive) = Archive::open(bytes, policy) else { continue };
        // Where the names are fine and a member is not, there is nothing to write.
        if archive.verify().is_ok() && !archive.entries().iter().any(Entry::is_symlink) {
            write_again(&archive);
        }
    }
}

fn write_again(archive: &Archive<&[u8]>) {
    let mut builder = ArchiveBuilder::new();
    if let Err(error) = builder.add_archive(archive) {
        panic!("what was accepted cannot be held: {error}");
    }
    let mut again = Vec::new();
    if let Err(error) = builder.write(&mut again, &WriteOptions::default()) {
        panic!("what was accepted cannot be written: {error}");
    }
    let second = match Archive::open(again.as_slice(), WRITTEN) {
        Ok(second) => second,
        Err(error) => panic!("what was written is refused: {error}"),
    };
    for entry in archive.entries() {
        let Some(copy) = second.find(entry.name()) else { panic!("{} was lost", entry.name()) };
        assert_eq!(archive.read(entry).ok(), second.read(copy).ok(), "{}", entry.name());
    }
}

/// Compares the strict reader with the zip crate: the two never see two archives in one file.
pub fn archive_differential(bytes: &[u8]) {
    let Ok(archive) = Archive::open(bytes, Policy::strict().with_limits(LIMITS)) else { return };
    let mut other = match zip::ZipArchive::new(Cursor::new(bytes)) {
        Ok(other) => other,
        Err(error) => panic!("accepted, and refused by the zip crate: {error}"),
    };
    assert_eq!(other.len(), archive.entries().len());
    for (at, entry) in archive.entries().iter().enumerate() {
        let Ok(content) = archive.read(entry) else { continue };
        let mut theirs = Vec::new();
        let read = other.by_index(at).map_err(std::io::Error::other).and_then(|mut member| {
            assert_eq!(member.name().unwrap_or_default(), entry.name());
            member.read_to_end(&mut theirs)
        });
        if let Err(error) = read {
            panic!("`{}` is read, and refused by the zip crate: {error}", entry.name());
        }
        assert!(theirs == content, "`{}` has two contents", entry.name());
    }
}

/// Writes lines of `path<TAB>content` as an archive and reads it back. Refused lines write nothing.
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
    let archive = match Archive::open(bytes.as_slice(), WRITTEN) {
        Ok(archive) => archive,
        Err(error) => panic!("what was written is refused: {error}"),
    };
    for (name, content) in kept {
        let Some(entry) = archive.find(name) else { panic!("{name} was lost") };
        assert_eq!(archive.read(entry).ok().as_deref(), Some(content.as_bytes()));
    }
}

/// Parses and prints names and versions: parsing the print gives an equal value, and order is total.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    stable::<ProjectName>(&text);
    stable::<WheelName>(&text);
    stable::<Specifiers>(&text);
    stable::<Requirement>(&text);
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

/// Parses pages of indexes.
pub fn page(bytes: &[u8]) {
    let (Ok(address), Ok(project)) = (Address::parse("http://index.test/a/"), "a".parse()) else {
        return;
    };
    for is_json in [true, false] {
        let Ok(page) = fuzzing::parse_page(bytes, is_json, &address, &project) else { continue };
        for release in page.releases() {
            for file in release.files().unwrap_or_default().iter() {
                assert!(!file.artifact.file_name().contains('/'));
            }
        }
    }
}

/// Parses METADATA files. A file that is accepted strictly is accepted leniently, too.
pub fn metadata(bytes: &[u8]) {
    let Ok(metadata) = Metadata::parse(bytes) else { return };
    for text in metadata.requires() {
        let lenient = Requirement::parse_lenient(text);
        if let Ok(strict) = text.parse::<Requirement>() {
            assert_eq!(lenient.ok().map(|it| it.to_string()), Some(strict.to_string()), "{text:?}");
        }
    }
}

/// Parses, prints and evaluates markers and specifiers.
pub fn markers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    stable::<Marker>(&text);
    let (left, right) = text.split_once(' ').unwrap_or((&text, ""));
    if let (Ok(specifiers), Ok(version)) = (left.parse::<Specifiers>(), right.parse::<Version>()) {
        let again: Specifiers = specifiers.to_string().parse().unwrap_or_default();
        assert_eq!(specifiers.contains(&version), again.contains(&version), "{left:?} {right:?}");
    }
    let Ok(target) = "linux_x86_64-cp311".parse::<Target>() else { return };
    if let Ok(marker) = text.parse::<Marker>() {
        let printed: Marker = match marker.to_string().parse() {
            Ok(marker) => marker,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(marker.holds(target.markers(), &[]), printed.holds(target.markers(), &[]));
    }
}

/// Parses requirements files, projects and netrc files.
pub fn requirements(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let read = |path: &Path| match path.ends_with("r.txt") {
        true => Ok(text.clone()),
        false => Err(ErrorKind::NotFound.into()),
    };
    let variables = BTreeMap::from([("A".to_owned(), "\"; os_name".to_owned())]);
    let mut reader = RequirementsReader::new(&read, &variables);
    if reader.read(Path::new("/p/r.txt")).is_ok() {
        for named in reader.finish().requirements {
            stable::<Requirement>(&named.requirement.to_string());
        }
    }
    let _ = Netrc::parse(&text);
    let _ = parse_timestamp(&text);
    let setup = Pyproject::parse("", "setup.cfg").and_then(|project| project.with_setup_cfg(&text));
    for project in Pyproject::parse(&text, "pyproject.toml").into_iter().chain(setup) {
        let _ = (project.metadata(), project.indexes(), project.routes(), project.paths());
        for group in project.groups().filter_map(|name| name.parse().ok()) {
            let _ = project.group(&group);
        }
    }
}

/// Parses a lock, writes it, and parses an equal lock again. A selection from it ends.
pub fn locks(bytes: &[u8]) {
    let (text, folder) = (String::from_utf8_lossy(bytes), Path::new("/p"));
    let Ok(target) = "linux_x86_64-cp311".parse::<Target>() else { return };
    if let Ok(lock) = Lock::parse(&text, folder) {
        let written = lock.to_toml(folder);
        match Lock::parse(&written, folder) {
            Ok(again) => assert_eq!(again.to_toml(folder), written),
            Err(error) => panic!("{error}: {written}"),
        }
        let _ = (lock.select(&target, &[], &[]), lock.to_requirements());
    }
    if let Ok(lock) = UvLock::parse(&text, folder) {
        for member in lock.members().filter_map(|name| name.parse().ok()) {
            let _ = lock.select(&member, &target, &[], &[]);
        }
    }
}

/// Parses and prints platforms. The print parses as an equal platform with as many tags.
pub fn platforms(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = Target::from_complete_platform(&text);
    stable::<Platform>(&text);
    let _ = text.parse::<Python>();
    let Ok(target) = text.parse::<Target>() else { return };
    match target.to_string().parse::<Target>() {
        Ok(again) => assert_eq!(again.tags(), target.tags(), "{text:?}"),
        Err(error) => panic!("{text:?}: {error}"),
    }
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

/// Reads a PEX file. It does not differ from itself, and merges with itself if it merges at all.
pub fn pex(bytes: &[u8]) {
    if let (Ok(pex), Ok(target)) =
        (Pex::parse(bytes.to_vec()), "linux_x86_64-cp312".parse::<Target>())
    {
        let is_whole = pex.verify(1).is_empty();
        if let Ok(diff) = pex.diff(&pex) {
            assert!(diff.is_empty(), "{diff}");
        }
        let files = [("one".to_owned(), pex.clone()), ("other".to_owned(), pex)];
        let (one, both) = (
            PexMerge::plan(&files[..1], std::slice::from_ref(&target)),
            PexMerge::plan(&files, std::slice::from_ref(&target)),
        );
        if let (Ok(one), Ok(both), true) = (one, both, is_whole) {
            assert_eq!(one.distributions(), both.distributions());
        }
    }
    if let Ok(name) = "a-1-py3-none-any.whl".parse::<WheelName>() {
        let _ = PexDistribution::decode(&name, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = ScriptMetadata::parse(text, "script");
    for (one, other) in text.split_once('\n').into_iter() {
        let (Ok(one), Ok(other)) = (one.parse::<InterpreterConstraint>(), other.parse()) else {
            continue;
        };
        assert_eq!(one.intersection(&other).is_some(), other.intersection(&one).is_some());
    }
}

/// Reads packs, manifests and stores. The contents of a pack hash to their digests, a manifest has one form, and a store
/// with any object in it can be inspected.
pub fn stores(bytes: &[u8]) {
    if let Ok(pack) = Pack::parse(bytes.to_vec()) {
        for entry in pack.index().entries() {
            if let Ok(content) = pack.read(&entry.digest) {
                assert_eq!(content.map(|content| content.len() as u32), Some(entry.length));
            }
        }
    }
    if let Ok(manifest) = Manifest::parse(bytes.to_vec()) {
        assert_eq!(manifest.as_bytes(), bytes);
        manifest.references();
    }
    let backend = MemoryBackend::new();
    let Ok(opened) = Store::open(backend.clone()) else { return };
    let (Ok(name), digest) = ("x".parse::<RefName>(), Digest::new([7; 32])) else { return };
    let hex = digest.to_hex();
    let blobs = ["manifests", "packs", "blobs"]
        .map(|folder| format!("{folder}/{}/{}", &hex[..2], &hex[2..]));
    let steps = [
        format!("refs/x/@/{:020}", u64::MAX - 1),
        format!("condemned/{:020}-{:016}", 0, 0),
        format!("kept/{:032}", 0),
    ];
    for key in blobs.into_iter().chain(steps) {
        let Ok(key) = key.parse() else { continue };
        let written = backend.write().and_then(|mut upload| {
            let _ = std::io::Write::write_all(&mut upload, bytes);
            upload.finish(&key, PutMode::Overwrite)
        });
        assert!(written.is_ok());
    }
    let _ = (
        opened.latest(&name),
        opened.manifest(&digest),
        opened.pack(&digest),
        opened.pack_index(&digest),
    );
    let _ =
        (opened.missing(&[digest]), opened.hold(&digest, None), opened.collect(Keep::default(), 0));
    let _ = opened.check(None);
}

/// Parses releases, layers, scan indexes and settings. A parsed release is written with equal bytes.
pub fn releases(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (Settings::parse(&text, "pinnace.toml"), Settings::of_dagster(&text, "x.yaml", None));
    let index = ScanIndex::parse(bytes);
    assert_eq!(ScanIndex::parse(&index.to_bytes(u64::MAX)), index);
    let Ok(manifest) = Manifest::parse(bytes.to_vec()) else { return };
    if let Ok(release) = Release::parse(&manifest) {
        let again = release.manifest().map(|again| Release::parse(&again));
        assert!(matches!(again, Ok(Ok(again)) if again == release));
    }
    let _ = WheelLayer::parse(&manifest);
    // Every folder is this one; the scan ends nevertheless.
    let _ = Tree::files(&manifest.digest(), &mut |_| Ok(manifest.clone()));
}

/// Unpacks source distributions, of which no file leaves the folder, and reads the needs of native code.
pub fn sources(bytes: &[u8]) {
    let _ = pinnace_build::fuzzing::needs(bytes);
    let Ok(outer) = tempfile::tempdir() else { return };
    let inner = outer.path().join("inner");
    if std::fs::create_dir(&inner).is_ok() {
        let _ = pinnace_build::fuzzing::unpack_tar(bytes, &inner);
        let around = std::fs::read_dir(outer.path()).map(Iterator::count);
        assert_eq!(around.ok(), Some(1), "something lies beside the folder");
    }
}

/// Parses the input of an agent: connections, output of processes, tokens and variables.
pub fn agents(bytes: &[u8]) {
    pinnace_agent::fuzzing::message(bytes);
    pinnace_agent::fuzzing::protocol(bytes);
    pinnace_agent::fuzzing::text(&String::from_utf8_lossy(bytes));
}
