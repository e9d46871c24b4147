//! Archives that a strict reader refuses, each with the rule it breaks.

use pinnace_archive::{Archive, ErrorKind, Leniency, Limits, Policy, Rule};

use crate::{
    forge::{Local, Part, extra, forge, forge_with, put16, put32, read_all, rule},
    sample, write,
};

fn honest() -> Part {
    Part::new("aaaa", "data")
}

fn refused_by(part: Part) -> Rule {
    rule(&forge(&[part]))
}

#[test]
fn what_is_honest_is_accepted() {
    let parts = [honest(), Part::deflated("b", b"bbbbbbbbbbbb"), Part::new("c/\u{e4}", "")];
    read_all(&forge(&parts), Policy::strict()).unwrap();
}

#[test]
fn unsafe_names() {
    let names: [&[u8]; 16] = [
        b"../a",
        b"..",
        b"a/../b",
        b"/etc",
        b"a\\b",
        b"a\0b",
        b"C:/x",
        b"c:x",
        b"a//b",
        b"./a",
        b"a/.",
        b"",
        b"a\nb",
        b"\xff\xfe",
        b"\xc0\xae\xc0\xae/a",
        b"\x7f",
    ];
    for name in names {
        assert_eq!(refused_by(Part::new(name, "")), Rule::Name, "{name:?}");
    }
}

/// Some readers decode UTF-8 names without the UTF-8 flag as code page 437.
#[test]
fn names_of_unknown_encoding() {
    let part = Part { flags: 0, ..Part::new("\u{e4}", "") };
    assert_eq!(refused_by(part), Rule::NameEncoding);
}

#[test]
fn a_second_name_in_an_extra_field() {
    let unicode_path = |name: &[u8]| extra(0x7075, &[&[1, 0, 0, 0, 0], name].concat());
    let part = Part { central_extra: unicode_path(b"aaaa"), ..honest() };
    read_all(&forge(&[part]), Policy::strict()).unwrap();
    let part = Part { central_extra: unicode_path(b"evil"), ..honest() };
    assert_eq!(refused_by(part), Rule::ExtraField);
    let local = Local { extra: unicode_path(b"evil"), ..Local::default() };
    assert_eq!(refused_by(Part { local, ..honest() }), Rule::ExtraField);
}

#[test]
fn names_that_other_systems_keep() {
    for name in
        ["aux", "a/NUL.txt", "com1.py", "end.", "sp ", "aa:b", "a;1", "a;", "what?", "a/LPT9"]
    {
        assert_eq!(refused_by(Part::new(name, "")), Rule::ReservedName, "{name}");
    }
}

#[test]
fn names_that_clash() {
    for (names, expected) in [
        (&["a", "a"][..], Rule::UniqueName),
        (&["a/", "a/"], Rule::UniqueName),
        (&["a", "a/"], Rule::UniqueName),
        (&["a", "a-b", "a/b"], Rule::FileAndDirectory),
        (&["a/b/c", "a.x", "a/b"], Rule::FileAndDirectory),
        (&["README", "readme"], Rule::CaseCollision),
        (&["A/x", "a/X"], Rule::CaseCollision),
        (&["A", "a/b"], Rule::CaseCollision),
        (&["stra\u{df}e", "STRASSE"], Rule::CaseCollision),
        (&["\u{e4}", "a\u{308}"], Rule::NormalizationCollision),
        (&["\u{fb}/x", "u\u{302}"], Rule::NormalizationCollision),
    ] {
        let parts: Vec<Part> = names.iter().map(|name| Part::new(name, "")).collect();
        assert_eq!(rule(&forge(&parts)), expected, "{names:?}");
    }
}

