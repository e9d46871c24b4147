//! Deterministic bytes, the key, and inputs that the builder refuses.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use pinnace_pex::{EntryPoint, ErrorKind, NoWheels, Pex, PexBuilder, ScriptTarget, find_script};
use pinnace_test::{Folder, write};
use pinnace_wheel::WheelName;

use crate::fixture::{Fixture, target};

fn bytes(builder: &PexBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &NoWheels, 1).unwrap();
    bytes
}

fn sources() -> Folder {
    let paths = ["pkg/__init__.py", "pkg/.hidden", "pkg/sub/x.py", "top.py"];
    Folder::with(&paths.map(|path| (path, "x = 1\n")))
}

fn built(folder: &Path) -> (Vec<u8>, [u8; 32]) {
    let mut builder = PexBuilder::new();
    builder.add_folder(folder).unwrap();
    let mut bytes = Vec::new();
    let written = builder.write(&mut bytes, &NoWheels, 1).unwrap();
    (bytes, written.key)
}

#[test]
fn item_15_two_copies_of_a_folder_give_the_same_bytes() {
    let (a, b) = (sources(), sources());
    write(&b.path().join("pkg/__pycache__/x.cpython-311.pyc"), "bytecode");
    write(&b.path().join("pkg/old.pyc"), "bytecode");
    fs::set_permissions(b.path().join("top.py"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(built(a.path()), built(b.path()));
}

/// Item 16. The key covers dot-files too, which the hash of the pex tool does not.
#[test]
fn item_16_every_change_of_a_file_changes_the_key() {
    let folder = sources();
    let (_, key) = built(folder.path());
    for path in ["pkg/__init__.py", "pkg/.hidden", "pkg/sub/x.py", "top.py"] {
        let path = folder.path().join(path);
        write(&path, "x = 2\n");
        assert_ne!(built(folder.path()).1, key, "{}", path.display());
        write(&path, "x = 1\n");
    }
    fs::set_permissions(folder.path().join("top.py"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_ne!(built(folder.path()).1, key);
    fs::set_permissions(folder.path().join("top.py"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(folder.path().join("top.py")).unwrap();
    write(&folder.path().join("tip.py"), "x = 1\n");
    assert_ne!(built(folder.path()).1, key);
}

#[test]
fn settings_change_the_key_and_the_shebang_does_not() {
    let key = |change: &dyn Fn(&mut PexBuilder)| {
        let mut builder = PexBuilder::new();
        builder.add_bytes("m.py", b"").unwrap();
        change(&mut builder);
        builder.write(std::io::sink(), &NoWheels, 1).unwrap().key
    };
    let base = key(&|_| ());
    assert_ne!(key(&|builder| builder.set_entry_point(EntryPoint::parse("m").unwrap())), base);
    assert_ne!(key(&|builder| builder.set_requirements(&["a".parse().unwrap()])), base);
    assert_eq!(key(&|builder| builder.set_shebang("#!/opt/python").unwrap()), base);
}

#[test]
fn the_order_of_adding_and_the_number_of_threads_do_not_matter() {
    let wheels: Vec<String> = (0..20).map(|n| format!("w{n}-1-py3-none-any.whl")).collect();
    let build = |order: &mut dyn Iterator<Item = &String>, threads| {
        let fixture =
            order.fold(Fixture::new(), |fixture, name| fixture.wheel(name, &[("m.py", name)]));
        let mut bytes = Vec::new();
        fixture.builder.write(&mut bytes, &fixture.wheels, threads).unwrap();
        bytes
    };
    let expected = build(&mut wheels.iter(), 1);
    assert_eq!(build(&mut wheels.iter().rev(), 3), expected);
    assert_eq!(build(&mut wheels.iter(), 64), expected);
}

#[test]
fn members_stand_in_byte_order_and_info_tells_what_they_are() {
    let fixture = Fixture::new()
        .wheel("lib-1-py3-none-any.whl", &[("lib.py", "")])
        .code("Zpkg/x.py", "")
        .entry("Zpkg.x");
    let (path, written) = fixture.write();
    let found = Pex::open(&path).unwrap();
    assert_eq!((found.shebang(), found.code().count()), ("/bin/sh", 1));
    assert_eq!(found.info().entry_point.as_deref(), Some("Zpkg.x"));
    assert!(found.info().deps_are_wheel_files);
    let sha256 = fixture.wheels.0.keys().next().unwrap();
    let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found.info().distributions["lib-1-py3-none-any.whl"], hex);
    // The cache keys of the pex tool have 40 digits and ours have 64, so they never collide.
    assert_eq!(found.info().pex_hash.len(), 64);
    assert_eq!(
        found.info().pex_hash,
        written.key.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    );
    for key in ["bootstrap_hash", "code_hash", "pex_hash", "distributions", "requirements"] {
        assert!(serde_json::to_value(found.info()).unwrap().get(key).is_some(), "{key}");
    }
}

#[test]
fn names_that_the_format_keeps_are_refused() {
    for path in
        ["__main__.py", "PEX-INFO", ".deps/x", ".bootstrap/x", "__pex__/__init__.py", "../x", "/x"]
    {
        assert!(PexBuilder::new().add_bytes(path, b"").is_err(), "{path}");
    }
    let mut builder = PexBuilder::new();
    builder.add_bytes("m.py", b"").unwrap();
    let error = builder.add_bytes("m.py", b"").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unfit { .. }), "{error}");
    assert!(bytes(&builder).len() > 100);
}

#[test]
fn links_are_followed_and_circles_found() {
    let folder = sources();
    std::os::unix::fs::symlink(folder.path().join("top.py"), folder.path().join("link.py"))
        .unwrap();
    let copy = sources();
    write(&copy.path().join("link.py"), "x = 1\n");
    assert_eq!(built(folder.path()), built(copy.path()));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("pkg/circle")).unwrap();
    assert!(PexBuilder::new().add_folder(folder.path()).is_err());
}

#[test]
fn a_missing_wheel_or_folder_is_named() {
    let mut builder = PexBuilder::new();
    let gone = "gone-1-py3-none-any.whl".parse::<WheelName>().unwrap();
    builder.add_platform(target(), [(&gone, [1; 32])]);
    let error = builder.write(std::io::sink(), &NoWheels, 1).unwrap_err();
    assert!(error.to_string().contains("gone-1-py3-none-any.whl"), "{error}");
    let error = builder.add_folder(Path::new("/nonexistent")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent"), "{error}");
}

#[test]
fn scripts_are_found_in_wheels() {
    let fixture = Fixture::new().wheel(
        "a-1-py3-none-any.whl",
        &[
            ("{info}/entry_points.txt", "[console_scripts]\nrun = a.b:main [x]\n[x]\nno = a:b\n"),
            ("a-1.data/scripts/tool", ""),
        ],
    );
    let wheel: WheelName = "a-1-py3-none-any.whl".parse().unwrap();
    let sha256 = *fixture.wheels.0.keys().next().unwrap();
    let find = |name| find_script(name, [(&wheel, sha256)].into_iter(), &fixture.wheels);
    assert_eq!(
        find("run").unwrap(),
        ScriptTarget::EntryPoint(EntryPoint::parse("a.b:main").unwrap())
    );
    assert_eq!(find("tool").unwrap(), ScriptTarget::File("tool".into()));
    let error = find("no").unwrap_err();
    assert_eq!(error.to_string(), "no script `no` in any distribution; available: run, tool");
}

#[test]
fn entry_points_are_parsed() {
    for good in ["m", "m.n", "m:f", "m.n:C.f", " m : f [x] ", "ä:ö"] {
        assert!(EntryPoint::parse(good).is_ok(), "{good}");
    }
    for bad in ["", ":", "m:", ":f", "m:f:g", "1m", "m..n", "m-n", "a b", "m:f()", "m/n"] {
        assert!(EntryPoint::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn what_is_no_pex_is_refused() {
    assert!(Pex::parse(b"#!/bin/sh\n".to_vec()).is_err());
    let empty = pinnace_archive::Writer::new(Vec::new()).finish().unwrap().0;
    let error = Pex::parse(empty).unwrap_err();
    assert_eq!(error.to_string(), "not a PEX file: it has no PEX-INFO");
}
