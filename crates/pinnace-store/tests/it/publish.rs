use std::{fs, io::Write, os::unix::fs::PermissionsExt};

use pinnace_store::{Access, Durability, PendingFile};

#[test]
fn an_unfinished_file_leaves_the_old_one_and_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::File::create(&path).unwrap().write_all(b"old").unwrap();
    let mut file = PendingFile::create(&path, Access::ReadWrite, Durability::Durable).unwrap();
    file.write_all(b"new").unwrap();
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(crate::files(folder.path()), ["f"]);
}

#[test]
fn access_becomes_mode() {
    let folder = tempfile::tempdir().unwrap();
    for (access, expected) in
        [(Access::ReadOnly, 0o444), (Access::ReadWrite, 0o600), (Access::Executable, 0o700)]
    {
        let path = folder.path().join("f");
        PendingFile::create(&path, access, Durability::Volatile).unwrap().commit().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & expected & 0o700, expected & 0o700, "{access:?} gave {mode:o}");
        assert_eq!(mode & 0o222 == 0, access == Access::ReadOnly);
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/f");
    let error = PendingFile::create(&path, Access::ReadWrite, Durability::Volatile).unwrap_err();
    assert!(error.to_string().contains("/no`"), "{error}");
}

#[test]
fn the_name_may_be_bare() {
    // `-o out.pex` has no folder in it; publishing there must not fail on an empty parent.
    let file = PendingFile::create("bare-name".as_ref(), Access::ReadWrite, Durability::Durable);
    assert_eq!(file.unwrap().path(), std::path::Path::new("bare-name"));
}
