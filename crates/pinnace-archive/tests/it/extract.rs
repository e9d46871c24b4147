//! Extraction never writes outside its folder, whatever is planted there.

use std::{fs, os::unix::fs::PermissionsExt, os::unix::fs::symlink, path::Path};

use pinnace_archive::{Archive, ErrorKind, Leniency, Mode, Policy};

use crate::{
    forge::{Part, forge},
    sample, write,
};

fn archive(parts: &[Part]) -> Archive<Vec<u8>> {
    Archive::open(forge(parts), Policy::strict().allow(Leniency::Symlink)).unwrap()
}

fn cause(archive: &Archive<Vec<u8>>, folder: &Path) -> std::io::ErrorKind {
    match archive.extract(folder).unwrap_err().kind() {
        ErrorKind::Extract { source, .. } => source.kind(),
        other => panic!("{other:?}"),
    }
}

fn link(name: &str, target: &str) -> Part {
    Part { mode: 0o120_777, ..Part::new(name, target) }
}

#[test]
fn files_modes_and_folders_come_out_as_they_went_in() {
    let (bytes, _) = write(None, &sample());
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(bytes, Policy::strict()).unwrap();
    let done = archive.extract(folder.path()).unwrap();
    assert_eq!((done.files, done.bytes), (5, 3 + 4 + 17 + 2));
    for (name, mode, content) in sample() {
        let file = folder.path().join(name);
        assert_eq!(fs::read(&file).unwrap(), content);
        let executable = fs::metadata(&file).unwrap().permissions().mode() & 0o100 != 0;
        assert_eq!(executable, mode == Mode::Executable);
    }
    // The second extraction finds every file in place and replaces nothing.
    let again = archive.extract(folder.path()).unwrap_err();
    assert!(again.to_string().contains("cannot extract `a/.hidden`"), "{again}");
}

#[test]
fn a_planted_link_to_a_folder_is_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(outside.path(), folder.path().join("a")).unwrap();
    assert!(archive(&[Part::new("a/b", "x")]).extract(folder.path()).is_err());
    assert!(archive(&[Part::new("a/b/c", "x")]).extract(folder.path()).is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_planted_link_or_file_at_the_place_of_a_file_is_not_written_through() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let victim = outside.path().join("victim");
    symlink(&victim, folder.path().join("dangling")).unwrap();
    let exists = std::io::ErrorKind::AlreadyExists;
    assert_eq!(cause(&archive(&[Part::new("dangling", "x")]), folder.path()), exists);
    assert!(!victim.exists());
    let file = fs::File::create(&victim).unwrap();
    std::io::Write::write_all(&mut &file, b"precious").unwrap();
    fs::hard_link(&victim, folder.path().join("hard")).unwrap();
    assert_eq!(cause(&archive(&[Part::new("hard", "x")]), folder.path()), exists);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn links_of_the_archive_stay_below() {
    for target in ["/etc/passwd", "..", "../x", "a/../../x", ""] {
        let folder = tempfile::tempdir().unwrap();
        assert!(archive(&[link("l", target)]).extract(folder.path()).is_err(), "{target}");
        assert!(fs::symlink_metadata(folder.path().join("l")).is_err(), "{target}");
    }
    let folder = tempfile::tempdir().unwrap();
    let parts = [Part::new("d/file", "x"), link("d/e/up", "../file"), link("self", ".")];
    archive(&parts).extract(folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("self/d/e/up")).unwrap(), b"x");
}

/// No policy allows a member below a link.
#[test]
fn nothing_is_written_through_a_link_of_the_archive() {
    let policy = Leniency::ALL.into_iter().fold(Policy::strict(), Policy::allow);
    let bytes = forge(&[link("l", "/tmp"), Part::new("l/x", "")]);
    assert!(Archive::open(bytes, policy).is_err());
    // If names differ only in case, the file system may still merge them, so links come last.
    let bytes = forge(&[link("L", "d"), Part::new("l/x", ""), Part::new("d/y", "")]);
    let folder = tempfile::tempdir().unwrap();
    Archive::open(bytes, policy).unwrap().extract(folder.path()).unwrap();
    assert!(fs::symlink_metadata(folder.path().join("l")).unwrap().is_dir());
}

#[test]
fn a_damaged_member_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let bad = archive(&[Part::new("good", "x"), Part { crc32: Some(1), ..Part::new("z", "x") }]);
    let error = bad.extract(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Damaged { .. }), "{error}");
    assert!(folder.path().join("good").exists() && !folder.path().join("z").exists());
}

#[test]
fn a_folder_that_is_not_there_is_said_so() {
    let error = archive(&[]).extract("/no/such/folder".as_ref()).unwrap_err();
    assert!(error.to_string().contains("cannot extract below `/no/such/folder`"), "{error}");
}
