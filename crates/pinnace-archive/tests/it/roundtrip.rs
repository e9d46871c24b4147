use std::{collections::BTreeMap, io::Write as _};

use pinnace_archive::{ContentDigest, Method, Mode, Writer};
use proptest::prelude::*;

use crate::{Files, open, path, write};

pub(crate) fn files() -> impl Strategy<Value = Files> {
    let name =
        proptest::collection::vec("[a-c.\u{e4}]{1,3}", 1..4).prop_map(|parts| parts.join("/"));
    let content = (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200));
    proptest::collection::btree_map(name, content, 0..12).prop_map(|map: BTreeMap<_, _>| {
        let mut kept: Files = Vec::new();
        for (name, (executable, content)) in map {
            let clashes = kept.iter().any(|(other, ..)| name.starts_with(&format!("{other}/")));
            let unsafe_part = name.split('/').any(|part| matches!(part, "." | ".."));
            if !clashes && !unsafe_part {
                let mode = if executable { Mode::Executable } else { Mode::File };
                kept.push((name, mode, content));
            }
        }
        kept
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(files in files()) {
        let (bytes, _) = write(None, &files);
        let archive = open(&bytes).unwrap();
        let read: Files = archive
            .entries()
            .iter()
            .filter(|entry| !entry.is_directory())
            .map(|entry| {
                let mode = if entry.is_executable() { Mode::Executable } else { Mode::File };
                (entry.name().to_owned(), mode, archive.read(entry).unwrap())
            })
            .collect();
        prop_assert_eq!(read, files);
    }

    #[test]
    fn writing_what_was_read_is_the_identity(files in files()) {
        let (bytes, summary) = write(None, &files);
        let archive = open(&bytes).unwrap();
        let mut writer = Writer::new(Vec::new());
        for entry in archive.entries().iter().filter(|entry| !entry.is_directory()) {
            let mode = if entry.is_executable() { Mode::Executable } else { Mode::File };
            writer.copy(&path(entry.name()), mode, &archive, entry).unwrap();
        }
        prop_assert_eq!(writer.finish().unwrap(), (bytes, summary));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(mut bytes in any::<Vec<u8>>(), files in files(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let _ = open(&bytes);
        bytes = write(None, &files).0;
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(archive) = open(&bytes) {
            for entry in archive.entries() {
                let _ = archive.read(entry);
            }
        }
    }
}

#[test]
fn a_deflated_member_is_copied_raw_and_keeps_its_content_digest() {
    let text = "the same line again and again\n".repeat(100);
    let mut foreign = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    foreign.start_file("old.txt", options).unwrap();
    foreign.write_all(text.as_bytes()).unwrap();
    let foreign = foreign.finish().unwrap().into_inner();

    let archive = open(&foreign).unwrap();
    let entry = archive.find("old.txt").unwrap();
    assert_eq!(entry.method(), Method::Deflated);
    let mut writer = Writer::new(Vec::new());
    writer.copy(&path("new.txt"), Mode::File, &archive, entry).unwrap();
    let (bytes, summary) = writer.finish().unwrap();

    let copied = open(&bytes).unwrap();
    let new = copied.find("new.txt").unwrap();
    assert_eq!(new.compressed_size(), entry.compressed_size());
    assert_eq!(copied.read(new).unwrap(), text.as_bytes());
    let stored = write(None, &[("new.txt".into(), Mode::File, text.into_bytes())]);
    assert_eq!(summary.content_digest, stored.1.content_digest);
    assert_ne!(summary.sha256, stored.1.sha256);
    assert_ne!(summary.content_digest, ContentDigest::new(b"").finish());
}
