//! Zip readers of other projects accept our archives.

use std::{io::Read as _, process::Command};

use crate::{Files, sample, write};

#[test]
fn the_zip_crate_reads_the_same_members() {
    let (bytes, _) = write(Some(b"#!/bin/sh\n"), &sample());
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    for (name, _, content) in sample() {
        let mut read = Vec::new();
        archive.by_name(&name).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, content, "{name}");
    }
}

const CHECK: &str = r"
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for info in archive.infolist():
    assert info.date_time == (1980, 1, 1, 0, 0, 0), info
    assert info.create_system == 3 and info.extra == b'' and info.flag_bits in (0, 0x800), info
    mode = info.external_attr >> 16
    assert mode == (0o40755 if info.is_dir() else mode) and mode in (0o40755, 0o100644, 0o100755), oct(mode)
    print(info.filename.encode(), len(archive.read(info)))
";

#[test]
fn cpython_reads_the_same_members() {
    let (bytes, _) = write(Some(b"#!/bin/sh\n"), &sample());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), &bytes).unwrap();
    let run = Command::new("python3").args(["-I", "-c", CHECK]).arg(file.path()).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 7);
}

#[test]
fn an_empty_archive_is_an_archive() {
    let (bytes, summary) = write(None, &Files::new());
    assert_eq!((bytes.len(), summary.entries), (22, 0));
    assert_eq!(zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap().len(), 0);
}