#[test]
fn a_local_header_that_disagrees() {
    let locals = [
        Local { name: Some(b"evil".to_vec()), ..Local::default() },
        Local { method: Some(8), ..Local::default() },
        Local { flags: Some(2), ..Local::default() },
        Local { crc32: Some(1), ..Local::default() },
        Local { size: Some(3), ..Local::default() },
        Local { compressed: Some(3), ..Local::default() },
    ];
    for local in locals {
        assert_eq!(refused_by(Part { local, ..honest() }), Rule::LocalHeader);
    }
    let local = Local { name: Some(b"a".to_vec()), ..Local::default() };
    assert_eq!(refused_by(Part { local, ..honest() }), Rule::Overlap, "a shorter name");
    let nowhere = Part { offset: Some(1), ..Part::new("aaaa", [0; 100]) };
    let bytes = forge(&[Part { local: Local::default(), ..nowhere }]);
    let error = read_all(&bytes, Policy::strict().allow(Leniency::Prefix)).unwrap_err();
    let ErrorKind::Refused { rule, .. } = error.kind() else { panic!("{error}") };
    assert!(matches!(rule, Rule::LocalHeader | Rule::Overlap), "{error}");
}

#[test]
fn data_descriptors() {
    let part = Part::deflated("aaaa", b"data");
    let (crc, length) = (crc32fast::hash(b"data").to_le_bytes(), part.data.len() as u8);
    let sizes32 = [length, 0, 0, 0, 4, 0, 0, 0];
    let sizes64 = [length, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
    let signature = b"PK\x07\x08".as_slice();
    let blank = Local { crc32: Some(0), size: Some(0), compressed: Some(0), ..Local::default() };
    let with = |after: Vec<u8>, extra: Vec<u8>| {
        let local = Local { extra, ..blank.clone() };
        forge(&[Part { flags: 8, after, local, ..part.clone() }, Part::new("b", "")])
    };
    let honest = [signature, &crc, &sizes32].concat();
    for sizes in [&sizes32[..], &sizes64] {
        for start in [signature, b""] {
            let bytes = with([start, &crc, sizes].concat(), Vec::new());
            read_all(&bytes, Policy::strict()).unwrap();
        }
    }
    assert_eq!(rule(&with(Vec::new(), Vec::new())), Rule::Descriptor);
    assert_eq!(rule(&with([signature, &[0; 12]].concat(), Vec::new())), Rule::Descriptor);
    assert_eq!(rule(&with([&honest[..], b"gap"].concat(), Vec::new())), Rule::Gap);
    // Some readers use sizes in a zip64 field of the local header.
    let zip64 = |n: u64| extra(1, &[n.to_le_bytes(), n.to_le_bytes()].concat());
    read_all(&with(honest.clone(), zip64(0)), Policy::strict()).unwrap();
    assert_eq!(rule(&with(honest.clone(), zip64(3))), Rule::LocalHeader);
    // Stored data does not mark its own end: a streaming reader takes the first bytes that look
    // like a descriptor for the real one.
    let stored = Part { flags: 8, after: honest, local: blank, ..self::honest() };
    assert_eq!(refused_by(stored), Rule::Descriptor);
}

/// All readers must agree with us about what is a file. Unzip, 7-Zip, bsdtar and the zip crate obey
/// attributes of other systems, attributes of MS-DOS, and modes in extra fields.
#[test]
fn what_other_readers_take_for_something_else() {
    for host in [1, 2, 5, 10, 11, 14, 16, 30] {
        assert_eq!(refused_by(Part { host: Some(host), ..honest() }), Rule::System, "{host}");
    }
    let link = Part { host: Some(0), mode: 0o120_777, ..honest() };
    assert_eq!(refused_by(link), Rule::NoSymlink);
    for dos in [0x10, 0x08] {
        let part = Part { host: Some(0), mode: 0, dos, ..honest() };
        assert_eq!(refused_by(part), Rule::FileType);
    }
    for id in [0x756e, 0x6c78] {
        let part = Part { central_extra: extra(id, &[5, 0, 0, 0, 0xff, 0xa1]), ..honest() };
        assert_eq!(refused_by(part), Rule::ExtraField);
        let local = Local { extra: extra(id, &[5, 0, 0, 0, 0xff, 0xa1]), ..Local::default() };
        assert_eq!(refused_by(Part { local, ..honest() }), Rule::ExtraField);
    }
    for (host, executable) in [(0, false), (3, true), (19, true)] {
        let bytes = forge(&[Part { host: Some(host), mode: 0o100_755, ..honest() }]);
        let archive = Archive::open(bytes, Policy::strict()).unwrap();
        assert_eq!(archive.entries()[0].is_executable(), executable, "{host}");
    }
}

/// The local header of a directory, and the bytes after it, are checked on extraction and on
/// adding.
#[test]
fn directories_hide_nothing() {
    let hidden = forge(&[Part::new("evil.py", "")]);
    let bytes = forge(&[Part { after: hidden[..37].to_vec(), ..Part::new("d/", "") }]);
    let archive = Archive::open(bytes, Policy::strict()).unwrap();
    assert!(archive.verify().is_err());
    let folder = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    assert!(archive.extract(folder.path()).is_err());
    assert!(pinnace_archive::ArchiveBuilder::new().add_archive(&archive).is_err());
}

#[test]
fn names_of_many_folders() {
    let deep = "x/".repeat(60);
    let parts: Vec<Part> = (0..50).map(|n| Part::new(format!("{n}/{deep}f"), "")).collect();
    let limits = Limits::default().with_entries(3000);
    let error = read_all(&forge(&parts), Policy::strict().with_limits(limits)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { value: 3050, .. }), "{error}");
    assert_eq!(refused_by(Part::new("a".repeat(4095), "")), Rule::Name);
    assert_eq!(refused_by(Part::new("a".repeat(256), "")), Rule::ReservedName);
}

