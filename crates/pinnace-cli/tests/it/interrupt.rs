//! Ctrl-C leaves nothing behind.

use std::{
    process::{Command, Stdio},
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
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let interrupted = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(interrupted.elapsed() < Duration::from_secs(5), "it took {:?}", interrupted.elapsed());
    assert_eq!(world.files(), [""; 0]);
    let unfinished = std::fs::read_dir(world.path("cache/wheels/unfinished")).unwrap();
    assert_eq!(unfinished.count(), 0);
    world.index.set_trouble(Trouble::None);
    world.ok(&["build", "voice", "-o", "x.pex"]);
}
