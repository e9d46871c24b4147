//! The swap from one release to another, which clients notice by the answers alone.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pinnace_agent::{Outcome, State};
use pinnace_test::until;

use crate::world::{World, client, get, is_live, landed, place, reason};

/// A connection that stays.
pub(crate) struct Kept(BufReader<TcpStream>);

impl Kept {
    pub(crate) fn to(place: &str) -> Self {
        Self(BufReader::new(TcpStream::connect(place).unwrap()))
    }

    pub(crate) fn get(&mut self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        while line != "\r\n" {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection was closed");
            if status.is_empty() {
                status.clone_from(&line);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        assert!(status.contains(" 200 "), "{status}");
        String::from_utf8(body).unwrap()
    }
}

#[test]
fn connections_that_stay_reach_the_new_release() {
    let world = World::new();
    let agent = world.agent(world.options());
    let first = world.version("one").deploy("shop", &agent);
    assert!(is_live(&first), "{first:?}");
    let place = place(first.address.as_ref());
    let mut kept = Kept::to(&place);
    assert_eq!(kept.get("/a?b=c"), "one /a?b=c");
    let second = world.version("two").deploy("shop", &agent);
    assert_eq!(second.address, first.address);
    assert_eq!(kept.get("/"), "two /");
    agent.stop();
}

#[test]
fn no_request_fails_through_swaps() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("0").deploy("shop", &agent).address.as_ref());
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (stop, done, place) = (Arc::clone(&stop), Arc::clone(&done), place.clone());
            thread::spawn(move || {
                let mut kept = Kept::to(&place);
                while !stop.load(Ordering::Relaxed) {
                    // One of them begins anew each time.
                    if number == 0 {
                        kept = Kept::to(&place);
                    }
                    kept.get("/");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for version in 1..=4 {
        assert!(is_live(&world.version(&version.to_string()).deploy("shop", &agent)));
    }
    stop.store(true, Ordering::Relaxed);
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(done.load(Ordering::Relaxed) > 100);
    agent.stop();
}

#[test]
fn a_request_that_has_begun_is_answered_by_who_got_it() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("old").deploy("shop", &agent).address.as_ref());
    let old = get(&place, "/pid");
    let slow = {
        let place = place.clone();
        thread::spawn(move || get(&place, "/slow"))
    };
    thread::sleep(Duration::from_millis(150));
    assert!(is_live(&world.version("new").deploy("shop", &agent)));
    assert_eq!(get(&place, "/"), "new /");
    assert_eq!(slow.join().unwrap(), "old /slow");
    until("the old process ends", || !std::path::Path::new(&format!("/proc/{old}")).exists());
    agent.stop();
}

#[test]
fn what_fails_changes_nothing_and_is_told() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("good").deploy("shop", &agent).address.as_ref());
    let broken = world.project("print('so far')\nimport nowhere\n").deploy("shop", &agent);
    assert!(reason(&broken).contains("`web 2` ended with exit code 1"), "{broken:?}");
    let log = broken.attempt.unwrap().log.join("\n");
    assert!(log.contains("so far") && log.contains("No module named 'nowhere'"), "{log}");
    assert_eq!((broken.generation, get(&place, "/").as_str()), (Some(1), "good /"));

    let mut lacking = world.version("lacking");
    lacking.inputs.environment.insert("SECRET".to_owned());
    let lacking = lacking.deploy("shop", &agent);
    assert!(reason(&lacking).ends_with("does not have for `shop`: SECRET"), "{lacking:?}");
    let mut wordless = world.version("wordless");
    wordless.web().argv = vec!["no-such-program".to_owned()];
    let wordless = wordless.deploy("shop", &agent);
    assert!(reason(&wordless).contains("`no-such-program`: "), "{wordless:?}");

    // What failed is not tried again by itself, and what comes after it is.
    assert_eq!(get(&place, "/"), "good /");
    assert!(is_live(&world.version("better").deploy("shop", &agent)));
    assert_eq!(get(&place, "/"), "better /");
    let status = agent.status();
    let outcomes: Vec<bool> =
        status.services[0].attempts.iter().map(|one| one.outcome == Outcome::Live).collect();
    assert_eq!(outcomes, [true, false, false, false, true]);
    let live = world.store.latest(&"live/shop/agent".parse().unwrap()).unwrap();
    assert!(live.is_some());
    agent.stop();
}