/// A source may claim any length.
#[test]
fn numbers_near_the_end_of_all_numbers() {
    struct Endless;
    impl pinnace_archive::ReadAt for Endless {
        fn size(&self) -> std::io::Result<u64> {
            Ok(u64::MAX)
        }
        fn read_exact_at(&self, buffer: &mut [u8], _: u64) -> std::io::Result<()> {
            buffer.fill(0);
            Ok(())
        }
    }
    assert!(Archive::open(Endless, Policy::strict()).is_err());
}

#[test]
fn bytes_that_belong_to_no_member() {
    for parts in [
        vec![Part { after: b"hidden".to_vec(), ..honest() }],
        vec![Part { after: vec![0], ..honest() }, Part::new("b", "")],
    ] {
        assert_eq!(rule(&forge(&parts)), Rule::Gap);
    }
    assert_eq!(rule(&forge_with(b"#!/bin/sh\n", &[honest()], b"")), Rule::NoPrefix);
}

#[test]
fn whatever_follows_the_end_record() {
    for after in [&b"x"[..], b"PK\x05\x06", &[0; 40], &forge(&[honest()])[..5]] {
        let bytes = [forge(&[honest()]), after.to_vec()].concat();
        assert_eq!(rule(&bytes), Rule::EndRecord);
    }
    for bytes in [&b""[..], b"PK\x05\x06", b"PK", &[0; 22]] {
        assert_eq!(rule(bytes), Rule::EndRecord);
    }
}

/// Two zips in one file: readers that search from the front see the other one.
#[test]
fn several_end_records() {
    let bytes = [forge(&[Part::new("evil", "")]), forge(&[honest()])].concat();
    assert!(matches!(rule(&bytes), Rule::CentralDirectory));
    let fake = forge(&[]);
    let bytes = forge_with(b"", &[honest()], &fake);
    // The last record describes an empty archive with a prefix, and claims offset 0.
    assert_eq!(rule(&bytes), Rule::CentralDirectory);
    let comment = [&fake[..], b"!"].concat();
    let bytes = forge_with(b"", &[honest()], &comment);
    let lenient = read_all(&bytes, Policy::strict().allow(Leniency::Comment)).unwrap_err();
    assert!(matches!(lenient.kind(), ErrorKind::Refused { rule: Rule::EndRecord, .. }));
}

