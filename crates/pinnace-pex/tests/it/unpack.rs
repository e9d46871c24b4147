//! The effect of a first start on the cache, and the inputs that it refuses.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, process::Stdio};

use pinnace_test::{Ran, tree, write, write_executable, zip};

use crate::fixture::Fixture;

#[test]
fn one_wheel_in_two_files_is_unpacked_once() {
    let lib: (&str, &[(&str, &str)]) = ("lib-1-py3-none-any.whl", &[("lib.py", "X = 1\n")]);
    let first = Fixture::new().wheel(lib.0, lib.1).code("a.py", "");
    let second = Fixture::new().wheel(lib.0, lib.1).code("b.py", "");
    for fixture in [&first, &second] {
        let run =
            fixture.command(&["-c", "import lib"]).env("PEX_ROOT", first.cache()).output().unwrap();
        assert!(run.status.success());
    }
    let count =
        |folder: &str| fs::read_dir(first.cache().join("pinnace/1").join(folder)).unwrap().count();
    assert_eq!((count("wheels"), count("env"), count("runtime")), (1, 2, 1));
    assert!(!tree(&first.cache()).iter().any(|name| name.contains("unfinished")));
}

#[test]
fn wheels_that_share_a_namespace_are_shown_together() {
    let fixture = Fixture::new()
        .wheel("a-1-py3-none-any.whl", &[("ns/a/__init__.py", ""), ("ns/deep/one.py", "")])
        .wheel("b-1-py3-none-any.whl", &[("ns/b.py", ""), ("ns/deep/two.py", "")])
        .wheel("c-1-py3-none-any.whl", &[("ns/c.py", "")]);
    let code = "import ns.a, ns.b, ns.c, ns.deep.one, ns.deep.two; import importlib.metadata as m; print(sorted(d.metadata['Name'] for d in m.distributions()))";
    assert_eq!(fixture.run(&["-c", code]).ok(), "['a', 'b', 'c']\n");
}

#[test]
fn pth_files_of_wheels_work() {
    let fixture = Fixture::new().wheel(
        "p-1-py3-none-any.whl",
        &[("p.pth", "import sys; sys.from_pth = 1\n"), ("p.py", "")],
    );
    assert_eq!(fixture.run(&["-c", "import sys; print(sys.from_pth)"]).ok(), "1\n");
}

#[test]
fn item_19_data_goes_where_its_scheme_says() {
    let fixture = Fixture::new().wheel(
        "d-1-py3-none-any.whl",
        &[
            ("d.py", ""),
            ("d-1.data/platlib/fast.py", "X = 2\n"),
            ("d-1.data/data/etc/d.conf", ""),
            ("d-1.data/data/code/d.conf", ""),
            ("d-1.data/headers/d.h", ""),
        ],
    );
    assert_eq!(fixture.run(&["-c", "import d, fast; print(fast.X)"]).ok(), "2\n");
    let files = tree(&fixture.cache());
    for file in ["/lib/fast.py", "/data/etc/d.conf", "/include/d/d.h"] {
        assert!(files.iter().any(|name| name.ends_with(file)), "{file} is not in {files:?}");
    }
}

#[test]
fn item_26_many_first_starts_at_once_all_succeed() {
    let fixture = Fixture::new()
        .wheel("a-1-py3-none-any.whl", &[("a.py", "")])
        .wheel("b-1-py3-none-any.whl", &[("b.py", "")]);
    fixture.write();
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = std::process::Command::new(fixture.folder.path().join("app.pex"));
            command.args(["-c", "import a, b; print('ok')"]).env("PEX_ROOT", fixture.cache());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        assert_eq!(Ran::of(child.wait_with_output().unwrap()).ok(), "ok\n");
    }
    assert!(!tree(&fixture.cache()).iter().any(|name| name.contains("unfinished")));
}

#[test]
fn a_first_start_that_is_killed_leaves_nothing_that_counts() {
    let fixture = Fixture::new().wheel("a-1-py3-none-any.whl", &[("a.py", "")]);
    let cache = fixture.cache().join("pinnace/1");
    // A killed start leaves unfinished folders beside the final ones.
    for folder in ["env/key/.unfinished-x/site", "wheels/.unfinished-y/lib"] {
        fs::create_dir_all(cache.join(folder)).unwrap();
    }
    assert_eq!(fixture.run(&["-c", "import a; print('ok')"]).ok(), "ok\n");
}

