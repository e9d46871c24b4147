//! What a strict reader refuses, each by the rule that it breaks.

use pinnace_archive::{Archive, ErrorKind, Limits, Mode, Prefix, Rule};

use crate::{open, sample, write};

fn rule(bytes: &[u8]) -> Rule {
    let read_all = |archive: Archive<&[u8]>| {
        archive.entries().iter().try_for_each(|entry| archive.read(entry).map(drop))
    };
    match open(bytes).and_then(read_all).expect_err("must be refused").kind() {
        ErrorKind::Refused { rule, .. } => *rule,
        other => panic!("refused for another reason: {other:?}"),
    }
}

fn one(name: &str) -> Vec<u8> {
    write(None, &[(name.into(), Mode::File, b"data".to_vec())]).0
}

/// Replaces every occurrence of `from`, which must have the length of `to`.
fn replace(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut hits = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            hits += 1;
        }
    }
    assert!(hits > 0, "nothing was replaced, so nothing is tested");
    bytes
}

#[test]
fn unsafe_names() {
    for (safe, hostile) in [
        ("aaa", "../"),
        ("aaaa", "/etc"),
        ("aaaa", r"a\\b"),
        ("aaa", "a\0b"),
        ("aaa", "C:/"),
        ("aaaa", "a//b"),
    ] {
        let bytes = replace(one(safe), safe.as_bytes(), hostile.as_bytes());
        assert_eq!(rule(&bytes), Rule::Name, "{hostile:?}");
    }
    assert_eq!(rule(&replace(one("aa"), b"aa", b"\xff\xfe")), Rule::Name);
}

#[test]
fn one_name_twice() {
    let two = [("aa".into(), Mode::File, vec![]), ("ab".into(), Mode::File, vec![])];
    assert_eq!(rule(&replace(write(None, &two).0, b"ab", b"aa")), Rule::UniqueName);
}

#[test]
fn a_local_header_with_another_name() {
    let mut bytes = one("good");
    bytes[30..34].copy_from_slice(b"evil");
    assert_eq!(rule(&bytes), Rule::LocalHeader);
}

#[test]
fn bytes_after_the_end_record() {
    let mut bytes = one("a");
    bytes.push(0);
    assert_eq!(rule(&bytes), Rule::EndRecord);
    assert_eq!(rule(b""), Rule::EndRecord);
    assert_eq!(rule(b"PK\x05\x06"), Rule::EndRecord);
}

#[test]
fn overlapping_members() {
    let (mut bytes, _) = write(None, &sample());
    let offset_of_last = bytes.len() - 22 - 3 - 4;
    bytes[offset_of_last] = bytes[offset_of_last].wrapping_sub(20);
    assert!(matches!(rule(&bytes), Rule::Overlap | Rule::LocalHeader | Rule::Name));
}

#[test]
fn a_prefix_where_none_is_allowed() {
    let (bytes, _) = write(Some(b"#!x\n"), &sample());
    assert_eq!(open(&bytes).unwrap().prefix_length(), 4);
    let error = Archive::open(bytes.as_slice(), Prefix::Refused, Limits::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused { rule: Rule::NoPrefix, .. }));
}

#[test]
fn a_flipped_byte_in_the_data() {
    let mut bytes = one("a");
    bytes[31] ^= 1;
    let archive = open(&bytes).unwrap();
    let error = archive.read(archive.find("a").unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Damaged { what: "checksum", .. }));
}

#[test]
fn limits_hold() {
    let (bytes, _) = write(None, &sample());
    let refuses = |limits: Limits| {
        let archive = Archive::open(bytes.as_slice(), Prefix::Allowed, limits)?;
        archive.entries().iter().try_for_each(|entry| archive.read(entry).map(drop))
    };
    assert!(refuses(Limits::default()).is_ok());
    let error = refuses(Limits::default().member(3)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: 3, .. }));
}

#[test]
fn an_entry_count_that_the_directory_cannot_hold() {
    let mut bytes = one("a");
    let end = bytes.len() - 22;
    for at in [8, 10] {
        bytes[end + at..end + at + 2].copy_from_slice(&60_000u16.to_le_bytes());
    }
    assert_eq!(rule(&bytes), Rule::CentralDirectory);
}
