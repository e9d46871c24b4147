use std::{fs, os::unix::fs::symlink, path::Path};

use pinnace_build::{Error, ErrorKind, FileMode, Reason, Rules, Scan, ScanIndex};
use pinnace_test::{Folder, write};

fn scan(folder: &Path, include: &[&str], exclude: &[&str]) -> Result<Scan, Error> {
    let owned = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
    let rules = Rules::new(&owned(include), &owned(exclude)).unwrap();
    Scan::of(folder, &rules, &ScanIndex::default(), 2)
}

fn shipped(scan: &Scan) -> Vec<&str> {
    scan.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn include_overrides_ignore_files() {
    let project = Folder::with(&[
        (".git/HEAD", ""),
        (".gitignore", "*.log\n/data/\n!keep.log\n"),
        ("app.py", ""),
        ("a.log", ""),
        ("keep.log", ""),
        ("data/small.csv", ""),
        ("data/large.bin", ""),
        ("sub/.gitignore", "x.py\n"),
        ("sub/x.py", ""),
        ("sub/y.py", ""),
        ("x.py", ""),
        ("__pycache__/x.pyc", ""),
        (".env", "SECRET=1"),
        ("venv/pyvenv.cfg", ""),
    ]);
    let plain = scan(project.path(), &[], &[]).unwrap();
    assert_eq!(
        shipped(&plain),
        [".gitignore", "app.py", "keep.log", "sub/.gitignore", "sub/y.py", "x.py"]
    );
    let reason = |path: &str| {
        plain
            .left_out
            .iter()
            .find(|file| file.path == path)
            .map(|file| file.reason.clone())
            .unwrap()
    };
    assert_eq!(reason("data/").to_string(), "`/data/` in .gitignore");
    assert_eq!(reason("sub/x.py").to_string(), "`x.py` in sub/.gitignore");
    assert_eq!((reason(".env"), reason("venv/")), (Reason::Secret, Reason::OfTool));
    let chosen = scan(project.path(), &["data/*.csv", ".env"], &["x.py", ".gitignore"]).unwrap();
    assert_eq!(shipped(&chosen), ["app.py", "data/small.csv", "keep.log", "sub/y.py"]);
}

/// The ignore files of a repository apply to a project below its root.
#[test]
fn ignore_files_above_a_project_count() {
    let repository = Folder::with(&[
        (".git/HEAD", ""),
        (".gitignore", "*.tmp\n"),
        ("shop/a.tmp", ""),
        ("shop/b.py", ""),
    ]);
    assert_eq!(shipped(&scan(&repository.path().join("shop"), &[], &[]).unwrap()), ["b.py"]);
}

#[test]
fn unchanged_files_are_not_read_again() {
    let project = Folder::with(&[("a.py", "a"), ("b.py", "b")]);
    let first = scan(project.path(), &[], &[]).unwrap();
    assert_eq!(first.read, 2);
    let index = ScanIndex::parse(&first.index.to_bytes(u64::MAX));
    write(&project.path().join("b.py"), "c");
    let rules = Rules::new(&[], &[]).unwrap();
    let second = Scan::of(project.path(), &rules, &index, 2).unwrap();
    assert_eq!(second.read, 1);
    assert_eq!(second.files[0], first.files[0]);
    assert_ne!(second.files[1].digest, first.files[1].digest);
}

#[test]
fn links_are_followed_only_within_the_project() {
    let project = Folder::with(&[("real/a.py", "a"), ("outside", "")]);
    let root = project.path().join("real");
    symlink("a.py", root.join("b.py")).unwrap();
    assert_eq!(shipped(&scan(&root, &[], &[]).unwrap()), ["a.py", "b.py"]);
    for (target, reason) in
        [("../outside", "out of the project"), ("gone", "leads nowhere"), (".", "leads back")]
    {
        let link = root.join("link");
        symlink(target, &link).unwrap();
        let error = scan(&root, &[], &[]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unfit { path, .. } if path == "link"), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(shipped(&scan(&root, &[], &["link"]).unwrap()), ["a.py", "b.py"]);
        write(&root.join(".gitignore"), "/link\n");
        assert!(scan(&root, &[], &[]).is_ok(), "{target}");
        fs::remove_file(root.join(".gitignore")).unwrap();
        fs::remove_file(&link).unwrap();
    }
}

#[test]
fn modes_are_kept_and_special_files_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let project = Folder::with(&[("run.sh", "")]);
    fs::set_permissions(project.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(scan(project.path(), &[], &[]).unwrap().files[0].mode, FileMode::Executable);
    let _socket = std::os::unix::net::UnixListener::bind(project.path().join("socket")).unwrap();
    let error = scan(project.path(), &[], &[]).unwrap_err();
    assert!(error.to_string().contains("neither a file nor a folder"), "{error}");
}