#[test]
fn variables_are_those_that_are_named() {
    let world = World::new();
    pinnace_test::write(
        &world.folder.path().join("agent/env/shop.env"),
        "KEY=of the shop\nOTHER=x\n",
    );
    let agent = world.agent(world.options());
    let mut project = world.version("1");
    project.inputs.environment.insert("KEY".to_owned());
    let place = place(project.deploy("shop", &agent).address.as_ref());
    assert_eq!(get(&place, "/env/KEY"), "of the shop");
    for name in ["OTHER", "CARGO_MANIFEST_DIR", "USER"] {
        assert_eq!(get(&place, &format!("/env/{name}")), "(none)", "{name}");
    }
    assert_eq!(get(&place, "/env/PINNACE_SERVICE"), "shop");
    agent.stop();
}

#[test]
fn what_dies_is_started_again_and_asked_only_then() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    let (status, _) =
        pinnace_test::ask(&place, "POST /die HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n");
    assert_eq!(status, 200);
    let before = get(&place, "/pid");
    std::process::Command::new("kill").args(["-9", &before]).status().unwrap();
    until("it is noticed", || agent.status().services[0].state != State::Live);
    // Requests wait meanwhile.
    assert_eq!(get(&place, "/"), "1 /");
    assert_ne!(get(&place, "/pid"), before);
    agent.stop();
}

#[test]
fn a_restart_brings_new_processes_of_the_same() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    let before = get(&place, "/pid");
    let answered = client(&agent).restart("shop").unwrap();
    assert!(is_live(&answered) && answered.generation == Some(1), "{answered:?}");
    assert_ne!(get(&place, "/pid"), before);
    assert!(
        client(&agent).restart("other").unwrap_err().to_string().contains("no service `other`")
    );
    agent.stop();
}

#[test]
fn what_nobody_tells_of_is_found() {
    let world = World::new();
    let agent = world.agent(world.options());
    world.version("1").publish("shop");
    until("it is found", || agent.status().services.iter().any(|one| one.state == State::Live));
    let place = place(agent.status().services[0].address.as_ref());
    world.version("2").publish("shop");
    until("the next one is found", || get(&place, "/") == "2 /");
    agent.stop();
}

#[test]
fn something_newer_ends_what_is_still_being_tried() {
    let world = World::new();
    let agent = world.agent(world.options());
    let slow = world.project("import time\ntime.sleep(60)\n").publish("shop");
    let asking = {
        let client = client(&agent);
        thread::spawn(move || landed(&client, "shop", slow))
    };
    until("it is tried", || {
        agent.status().services.first().is_some_and(|one| !one.attempts.is_empty())
    });
    assert!(is_live(&world.version("2").deploy("shop", &agent)));
    assert_eq!(asking.join().unwrap().attempt.unwrap().outcome, Outcome::Superseded);
    agent.stop();
}

#[test]
fn ready_may_be_a_line_or_an_answer_and_metadata_is_asked_once() {
    let world = World::new();
    let agent = world.agent(world.options());
    let mut project = world.version("1");
    project.web().ready = "log:^listening$".parse().unwrap();
    project.inputs.metadata = Some("meta:describe".parse().unwrap());
    let refused = project.deploy("shop", &agent);
    assert!(reason(&refused).contains("No module named 'meta'"), "{refused:?}");

    let code = "VERSION = '2'\nprint('noise')\ndef describe():\n    return {'tables': 3}\n";
    let code = format!(
        "{code}if __name__ == '__main__':\n{}",
        crate::world::SERVER.replace('\n', "\n    ")
    );
    let mut project = world.project(&code);
    project.web().ready = "http:/health".parse().unwrap();
    project.inputs.metadata = Some("app:describe".parse().unwrap());
    assert!(is_live(&project.deploy("shop", &agent)));
    let metadata = client(&agent).metadata("shop").unwrap();
    assert_eq!(metadata, serde_json::json!({ "generation": 2, "value": { "tables": 3 } }));
    agent.stop();
}

