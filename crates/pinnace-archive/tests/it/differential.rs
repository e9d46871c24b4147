//! The strict reader compared with CPython's `zipfile` and the zip crate, on thousands of archives
//! that were damaged on purpose.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read as _, Write as _},
    process::{Command, Stdio},
};

use pinnace_archive::{Archive, Error, ErrorKind, Policy, Rule};

use crate::{
    forge::{Part, forge},
    sample, write,
};

/// Reads all archives given as `length, bytes`. Prints a line for each: `ok` and the members' names
/// and checksums, or the class of the exception.
const PYTHON: &str = r"
import io, struct, sys, zipfile, zlib
data = sys.stdin.buffer.read()
at = 0
while at < len(data):
    size, = struct.unpack_from('<I', data, at)
    blob, at = data[at + 4:at + 4 + size], at + 4 + size
    try:
        archive = zipfile.ZipFile(io.BytesIO(blob))
        names = [info.filename for info in archive.infolist()]
        print('ok', *('%s:%08x' % (name.encode().hex(), zlib.crc32(archive.read(name))) for name in names))
    except Exception as error:
        print(type(error).__name__)
";

/// Returns archives of all the shapes that we and others write, each then damaged byte by byte.
fn corpus() -> Vec<Vec<u8>> {
    let parts = [
        Part::new("a/", ""),
        Part::new("a/stored", "stored content"),
        Part::deflated("deflated", &b"deflated ".repeat(9)),
        Part::new("\u{e4}", ""),
    ];
    let streamed = Part::deflated("s", b"x");
    let sizes = [streamed.data.len() as u8, 0, 0, 0, 1, 0, 0, 0];
    let descriptor = [b"PK\x07\x08", &crc32fast::hash(b"x").to_le_bytes()[..], &sizes];
    let streamed = Part { flags: 8, after: descriptor.concat(), ..streamed };
    let mut corpus = Vec::new();
    for whole in [forge(&parts), forge(&[streamed]), write(None, &sample()).0] {
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff, whole[at] ^ 0x20, whole[at].wrapping_add(1)] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                corpus.push(damaged);
            }
            corpus.push(whole[..at].to_vec());
            corpus.push([&whole[..at], b"!", &whole[at..]].concat());
        }
        corpus.push(whole);
    }
    corpus
}

/// Returns names in hexadecimal and checksums, in the format of the script.
fn ours(bytes: &[u8]) -> Result<String, Error> {
    let archive = Archive::open(bytes, Policy::strict())?;
    archive.entries().iter().try_fold("ok".to_owned(), |line, entry| {
        let content = archive.read(entry)?;
        let name = crate::hex(entry.name().as_bytes());
        Ok(format!("{line} {name}:{:08x}", crc32fast::hash(&content)))
    })
}

fn zip_crate(bytes: &[u8]) -> Result<String, String> {
    let fault = |error: zip::result::ZipError| format!("{error:?}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(fault)?;
    (0..archive.len()).try_fold("ok".to_owned(), |line, at| {
        let mut member = archive.by_index(at).map_err(fault)?;
        let mut content = Vec::new();
        member.read_to_end(&mut content).map_err(|error| error.to_string())?;
        let name = crate::hex(member.name().map_err(fault)?.as_bytes());
        Ok(format!("{line} {name}:{:08x}", crc32fast::hash(&content)))
    })
}

fn cpython(corpus: &[Vec<u8>]) -> Vec<String> {
    let mut python = Command::new("python3")
        .args(["-I", "-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = python.stdin.take().unwrap();
    for bytes in corpus {
        input.write_all(&(bytes.len() as u32).to_le_bytes()).unwrap();
        input.write_all(bytes).unwrap();
    }
    drop(input);
    let output = python.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_is_accepted_is_one_archive_to_all_three() {
    let corpus = corpus();
    let theirs = cpython(&corpus);
    assert_eq!(theirs.len(), corpus.len());
    let (mut accepted, mut stricter) = (0, BTreeMap::new());
    for (bytes, python) in corpus.iter().zip(theirs) {
        match ours(bytes) {
            Ok(line) => {
                accepted += 1;
                assert_eq!(line, python, "{}", crate::hex(bytes));
                assert_eq!(Ok(line), zip_crate(bytes), "{}", crate::hex(bytes));
            }
            Err(error) if python.starts_with("ok") => {
                *stricter.entry(kind(&error)).or_insert(0) += 1;
            }
            Err(error) => check_kinds(&error, &python),
        }
    }
    assert!(accepted > 500, "{accepted} of {}", corpus.len());
    // These are the rules that we enforce although CPython accepts the archive.
    let rules: BTreeSet<&str> = stricter.keys().map(String::as_str).collect();
    assert_eq!(rules, BTreeSet::from(STRICTER), "{stricter:?}");
}

const STRICTER: [&str; 15] = [
    "CentralDirectory",
    "Damaged compressed data",
    "Damaged size",
    "Descriptor",
    "Encrypted",
    "EndRecord",
    "FileType",
    "Flags",
    "Limit a member's compression ratio",
    "LocalHeader",
    "NoSymlink",
    "Overlap",
    "SingleDisk",
    "Size",
    "System",
];

fn kind(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Refused { rule, .. } => format!("{rule:?}"),
        ErrorKind::Damaged { what, .. } => format!("Damaged {what}"),
        ErrorKind::Limit { what, .. } => format!("Limit {what}"),
        other => panic!("{other:?}"),
    }
}

/// Checks that CPython refuses for the same kind of reason, if it distinguishes reasons.
fn check_kinds(error: &Error, python: &str) {
    let expected: &[&str] = match error.kind() {
        ErrorKind::Refused { rule: Rule::Encrypted, .. } => {
            &["RuntimeError", "NotImplementedError"]
        }
        ErrorKind::Refused { rule: Rule::Method, .. } => &["NotImplementedError"],
        _ => return,
    };
    assert!(expected.contains(&python), "{error}: {python}");
}
