//! Tests of locks: creating, writing, reading and using them.

use std::path::Path;

use pinnace_wheel::{
    FolderKind, Lock, MemorySource, Metadata, Outcome, Pin, Request, Resolution, Target, UvLock,
    resolve,
};

fn source() -> MemorySource {
    let mut source = MemorySource::new();
    let mut add = |name: &str, requires: &[&str]| {
        let file = source.add(&format!("{name}.whl"), requires).unwrap();
        file.sha256 = Some([name.len() as u8; 32]);
        (file.size, file.uploaded_at) = (Some(10), Some(1_711_238_400));
    };
    add("app-1-py3-none-any", &["native", "posix; os_name == 'posix'"]);
    add("native-2-cp312-cp312-manylinux_2_17_x86_64", &[]);
    add("native-2-cp312-cp312-win_amd64", &[]);
    add("native-1-cp312-cp312-macosx_11_0_arm64", &[]);
    add("native-1-cp312-cp312-musllinux_1_2_x86_64", &[]);
    add("posix-1-py3-none-any", &[]);
    source
}

fn pins(target: &Target) -> Vec<Pin> {
    resolution(target).pins().to_vec()
}

fn resolution(target: &Target) -> Resolution {
    let request = Request::new(["app".parse().unwrap()]);
    match resolve(&source(), &request, target).unwrap() {
        Outcome::Solved(resolution) => resolution,
        Outcome::Unsolvable(why) => panic!("{why}"),
    }
}

fn targets(texts: &[&str]) -> Vec<Target> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn lock(targets: &[Target]) -> Result<Lock, pinnace_wheel::Error> {
    let solved: Vec<_> = targets.iter().map(resolution).collect();
    Lock::new(targets.iter().zip(&solved))
}

fn names(pins: &[Pin]) -> Vec<&str> {
    pins.iter().map(|pin| pin.file().artifact.file_name()).collect()
}

#[test]
fn one_lock_is_for_several_platforms() {
    let targets = targets(&["linux_x86_64-cp312", "win_amd64-cp312", "macosx_14_0_arm64-cp312"]);
    let lock = lock(&targets).unwrap();
    let text = lock.to_toml(Path::new("/p"));
    let again = Lock::parse(&text, Path::new("/p")).unwrap();
    assert_eq!(again, lock);
    for target in &targets {
        let selection = again.select(target, &[], &[]).unwrap();
        assert_eq!(names(&selection.pins), names(&pins(target)), "{target}");
    }
    assert_eq!(text, again.to_toml(Path::new("/p")));
    let other: Target = "linux_aarch64-cp312".parse().unwrap();
    assert!(again.select(&other, &[], &[]).unwrap_err().to_string().contains("it is not for"));
}

#[test]
fn the_order_of_platforms_changes_no_choice() {
    let [a, b] = ["linux_x86_64-cp312", "win_amd64-cp312"];
    let [forward, back] = [&[a, b], &[b, a]].map(|texts| lock(&targets(texts)).unwrap());
    for text in [a, b] {
        let target = text.parse().unwrap();
        let chosen = |lock: &Lock| lock.select(&target, &[], &[]).unwrap().pins;
        assert_eq!(names(&chosen(&forward)), names(&chosen(&back)));
    }
}

#[test]
fn platforms_that_no_marker_tells_apart_must_agree() {
    let error = lock(&targets(&["linux_x86_64-cp312", "musllinux_1_2_x86_64-cp312"])).unwrap_err();
    assert!(error.to_string().contains("have the same markers but differ in native"), "{error}");
    let agree = lock(&targets(&["linux_x86_64-cp312", "manylinux_2_39_x86_64-cp312"])).unwrap();
    assert_eq!(agree.versions().count(), 3);
}