#[test]
fn bytecode_is_brought_along_where_the_text_is_the_same() {
    let world = World::new();
    let agent = world.agent(world.options());
    let helper = world.folder.path().join("project/helper.py");
    let same = world.folder.path().join("project/same.py");
    pinnace_test::write(&same, "X = 1\n");
    let code = format!("import same\nfrom helper import VERSION\n{}", crate::world::SERVER);
    let mut dates = Vec::new();
    for version in ["one", "two"] {
        pinnace_test::write(&helper, format!("VERSION = {version:?}\n"));
        let answered = world.project(&code).deploy("shop", &agent);
        assert_eq!(get(&place(answered.address.as_ref()), "/"), format!("{version} /"));
        let release = answered.attempt.unwrap().release;
        let release = release.strip_prefix("sha256:").unwrap();
        let folder = world.folder.path().join("cache/environments/1").join(release);
        let folder = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
        let date = |name: &str| {
            let file = std::fs::metadata(folder.join("code").join(name)).unwrap();
            file.modified().unwrap()
        };
        dates.push((date("same.py"), date("helper.py")));
        assert_eq!(std::fs::read_dir(folder.join("code/__pycache__")).unwrap().count(), 2);
    }
    assert_eq!(dates[0].0, dates[1].0, "the interpreter would not believe it");
    assert_ne!(dates[0].1, dates[1].1);
    agent.stop();
}

#[test]
fn a_worker_that_dies_is_started_again_alone() {
    let world = World::new();
    let agent = world.agent(world.options());
    let mut project = world.version("1");
    let mut worker = project.web().clone();
    worker.argv = ["python", "-c", "import time; time.sleep(600)"].map(str::to_owned).into();
    project.inputs.processes.insert("worker".to_owned(), worker);
    let place = place(project.deploy("shop", &agent).address.as_ref());
    let web = get(&place, "/pid");
    let id = |agent: &pinnace_agent::Agent| {
        let processes = agent.status().services[0].processes.clone();
        processes.into_iter().find(|one| one.name == "worker 1").map(|one| one.id)
    };
    let before = id(&agent).unwrap();
    std::process::Command::new("kill").args(["-9", &before.to_string()]).status().unwrap();
    until("there is another one", || id(&agent).is_some_and(|id| id != before));
    assert_eq!(get(&place, "/pid"), web);
    agent.stop();
}

#[test]
fn what_dies_while_the_next_one_starts_keeps_nobody_from_it() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    let old = get(&place, "/pid");
    let code = format!("import time\ntime.sleep(1.5)\nVERSION = '2'\n{}", crate::world::SERVER);
    let slow = world.project(&code).publish("shop");
    until("it is tried", || agent.status().services[0].attempts[0].generation == slow);
    std::process::Command::new("kill").args(["-9", &old]).status().unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(get(&place, "/"), "2 /");
    agent.stop();
}

#[test]
fn environments_of_old_releases_are_removed() {
    let world = World::new();
    let agent = world.agent(world.options());
    for version in 1..=8 {
        assert!(is_live(&world.version(&version.to_string()).deploy("shop", &agent)));
    }
    let environments = world.folder.path().join("cache/environments/1");
    let left = || std::fs::read_dir(&environments).unwrap().count();
    // That before the last one may still have had its process.
    until("the oldest are gone", || left() <= 6);
    assert!(left() >= 5);
    agent.stop();
}