#[test]
fn counts_and_places_that_lie() {
    let end = |bytes: &[u8]| bytes.len() - 22;
    let change = |at: usize, value: &[u8]| {
        let mut bytes = forge(&[honest()]);
        let at = end(&bytes) + at;
        bytes[at..at + value.len()].copy_from_slice(value);
        rule(&bytes)
    };
    assert_eq!(change(4, &[1, 0]), Rule::SingleDisk);
    assert_eq!(change(6, &[1, 0]), Rule::SingleDisk);
    assert_eq!(change(8, &[2, 0]), Rule::SingleDisk);
    assert_eq!(change(8, &[2, 0, 2, 0]), Rule::CentralDirectory);
    assert_eq!(change(8, &[0, 0, 0, 0]), Rule::CentralDirectory);
    assert_eq!(change(12, &[1, 0]), Rule::CentralDirectory);
    assert_eq!(change(16, &[0, 0]), Rule::CentralDirectory);
    assert_eq!(change(20, &[1, 0]), Rule::EndRecord);
}

#[test]
fn zip64_records_that_lie() {
    let mut zip64 = Vec::new();
    put32(&mut zip64, 0x0606_4b50);
    zip64.extend(44u64.to_le_bytes());
    zip64.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let plain = forge(&[honest()]);
    let directory = (plain.len() - 22 - 50) as u64;
    for number in [1, 1, 50, directory] {
        zip64.extend(number.to_le_bytes());
    }
    let locator = |at: u64| {
        let mut bytes = Vec::new();
        put32(&mut bytes, 0x0706_4b50);
        put32(&mut bytes, 0);
        bytes.extend(at.to_le_bytes());
        put32(&mut bytes, 1);
        bytes
    };
    let (front, end) = plain.split_at(plain.len() - 22);
    let build = |zip64: &[u8], at: u64| [front, zip64, &locator(at), end].concat();
    let at = front.len() as u64;
    read_all(&build(&zip64, at), Policy::strict()).unwrap();
    assert_eq!(rule(&build(&zip64, at + 1)), Rule::Zip64, "a locator that leads elsewhere");
    assert_eq!(rule(&build(&zip64, u64::MAX)), Rule::Zip64);
    let padded = [&zip64[..], b"extensible"].concat();
    assert_eq!(rule(&build(&padded, at)), Rule::Zip64, "bytes between record and locator");
    for (byte, expected) in [
        (0, Rule::Zip64),
        (4, Rule::Zip64),
        (16, Rule::SingleDisk),
        (24, Rule::Zip64),
        (40, Rule::Zip64),
    ] {
        let mut lying = zip64.clone();
        lying[byte] ^= 1;
        assert_eq!(rule(&build(&lying, at)), expected, "byte {byte}");
    }
    let mut saturated = plain.clone();
    let end = saturated.len() - 22;
    saturated[end + 16..end + 20].copy_from_slice(&[0xff; 4]);
    assert_eq!(rule(&saturated), Rule::Zip64, "no zip64 record at all");
}

