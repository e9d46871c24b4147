use std::fs;

use pinnace_test::write;
use serde_json::Value;

use crate::world::World;

#[test]
fn what_is_put_is_there_and_can_be_had_by_its_first_digits() {
    let world = World::new();
    write(&world.path("hello.txt"), "hello");
    let ran = world.ok(&["store", "put", "hello.txt", "--store", "s"]);
    let digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(ran.out, format!("{digest}  hello.txt\n"));
    for name in [digest, &digest[7..], "2cf24d", "sha256:2CF2"] {
        world.ok(&["store", "get", name, "-o", "back.txt", "--store", "s"]);
        assert_eq!(fs::read(world.path("back.txt")).unwrap(), b"hello");
    }
    assert_eq!(world.ok(&["store", "get", "2cf24d", "-o", "-", "--store", "s"]).out, "hello");
    world.fails(&["store", "get", "ffff", "-o", "x", "--store", "s"], 1, &["begins with `ffff`"]);
    assert!(!world.path("x").exists());
    let json: Value =
        serde_json::from_str(&world.ok(&["store", "stat", "--store", "s", "--json"]).out).unwrap();
    assert_eq!(
        (json["blobs"]["objects"].as_u64(), json["blobs"]["bytes"].as_u64()),
        (Some(1), Some(5))
    );
    assert!(world.ok(&["store", "ls", "blobs", "--store", "s"]).out.starts_with(digest));
}

#[test]
fn the_store_is_named_by_a_variable_too() {
    let world = World::new();
    write(&world.path("a"), "a");
    world.fails(&["store", "put", "a"], 2, &["no store given", "PINNACE_STORE"]);
    let url = format!("file://{}", world.path("s").display());
    let done = world.command(&["store", "put", "a"]).env("PINNACE_STORE", url).output().unwrap();
    assert!(done.status.success());
    assert!(world.path("s/blobs").is_dir());
    world.fails(&["store", "stat", "--store", "ftp://x"], 2, &["not a store"]);
    world.fails(&["store", "put", "gone", "--store", "s"], 1, &["cannot read `gone`"]);
}

/// Checks that a mistyped name is an error, and creates no store.
#[test]
fn what_is_no_store_is_not_made_by_looking_at_it() {
    let world = World::new();
    for verb in [&["ls"][..], &["stat"], &["check"], &["gc"], &["get", "2cf24d", "-o", "x"]] {
        let arguments = [&["store"], verb, &["--store", "s"]].concat();
        world.fails(&arguments, 1, &["no store at `s`", "`pinnace store put`"]);
    }
    write(&world.path("a"), "content");
    world.ok(&["store", "put", "a", "--store", "other"]);
    world.fails(&["store", "check", "--store", "other", "--heal-from", "s"], 1, &["no store at"]);
    assert!(!world.path("s").exists());
}

#[test]
fn a_content_that_cannot_be_written_is_an_error() {
    let world = World::new();
    write(&world.path("a"), "no newline at its end");
    let put = world.ok(&["store", "put", "a", "--store", "s"]);
    let mut get = world.command(&["store", "get", &put.out[7..20], "-o", "-", "--store", "s"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = get.stdout(full).output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn damage_is_named_and_healed() {
    let world = World::new();
    write(&world.path("a"), "content");
    for store in ["s", "copy"] {
        world.ok(&["store", "put", "a", "--store", store]);
    }
    assert!(world.ok(&["store", "check", "--store", "s"]).out.contains("all intact"));
    let hex = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    let blob = world.path("s/blobs/ed").join(&hex[2..]);
    fs::remove_file(&blob).unwrap();
    write(&blob, b"c0ntent");
    let ran = world.fails(
        &["store", "check", "--store", "s", "--json"],
        1,
        &["damaged or missing objects", "--heal-from"],
    );
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&json["whole"], json["findings"].as_array().unwrap().len()),
        (&Value::Bool(false), 1)
    );
    world.fails(&["store", "get", hex, "-o", "x", "--store", "s"], 1, &["is damaged"]);
    let ran = world.ok(&["store", "check", "--store", "s", "--heal-from", "copy"]);
    assert!(ran.out.contains("(healed)"), "{}", ran.out);
    assert!(world.ok(&["store", "check", "--store", "s"]).out.contains("all intact"));
}

#[test]
fn what_nothing_refers_to_leaves_in_two_runs() {
    let world = World::new();
    write(&world.path("a"), "content");
    world.ok(&["store", "put", "a", "--store", "s"]);
    let gc = |grace: &str| world.ok(&["store", "gc", "--grace", grace, "--store", "s"]).out;
    assert!(gc("1h").contains("0 to be removed after the grace period, 1 too new"));
    assert!(gc("0s").contains("1 to be removed"));
    assert!(gc("0s").starts_with("1 object removed ("));
    world.fails(&["store", "gc", "--grace", "soon", "--store", "s"], 2, &["`90s`"]);
    world.fails(
        &["store", "ls", "wanted/shop", "--store", "s"],
        1,
        &["no such ref: `wanted/shop`"],
    );
    assert_eq!(world.ok(&["store", "ls", "--store", "s"]).out, "\n");
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let world = World::new();
    write(&world.path("s/format"), "pinnace-store 2\n");
    write(&world.path("a"), "a");
    world.fails(
        &["store", "put", "a", "--store", "s"],
        1,
        &["`pinnace-store 2`", "use a newer pinnace"],
    );
    assert_eq!(fs::read(world.path("s/format")).unwrap(), b"pinnace-store 2\n");
}