#[test]
fn item_27_a_folder_that_cannot_be_written_to_costs_speed_only() {
    let fixture = Fixture::new().wheel("a-1-py3-none-any.whl", &[("a.py", "")]);
    let run = fixture
        .command(&["-c", "import a; print('ok')"])
        .env("PEX_ROOT", "/dev/null/x")
        .env("TMPDIR", fixture.folder.path())
        .output()
        .unwrap();
    let ran = Ran::of(run);
    assert!(ran.err.starts_with("warning: cannot write to /dev/null/x"), "{}", ran.err);
    assert_eq!(ran.ok(), "ok\n");
    let left = fs::read_dir(fixture.folder.path()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("pex-root")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_damaged_file_is_refused() {
    let fixture = Fixture::new().wheel("a-1-py3-none-any.whl", &[("a.py", "VALUE = 12345\n")]);
    let (path, _) = fixture.write();
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|window| window == b"12345").unwrap();
    bytes[at] = b'9';
    write_executable(&path, &bytes);
    let run = std::process::Command::new(&path)
        .args(["-c", "import a"])
        .env("PEX_ROOT", fixture.cache())
        .output()
        .unwrap();
    let ran = Ran::of(run);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("a-1-py3-none-any.whl") && ran.err.contains("is damaged"),
        "{}",
        ran.err
    );
}

/// A wheel contradicts its own RECORD, while `PEX-INFO` has the right digest of the wheel.
#[test]
fn a_member_that_its_record_denies_is_refused() {
    let mut fixture = Fixture::new();
    let bytes = zip(&BTreeMap::from([
        ("a.py".to_owned(), b"evil".to_vec()),
        ("a-1.dist-info/RECORD".to_owned(), b"a.py,sha256=AAAA,4\n".to_vec()),
    ]));
    fixture.add_wheel("a-1-py3-none-any.whl", bytes);
    let ran = fixture.run(&["-c", "1"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("a.py is not what its RECORD says"), "{}", ran.err);
}

#[test]
fn a_wheel_for_another_python_is_named() {
    for name in
        ["a-1-cp36-cp36m-linux_x86_64.whl", "a-1-py3-none-win_amd64.whl", "a-1-cp399-abi3-any.whl"]
    {
        let ran = Fixture::new().wheel(name, &[("a.py", "")]).run(&["-c", "1"]);
        assert_eq!(ran.code, Some(1), "{name}");
        assert!(ran.err.contains(&format!("{name} does not fit cpython")), "{}", ran.err);
    }
}

#[test]
fn wheels_that_fit_this_python_are_accepted() {
    let tags = crate::fixture::target().tags();
    for tag in tags.iter().step_by(29) {
        let name = format!("a-1-{tag}.whl");
        assert_eq!(
            Fixture::new()
                .wheel(&name, &[("a.py", "")])
                .command(&["-c", "import a"])
                .status()
                .unwrap()
                .code(),
            Some(0),
            "{name}"
        );
    }
}

#[test]
fn executables_stay_executable() {
    let fixture = Fixture::new()
        .wheel("a-1-py3-none-any.whl", &[("a-1.data/scripts/tool", "#!/bin/sh\n"), ("a.py", "")]);
    fixture.run(&["-c", "1"]).ok();
    let files = tree(&fixture.cache());
    let tool =
        files.iter().find(|name| name.ends_with("/bin/tool") && name.contains("wheels/")).unwrap();
    let mode = fs::metadata(fixture.cache().join(tool)).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{mode:o}");
}

/// A start repairs the parts of a damaged cache that it needs.
#[test]
fn a_damaged_cache_heals() {
    let fixture = Fixture::new()
        .wheel("a-1-py3-none-any.whl", &[("a.py", "")])
        .wheel("b-1-py3-none-any.whl", &[("b.py", "")]);
    let start = || fixture.run(&["-c", "import a, b; print('ok')"]);
    let cache = fixture.cache().join("pinnace/1");
    let find = |end: &str| {
        let name = tree(&cache).into_iter().find(|name| name.ends_with(end)).unwrap();
        cache.join(name)
    };
    assert_eq!(start().ok(), "ok\n");
    for file in ["settings.marshal", "manifest.marshal", "whole", "boot/pinnace_boot.py"] {
        for damaged in [&b""[..], b"garbage", b"i\x01\x00\x00\x00"] {
            let path = find(file);
            let compiled = path.parent().unwrap().join("__pycache__");
            fs::remove_dir_all(compiled).unwrap_or_default();
            write(&path, damaged);
            assert_eq!(start().ok(), "ok\n", "{file}");
        }
        fs::remove_file(find(file)).unwrap();
        assert_eq!(start().ok(), "ok\n", "{file}");
    }
    fs::remove_file(find("bin/python")).unwrap();
    assert_eq!(start().ok(), "ok\n");
    fs::remove_dir_all(cache.join("wheels")).unwrap();
    assert_eq!(start().ok(), "ok\n");
    let wheel = fs::read_dir(cache.join("wheels")).unwrap().next().unwrap().unwrap().path();
    fs::remove_dir_all(wheel.join("lib")).unwrap();
    assert_eq!(start().ok(), "ok\n");
    for broken in ["", "syntax error", "x = 1"] {
        let runtime = tree(&cache).into_iter().find(|name| name.starts_with("runtime/")).unwrap();
        let runtime = cache.join(runtime);
        fs::remove_dir_all(runtime.parent().unwrap().join("__pycache__")).unwrap_or_default();
        fs::remove_dir_all(cache.join("env")).unwrap();
        write(&runtime, broken);
        assert_eq!(start().ok(), "ok\n", "{broken}");
    }
}