#[test]
fn a_lock_without_hashes_is_none() {
    let mut source = MemorySource::new();
    source.add("app-1-py3-none-any.whl", &[]).unwrap();
    let target = super::target();
    let request = Request::new(["app".parse().unwrap()]);
    let Outcome::Solved(resolution) = resolve(&source, &request, &target).unwrap() else {
        panic!()
    };
    let error = Lock::new([(&target, &resolution)]).unwrap_err();
    assert!(error.to_string().contains("unknown SHA-256 of `app-1-py3-none-any.whl`"), "{error}");
    let hex = "0".repeat(64);
    for (text, reason) in [
        ("lock-version = '2.0'\npackages = []".to_owned(), "lock version 2.0"),
        ("packages = []".to_owned(), "lock-version"),
        ("lock-version = '1.0'\n[[packages]]\nname = 'a'\n".to_owned(), "must have either"),
        ("lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{ url = 'https://h.example/a-1-py3-none-any.whl', hashes = { md5 = '0' } }]".to_owned(), "no `sha256`"),
        (format!("lock-version = '1.0'\n[[packages]]\nname = 'a'\nwheels = [{{ url = 'ftp://h/a-1-py3-none-any.whl', hashes = {{ sha256 = '{hex}' }} }}]"), "expected"),
    ] {
        let error = Lock::parse(&text, Path::new("/p")).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn code_that_is_here_is_in_the_lock_by_its_path() {
    let target = super::target();
    let metadata = Metadata::new("here".parse().unwrap(), "1".parse().unwrap());
    let request = Request::new(["here".parse().unwrap()]).with_local(metadata, "/p/code/here");
    let Outcome::Solved(resolution) = resolve(&source(), &request, &target).unwrap() else {
        panic!()
    };
    let lock = Lock::new([(&target, &resolution)]).unwrap();
    let lock = lock.loosened(["other".parse().unwrap()]);
    let text = lock.to_toml(Path::new("/p/locks"));
    assert!(text.contains("directory = { path = \"../code/here\", editable = true }"), "{text}");
    let again = Lock::parse(&text, Path::new("/p/locks")).unwrap();
    assert_eq!(again, lock);
    let selection = again.select(&target, &[], &[]).unwrap();
    assert_eq!(selection.folders[0].path, Path::new("/p/code/here"));
    assert_eq!(selection.loosened.len(), 1);
}

#[test]
fn two_entries_that_apply_are_refused() {
    let hex = "0".repeat(64);
    let entry = |version: &str| {
        format!(
            "[[packages]]\nname = 'a'\nversion = '{version}'\nwheels = [{{ url = 'https://h.example/a-{version}-py3-none-any.whl', hashes = {{ sha256 = '{hex}' }} }}]\n"
        )
    };
    let text = format!("lock-version = '1.0'\ncreated-by = 'x'\n{}{}", entry("1"), entry("2"));
    let lock = Lock::parse(&text, Path::new("/p")).unwrap();
    let error = lock.select(&super::target(), &[], &[]).unwrap_err().to_string();
    assert!(error.contains("two entries of `a` apply"), "{error}");
}

#[test]
fn the_export_has_hashes_and_markers() {
    let lock = lock(&targets(&["linux_x86_64-cp312", "win_amd64-cp312"])).unwrap();
    let text = lock.to_requirements();
    assert!(text.contains("posix==1 ; sys_platform == \"linux\" and"), "{text}");
    assert!(text.contains("app==1 \\\n    --hash=sha256:"), "{text}");
}

const UV: &str = r#"
version = 1
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1"
source = { editable = "." }
dependencies = [
    { name = "lib" },
    { name = "six", marker = "sys_platform == 'win32'" },
    { name = "two", version = "2", source = { registry = "https://h.example/simple" }, marker = "python_full_version >= '3.11'" },
    { name = "two", version = "1", source = { registry = "https://h.example/simple" }, marker = "python_full_version < '3.11'" },
]
[package.optional-dependencies]
fast = [{ name = "extra" }]
[package.dev-dependencies]
dev = [{ name = "tool", extra = ["x"] }]

[[package]]
name = "lib"
version = "0.1"
source = { virtual = "lib" }

[[package]]
name = "other-member"
version = "0.1"
source = { virtual = "other" }
dependencies = [{ name = "git" }]

[[package]]
name = "git"
version = "1"
source = { git = "https://h.example/git.git#0" }
"#;

fn uv_lock() -> UvLock {
    let hex = "0".repeat(64);
    let mut text = UV.to_owned();
    for (name, version) in
        [("six", "1"), ("two", "1"), ("two", "2"), ("extra", "1"), ("tool", "1"), ("more", "1")]
    {
        let optional = if name == "tool" {
            "[package.optional-dependencies]\nx = [{ name = \"more\" }]\n"
        } else {
            ""
        };
        text.push_str(&format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = {{ registry = \"https://h.example/simple\" }}\nwheels = [{{ url = \"https://h.example/{name}-{version}-py3-none-any.whl\", hash = \"sha256:{hex}\", size = 1 }}]\n{optional}"));
    }
    UvLock::parse(&text, Path::new("/p")).unwrap()
}

#[test]
fn a_lock_for_another_python_or_with_other_files_is_refused() {
    let hex = "0".repeat(64);
    let wheel = format!(
        "{{ url = 'https://h.example/a-1-py3-none-any.whl', hashes = {{ sha256 = '{hex}' }} }}"
    );
    let lock = |head: &str, entry: &str| {
        let text = format!(
            "lock-version = '1.0'\n{head}\n[[packages]]\nname = 'a'\n{entry}\nwheels = [{wheel}]\n"
        );
        let lock = Lock::parse(&text, Path::new("/p"))?;
        lock.select(&super::target(), &[], &[]).map(|selection| selection.pins.len())
    };
    assert_eq!(lock("", "").unwrap(), 1);
    for (head, entry, reason) in [
        ("requires-python = '>=3.12'", "", "it requires Python >=3.12"),
        ("requires-python = 'banana'", "", "is not a version specifier"),
        ("", "requires-python = '<3'", "requires Python <3"),
        ("", "version = '2'", "has another version"),
    ] {
        let error = lock(head, entry).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn groups_of_a_lock_are_its_defaults_unless_they_are_named() {
    let hex = "0".repeat(64);
    let text = format!(
        "lock-version = '1.0'\nextras = ['x']\ndependency-groups = ['dev', 'doc']\ndefault-groups = ['dev']\n[[packages]]\nname = 'a'\nmarker = \"'dev' in dependency_groups\"\nwheels = [{{ url = 'https://h.example/a-1-py3-none-any.whl', hashes = {{ sha256 = '{hex}' }} }}]\n"
    );
    let lock = Lock::parse(&text, Path::new("/p")).unwrap();
    let select = |extras: &[&str], groups: &[&str]| {
        let extras: Vec<_> = extras.iter().map(|name| name.parse().unwrap()).collect();
        let groups: Vec<_> = groups.iter().map(|name| name.parse().unwrap()).collect();
        lock.select(&super::target(), &extras, &groups).map(|selection| selection.pins.len())
    };
    assert_eq!(select(&[], &[]).unwrap(), 1);
    assert_eq!(select(&["x"], &["doc"]).unwrap(), 0);
    assert!(select(&["tpyo"], &[]).is_err() && select(&[], &["tpyo"]).is_err());
    assert_eq!(Lock::parse(&lock.to_toml(Path::new("/p")), Path::new("/p")).unwrap(), lock);
}

#[test]
fn of_a_uv_lock_the_part_is_taken_that_a_member_reaches() {
    let lock = uv_lock();
    assert_eq!(lock.members().collect::<Vec<_>>(), ["app", "lib", "other-member"]);
    let app = "app".parse().unwrap();
    let select = |extras: &[&str], groups: &[&str]| {
        let extras: Vec<_> = extras.iter().map(|name| name.parse().unwrap()).collect();
        let groups: Vec<_> = groups.iter().map(|name| name.parse().unwrap()).collect();
        lock.select(&app, &super::target(), &extras, &groups)
    };
    let plain = select(&[], &[]).unwrap();
    assert_eq!(names(&plain.pins), ["two-2-py3-none-any.whl"]);
    let folders: Vec<_> =
        plain.folders.iter().map(|one| (one.path.to_str().unwrap(), one.kind)).collect();
    assert_eq!(folders, [("/p", FolderKind::Package), ("/p/lib", FolderKind::Virtual)]);
    let all = select(&["fast"], &["dev"]).unwrap();
    assert_eq!(
        names(&all.pins),
        ["extra", "more", "tool", "two"]
            .map(|name| format!("{name}-{}-py3-none-any.whl", if name == "two" { 2 } else { 1 }))
    );
    assert!(select(&[], &["nope"]).unwrap_err().to_string().contains("no dependency group"));
    let other = lock.select(&"other-member".parse().unwrap(), &super::target(), &[], &[]).unwrap();
    assert_eq!(other.repositories.len(), 1);
    assert!(lock.select(&"nope".parse().unwrap(), &super::target(), &[], &[]).is_err());
    assert!(select(&["tpyo"], &[]).unwrap_err().to_string().contains("no extra `tpyo`"));
    let old: Target = "linux_x86_64-cp310".parse().unwrap();
    let error = lock.select(&app, &old, &[], &[]).unwrap_err().to_string();
    assert!(error.contains("it requires Python >=3.11"), "{error}");
}
