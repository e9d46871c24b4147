//! Ctrl-C leaves nothing behind.

use std::{
    io::Write,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use pinnace_test::{Fault, interrupt, until};

use crate::world::World;

#[test]
fn ctrl_c_while_downloading_stops_at_once_and_leaves_nothing() {
    let world = World::new();
    world.index.set_fault(Fault::Slow);
    let mut child =
        world.command(&["build", "voice", "-o", "x.pex"]).stderr(Stdio::piped()).spawn().unwrap();
    until("a download starts", || {
        world.index.take_requests().iter().any(|path| path.starts_with("/files/"))
    });
    interrupt_now(&mut child);
    assert_eq!(world.files(), [""; 0]);
    let unfinished = std::fs::read_dir(world.path("cache/wheels/unfinished")).unwrap();
    assert_eq!(unfinished.count(), 0);
    world.index.set_fault(None);
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
    until("it begins", || unfinished.read_dir().is_ok_and(|files| files.count() == 1));
    interrupt_now(&mut child);
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
    interrupt_now(&mut child);
}

/// Sends SIGINT, and checks that the process exits at once.
fn interrupt_now(child: &mut Child) {
    interrupt(child);
    let interrupted = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(5), "it took {:?}", interrupted.elapsed());
}
