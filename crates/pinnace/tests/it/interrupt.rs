//! Ctrl-C leaves nothing behind.

use std::{
    io::Write,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{index::Trouble, world::World};

#[test]
fn ctrl_c_while_downloading_stops_at_once_and_leaves_nothing() {
    let world = World::new();
    world.index.set_trouble(Trouble::Slow);
    let mut child =
        world.command(&["build", "voice", "-o", "x.pex"]).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !world.index.requests().iter().any(|path| path.starts_with("/files/")) {
        assert!(Instant::now() < deadline, "no download ever started");
        thread::sleep(Duration::from_millis(10));
    }
    interrupt(&mut child);
    assert_eq!(world.files(), [""; 0]);
    let unfinished = std::fs::read_dir(world.path("cache/wheels/unfinished")).unwrap();
    assert_eq!(unfinished.count(), 0);
    world.index.set_trouble(Trouble::None);
    world.ok(&["build", "voice", "-o", "x.pex"]);
}

#[test]
fn ctrl_c_while_waiting_for_input_leaves_nothing() {
    let world = World::new();
    let mut put = world.command(&["store", "put", "-", "--store", "s"]);
    let mut child = put.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // `wait` would close stdin of the child, and the end of input would race with the signal.
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"the beginning").unwrap();
    let unfinished = world.path("s/unfinished");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !unfinished.read_dir().is_ok_and(|files| files.count() == 1) {
        assert!(Instant::now() < deadline, "it never began");
        thread::sleep(Duration::from_millis(10));
    }
    interrupt(&mut child);
    assert_eq!(unfinished.read_dir().unwrap().count(), 0);
    world.ok(&["store", "check", "--store", "s"]);
}

/// Checks an interrupt during a request to a server that never answers.
#[test]
fn ctrl_c_while_waiting_for_a_server_ends_it() {
    let world = World::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut check = world.command(&["store", "check", "--store", "s3://bucket/folder"]);
    let mut child = check
        .envs([("AWS_ENDPOINT_URL", address.as_str()), ("AWS_REGION", "x")])
        .envs([("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _asked = listener.accept().unwrap();
    interrupt(&mut child);
}

/// Sends SIGINT, and checks that the process exits at once.
fn interrupt(child: &mut Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let interrupted = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(5), "it took {:?}", interrupted.elapsed());
}