#[test]
fn zip64_fields_that_lie() {
    let field = |values: &[u64]| {
        extra(1, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    };
    let wide = |central_extra| Part {
        size: Some(u32::MAX),
        compressed: Some(u32::MAX),
        central_extra,
        ..honest()
    };
    assert_eq!(refused_by(wide(Vec::new())), Rule::Zip64);
    assert_eq!(refused_by(wide(field(&[4]))), Rule::Zip64);
    assert_eq!(refused_by(wide([field(&[4, 4]), field(&[4, 4])].concat())), Rule::Zip64);
    assert_eq!(refused_by(wide(vec![1, 0, 9, 0, 1])), Rule::Zip64);
    let beside = |values: &[u64]| Part { central_extra: field(values), ..honest() };
    read_all(&forge(&[beside(&[4, 4])]), Policy::strict()).unwrap();
    read_all(&forge(&[beside(&[4, 4, 0])]), Policy::strict()).unwrap();
    for lie in [&[3, 4][..], &[4, 3], &[4, 4, 1], &[4, 4, 0, 0]] {
        assert_eq!(refused_by(beside(lie)), Rule::Zip64, "{lie:?}");
    }
    // 32-bit sizes in the local header are accepted if they agree.
    let local = Local { size: Some(4), compressed: Some(4), ..Local::default() };
    let part = Part { local, ..wide(field(&[4, 4])) };
    read_all(&forge(&[part]), Policy::strict()).unwrap();
    assert_eq!(refused_by(wide(field(&[1 << 33, 1 << 33]))), Rule::Overlap);
}

#[test]
fn encryption_flags_and_methods() {
    for flags in [1, 1 << 6, 1 << 13, 9] {
        assert_eq!(refused_by(Part { flags, ..honest() }), Rule::Encrypted, "{flags}");
    }
    for flags in [1 << 4, 1 << 5, 1 << 7, 1 << 12, 1 << 15] {
        assert_eq!(refused_by(Part { flags, ..honest() }), Rule::Flags, "{flags}");
    }
    for method in [1, 9, 12, 14, 95, 99] {
        assert_eq!(refused_by(Part { method, ..honest() }), Rule::Method, "{method}");
    }
}

#[test]
fn what_is_neither_file_nor_directory() {
    let link = Part { mode: 0o120_777, ..honest() };
    assert_eq!(refused_by(link), Rule::NoSymlink);
    for mode in [0o060_000, 0o020_000, 0o010_000, 0o140_000, 0o040_755] {
        assert_eq!(refused_by(Part { mode, ..honest() }), Rule::FileType, "{mode:o}");
    }
    let part = Part { mode: 0o100_644, ..Part::new("a/", "") };
    assert_eq!(refused_by(part), Rule::FileType);
    let with_content = Part { mode: 0o040_755, ..Part::new("a/", "x") };
    assert_eq!(refused_by(with_content), Rule::Size);
}

#[test]
fn members_that_overlap() {
    let bytes = forge(&[honest(), Part { offset: Some(0), ..honest() }]);
    assert_eq!(rule(&bytes), Rule::UniqueName);
    let bytes = forge(&[honest(), Part { offset: Some(0), ..Part::new("b", "") }]);
    assert_eq!(rule(&bytes), Rule::Overlap);
    assert_eq!(
        refused_by(Part { compressed: Some(90), size: Some(90), ..honest() }),
        Rule::Overlap
    );
    // The extra field of this local header claims the data.
    let local = Local { extra: vec![0xff; 8], ..Local::default() };
    let mut bytes = forge(&[Part { local, ..honest() }]);
    bytes[28] = 12;
    assert!(matches!(rule(&bytes), Rule::Overlap | Rule::Zip64 | Rule::LocalHeader));
}

#[test]
fn sizes_and_checksums_that_lie() {
    let damage = |part: Part| match read_all(&forge(&[part]), Policy::strict()).unwrap_err().kind()
    {
        ErrorKind::Damaged { what, entry } if entry == "aaaa" => *what,
        other => panic!("{other:?}"),
    };
    assert_eq!(damage(Part { crc32: Some(1), ..honest() }), "checksum");
    assert_eq!(refused_by(Part { size: Some(5), ..honest() }), Rule::Size);
    let deflated = Part::deflated("aaaa", &[7; 500]);
    for size in [499, 501] {
        assert_eq!(damage(Part { size: Some(size), ..deflated.clone() }), "size");
    }
    let mut cut = deflated.clone();
    cut.data.pop();
    assert_eq!(damage(cut), "compressed data");
    let mut more = deflated.clone();
    more.data.extend(b"hidden behind the stream");
    assert_eq!(damage(more), "compressed size");
    let mut garbage = deflated;
    garbage.data[0] = 0xff;
    assert_eq!(damage(garbage), "compressed data");
}

#[test]
fn bombs() {
    let limited = |limits: Limits, bytes: &[u8]| {
        let error = read_all(bytes, Policy::strict().with_limits(limits)).unwrap_err();
        match error.kind() {
            ErrorKind::Limit { what, .. } => *what,
            other => panic!("{other:?}"),
        }
    };
    let (bytes, _) = write(None, &sample());
    read_all(&bytes, Policy::strict()).unwrap();
    let limits = Limits::default();
    assert_eq!(limited(limits.with_entries(6), &bytes), "the number of entries");
    assert_eq!(limited(limits.with_directory(100), &bytes), "the size of the central directory");
    assert_eq!(limited(limits.with_size(16), &bytes), "a member's size");
    assert_eq!(limited(limits.with_total(25), &bytes), "the size of all members");
    assert_eq!(limited(limits.with_depth(1), &bytes), "the depth of folders");
    let bomb = forge(&[Part::deflated("a", &vec![0; 1 << 20])]);
    read_all(&bomb, Policy::strict()).unwrap();
    assert_eq!(limited(limits.with_ratio(100), &bomb), "a member's compression ratio");
    let liar = forge(&[Part { size: Some(u32::MAX - 1), ..Part::deflated("a", &[0; 1000]) }]);
    assert_eq!(limited(limits, &liar), "a member's compression ratio");
    let archive = Archive::open(&bytes[..], Policy::strict().with_limits(limits.with_member(3)));
    let archive = archive.unwrap();
    let error = archive.read(archive.find("a/b/c.txt").unwrap()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: 3, .. }));
    archive.verify().unwrap();
}

