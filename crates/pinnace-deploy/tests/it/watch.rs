use std::sync::atomic::{AtomicUsize, Ordering};

use pinnace_deploy::Watcher;
use pinnace_test::Folder;

fn project() -> Folder {
    Folder::with(&[
        ("app.py", "1"),
        ("gone.py", ""),
        (".gitignore", "*.log\n"),
        ("pinnace.toml", "service = 'shop'\n"),
    ])
}

/// Returns the path that the watcher reports after an edit.
fn seen(folder: &Folder, edit: impl FnOnce()) -> Option<String> {
    let watcher = Watcher::new(folder.path());
    let before = watcher.snapshot();
    edit();
    let polls = AtomicUsize::new(0);
    watcher.wait(before, &|| polls.fetch_add(1, Ordering::Relaxed) > 2).1
}

#[test]
fn edits_of_files_that_ship_are_seen() {
    let folder = project();
    assert_eq!(seen(&folder, || folder.write("app.py", "22")).as_deref(), Some("app.py"));
    assert_eq!(seen(&folder, || folder.write("new.py", "")).as_deref(), Some("new.py"));
    let remove = || std::fs::remove_file(folder.join("gone.py")).unwrap();
    assert_eq!(seen(&folder, remove).as_deref(), Some("gone.py"));
    assert_eq!(seen(&folder, || folder.write(".env", "KEY=1")).as_deref(), Some(".env"));
}

#[test]
fn edits_that_do_not_ship_are_not_seen() {
    let folder = project();
    assert_eq!(seen(&folder, || folder.write("a.log", "x")), None);
    assert_eq!(seen(&folder, || folder.write("app.py", "1")), None);
}

#[test]
fn a_project_that_cannot_be_scanned_is_a_state_like_any_other() {
    let folder = project();
    let link = || std::os::unix::fs::symlink("/etc", folder.join("link")).unwrap();
    assert_eq!(seen(&folder, link).as_deref(), Some("the project"));
    assert_eq!(seen(&folder, || ()), None);
    let unlink = || std::fs::remove_file(folder.join("link")).unwrap();
    assert_eq!(seen(&folder, unlink).as_deref(), Some("the project"));
}

#[test]
fn a_snapshot_has_the_settings_of_its_time() {
    let folder = project();
    let watcher = Watcher::new(folder.path());
    let before = watcher.snapshot();
    folder.write("pinnace.toml", "service = 'other'\n");
    let (after, path) = watcher.wait(before, &|| false);
    assert_eq!(path.as_deref(), Some("pinnace.toml"));
    assert_eq!(after.settings().service.as_deref(), Some("other"));
}
