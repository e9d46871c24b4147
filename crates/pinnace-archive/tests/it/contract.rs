use pinnace_archive::{ArchiveBuilder, Content, ErrorKind, Mode, WriteOptions, Writer};

use crate::{hex, open, path, sample, write};

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    prefix: String,
    entries: Vec<(String, char, String)>,
    #[serde(default = "once")]
    repeat: usize,
    #[serde(default)]
    numbered: usize,
    sha256: String,
    content_digest: String,
}

fn once() -> usize {
    1
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../../docs/vectors/archive.json")).unwrap()
}

fn builder(vector: &Vector) -> ArchiveBuilder<'static> {
    let mut builder = ArchiveBuilder::new();
    builder.set_prefix(vector.prefix.as_bytes());
    for (name, kind, content) in &vector.entries {
        let at = path(name.trim_end_matches('/'));
        let content = content.repeat(vector.repeat);
        match kind {
            'd' => builder.add_directory(&at).unwrap(),
            'x' => builder.add_bytes(&at, Mode::Executable, content).unwrap(),
            _ => builder.add_bytes(&at, Mode::File, content).unwrap(),
        }
    }
    for n in 0..vector.numbered {
        builder.add_bytes(&path(&format!("{n:06}")), Mode::File, "").unwrap();
    }
    builder
}

/// A change to one of these digests changes the bytes of every archive ever written.
#[test]
fn golden_vectors() {
    for vector in vectors() {
        let summary = builder(&vector).write(std::io::sink(), &WriteOptions::default()).unwrap();
        assert_eq!(hex(&summary.sha256), vector.sha256, "{}", vector.name);
        assert_eq!(hex(&summary.content_digest), vector.content_digest, "{}", vector.name);
    }
}

/// The specification is precise enough for a second implementation, which writes the same bytes.
#[test]
fn the_second_implementation_agrees() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/vectors/archive.py");
    let run = std::process::Command::new("python3").args(["-I", script]).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let checked = format!("{} vectors\n", vectors().len());
    assert_eq!(String::from_utf8_lossy(&run.stdout), checked);
}

#[test]
fn parents_come_first_and_only_once() {
    let (bytes, summary) = write(None, &sample());
    let names: Vec<_> =
        open(&bytes).unwrap().entries().iter().map(|e| e.name().to_owned()).collect();
    assert_eq!(names, ["a/", "a/.hidden", "a/b/", "a/b/c.txt", "a0", "run", "\u{fc}ml"]);
    assert_eq!(summary.entries, 7);
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
}

#[test]
fn summary_counts_and_hashes_what_was_written() {
    let (bytes, summary) = write(None, &sample());
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.sha256, pinnace_archive::sha256(&bytes));
}

#[test]
fn order_duplicates_and_clashes_are_refused_before_anything_is_written() {
    let mut writer = Writer::new(Vec::new());
    writer.bytes(&path("b/c"), Mode::File, b"").unwrap();
    let refused = |error: pinnace_archive::Error| format!("{:?}", error.kind());
    let error = writer.bytes(&path("a"), Mode::File, b"").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfOrder { .. }), "{}", refused(error));
    let error = writer.bytes(&path("b/c"), Mode::File, b"").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Duplicate { .. }), "{}", refused(error));
    let error = writer.bytes(&path("b/c/d"), Mode::File, b"").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::FileAndDirectory { .. }), "{}", refused(error));
    let (bytes, _) = writer.finish().unwrap();
    assert_eq!(open(&bytes).unwrap().entries().len(), 2);
}

#[test]
fn a_file_and_a_directory_of_one_name_clash_across_other_entries() {
    let mut writer = Writer::new(Vec::new());
    for name in ["a", "a-b", "a.b"] {
        writer.bytes(&path(name), Mode::File, b"").unwrap();
    }
    assert!(writer.bytes(&path("a/b"), Mode::File, b"").is_err());
    assert!(writer.directory(&path("a")).is_err());
}

#[test]
fn a_source_that_changes_after_measuring_is_an_error() {
    let mut writer = Writer::new(Vec::new());
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, b"before").unwrap();
    let handle = file.try_clone().unwrap();
    let content = Content::measure(handle).unwrap();
    file.set_len(3).unwrap();
    let error = writer.file(&path("a"), Mode::File, content).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::SourceChanged { .. }));
}

#[test]
fn a_prefix_must_be_a_script() {
    for prefix in [b"".as_slice(), b"#!/bin/sh", b"echo\n"] {
        assert!(Writer::with_prefix(Vec::new(), prefix).is_err());
    }
}

#[test]
fn every_part_of_the_content_moves_the_content_digest_and_nothing_else_does() {
    let digest = |files: &[(String, Mode, Vec<u8>)]| write(None, files).1.content_digest;
    let base = digest(&sample());
    for change in 0..4 {
        let mut files = sample();
        match change {
            0 => files[0].2 = b"dOt".to_vec(),
            1 => files[0].1 = Mode::Executable,
            2 => files[0].0 = "a/.hiddem".into(),
            _ => drop(files.remove(2)),
        }
        assert_ne!(digest(&files), base, "change {change}");
    }
    assert_ne!(write(Some(b"#!x\n"), &sample()).1.content_digest, base);
    assert_eq!(digest(&sample()), base);
}