/// The classic zip bomb: many members that share one stream of data.
#[test]
fn overlapping_bombs() {
    let kernel = Part::deflated("0", &vec![0; 1 << 16]);
    let mut parts = vec![kernel.clone()];
    parts.extend((1..50).map(|n| Part {
        offset: Some(0),
        data: Vec::new(),
        compressed: Some(kernel.data.len() as u32),
        ..Part { name: n.to_string().into_bytes(), ..kernel.clone() }
    }));
    assert_eq!(rule(&forge(&parts)), Rule::Overlap);
}

#[test]
fn each_leniency_accepts_what_its_rule_refuses() {
    let comment = forge_with(b"", &[honest()], b"a comment");
    let gap = forge(&[Part { after: vec![0; 9], ..honest() }]);
    let link = forge(&[Part { mode: 0o120_777, ..Part::new("l", "aaaa") }]);
    let two = |a: &str, b: &str| forge(&[Part::new(a, ""), Part::new(b, "")]);
    for (bytes, leniency) in [
        (forge_with(b"#!/bin/sh\n", &[honest()], b""), Leniency::Prefix),
        (gap, Leniency::Gap),
        (comment, Leniency::Comment),
        (forge(&[Part::new("aux.py", "")]), Leniency::ReservedName),
        (two("a", "A"), Leniency::CaseCollision),
        (forge(&[Part { flags: 0, ..Part::new("\u{e4}", "") }]), Leniency::UnflaggedName),
        (link, Leniency::Symlink),
    ] {
        assert_eq!(rule(&bytes).leniency(), Some(leniency));
        read_all(&bytes, Policy::strict().allow(leniency)).unwrap();
        let others = Leniency::ALL.into_iter().filter(|other| *other != leniency);
        let policy = others.fold(Policy::strict(), Policy::allow);
        assert!(read_all(&bytes, policy).is_err(), "{leniency:?}");
    }
    let bytes = two("\u{e4}", "a\u{308}");
    assert_eq!(rule(&bytes).leniency(), Some(Leniency::NormalizationCollision));
    read_all(&bytes, Policy::strict().allow(Leniency::NormalizationCollision)).unwrap();
}

#[test]
fn errors_name_the_entry_and_the_rule() {
    let error = read_all(&forge(&[Part { crc32: Some(1), ..honest() }]), Policy::strict());
    let text = error.unwrap_err().to_string();
    assert_eq!(text, "`aaaa` is damaged: its checksum differs from the one recorded");
    let error = read_all(&forge(&[Part::new("../up", "")]), Policy::strict()).unwrap_err();
    let text = "refused: the name is unsafe or not UTF-8: it holds `.` or `..` (in `../up`)";
    assert_eq!(error.to_string(), text);
    let error = read_all(&forge(&[Part::new("a\x1b[31m\n", "")]), Policy::strict()).unwrap_err();
    assert!(!error.to_string().contains(char::is_control), "{error}");
    let parts = [Part::new("README", ""), Part::new("readme", "")];
    let error = read_all(&forge(&parts), Policy::strict()).unwrap_err().to_string();
    assert!(error.contains("README") && error.contains("readme"), "{error}");
    let mut end = Vec::new();
    put16(&mut end, 0);
    assert!(read_all(&end, Policy::strict()).unwrap_err().to_string().contains("end record"));
}
