//! After an agent was killed, or a machine was.

use std::{
    io::Read,
    ops::Range,
    os::unix::process::CommandExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use pinnace_agent::{Agent, ErrorKind, Follow, State};
use pinnace_store::{Backend, Error, Key, Listed, MemoryBackend, Meta, Reading, Store, Upload};
use pinnace_test::until;

use crate::world::{World, client, get, is_live, place};

/// A store whose steps cannot be read at times; if it is `gone`, nothing of it can be reached.
#[derive(Clone, Debug, Default)]
struct Flaky {
    inner: MemoryBackend,
    is_away: Arc<AtomicBool>,
    gone: bool,
}

impl Flaky {
    fn reach(&self, key: &str) -> Result<&MemoryBackend, Error> {
        let is_step = self.is_away.load(Ordering::Relaxed) && key.starts_with("refs/");
        if !self.gone && !is_step {
            return Ok(&self.inner);
        }
        let (doing, key) = ("reach", key.to_owned());
        let source = "no network".into();
        Err(pinnace_store::ErrorKind::Backend { doing, key, source, is_retryable: true }.into())
    }
}

impl Backend for Flaky {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        self.reach(key.as_str())?.read(key, range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        self.reach("")?.write()
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.reach(key.as_str())?.head(key)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.reach("")?.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.reach(key.as_str())?.remove(key)
    }

    fn now(&self) -> Result<u64, Error> {
        self.reach("")?.now()
    }
}

fn exists(process: &str) -> bool {
    // An ended process stays a zombie until its parent reaps it.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn what_proved_itself_comes_back_without_a_store() {
    let world = World::new();
    let agent = world.agent(world.options());
    let address = world.version("1").deploy("shop", &agent).address;
    let place = place(address.as_ref());
    let before = get(&place, "/pid");
    agent.stop();
    assert!(!exists(&before));

    let mut parts = world.dependencies();
    parts.store = Store::unopened(Flaky { gone: true, ..Flaky::default() });
    let agent = Agent::start(parts, world.options()).unwrap();
    until("it is back", || agent.status().services[0].state == State::Live);
    assert_eq!(agent.status().services[0].address, address, "its port is the same");
    assert_eq!(get(&place, "/"), "1 /");
    agent.stop();
}

#[test]
fn a_generation_that_failed_is_not_tried_again_after_a_restart() {
    let world = World::new();
    let agent = world.agent(world.options());
    assert!(is_live(&world.version("1").deploy("shop", &agent)));
    let failed = world.project("raise SystemExit(1)").deploy("shop", &agent);
    assert!(!is_live(&failed));
    agent.stop();

    let agent = world.agent(world.options());
    until("it is back", || agent.status().services[0].state == State::Live);
    let place = place(agent.status().services[0].address.as_ref());
    assert_eq!(get(&place, "/"), "1 /");
    // Asking for it makes the agent look at the store; it knows the answer.
    assert!(!is_live(&crate::world::landed(&client(&agent), "shop", 2)));
    assert_eq!(agent.status().services[0].attempts.len(), 3);
    agent.stop();
}

#[test]
fn processes_that_were_left_behind_are_ended() {
    let world = World::new();
    let data = world.options().data;
    std::fs::create_dir_all(&data).unwrap();
    let mark = data.canonicalize().unwrap();
    let mut left = std::process::Command::new("sleep")
        .arg("600")
        .env("PINNACE_AGENT_DATA", mark)
        .spawn()
        .unwrap();
    let mut other = std::process::Command::new("sleep")
        .arg("600")
        .env("PINNACE_AGENT_DATA", "/elsewhere")
        .spawn()
        .unwrap();
    // A process has no variables yet at the moment at which it takes its program up.
    let environ = format!("/proc/{}/environ", left.id());
    until("it has variables", || std::fs::read(&environ).is_ok_and(|bytes| !bytes.is_empty()));
    let waiting = std::thread::spawn(move || left.wait().unwrap());
    let agent = world.agent(world.options());
    assert!(!waiting.join().unwrap().success());
    assert!(other.try_wait().unwrap().is_none(), "another agent's");
    other.kill().unwrap();
    other.wait().unwrap();
    agent.stop();
}

#[test]
fn two_agents_do_not_share_a_folder() {
    let world = World::new();
    let agent = world.agent(world.options());
    let error = Agent::start(world.dependencies(), world.options()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InUse { .. }), "{error}");
    agent.stop();
    world.agent(world.options()).stop();
}

#[test]
fn a_service_out_of_use_is_ended() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    let process = get(&place, "/pid");
    let name = "wanted/shop".parse().unwrap();
    let before = world.store.latest(&name).unwrap();
    world.store.publish(&name, before.as_ref(), Default::default()).unwrap();
    until("it is down", || agent.status().services[0].state == State::Down);
    until("its process is ended", || !exists(&process));
    assert_eq!(pinnace_test::ask(&place, "GET / HTTP/1.1\r\nHost: x\r\n").0, 503);
    agent.stop();
    let agent = world.agent(world.options());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(agent.status().services[0].state, State::Down);
    agent.stop();
}

#[test]
fn what_processes_say_is_told_with_who_said_it() {
    let world = World::new();
    let agent = world.agent(world.options());
    assert!(is_live(&world.version("1").deploy("shop", &agent)));
    let mut text = String::new();
    client(&agent).logs("shop", 10, Follow::No).unwrap().read_to_string(&mut text).unwrap();
    let first = "2027-01-15T08:00:00Z web 1 | listening\n2027-01-15T08:00:00Z pinnace | generation 1 is live, in ";
    assert!(text.starts_with(first), "{text}");
    let followed = client(&agent).logs("shop", 1, Follow::Yes).unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(followed));
    assert!(lines.next().unwrap().unwrap().contains("generation 1 is live"));
    assert!(is_live(&world.version("2").deploy("shop", &agent)));
    assert!(lines.next().unwrap().unwrap().ends_with("web 2 | listening"));
    agent.stop();
}

#[test]
fn what_was_published_while_nobody_was_there_is_taken_up() {
    let world = World::new();
    let agent = world.agent(world.options());
    let place = place(world.version("1").deploy("shop", &agent).address.as_ref());
    agent.stop();
    world.version("2").publish("shop");
    let agent = world.agent(world.options());
    until("the next one is live", || agent.status().services[0].generation == Some(2));
    assert_eq!(get(&place, "/"), "2 /");
    agent.stop();
}

#[test]
fn a_step_that_could_not_be_read_is_read_later() {
    let world = World::new();
    let flaky = Flaky { inner: world.backend.clone(), ..Flaky::default() };
    flaky.is_away.store(true, Ordering::Relaxed);
    let mut parts = world.dependencies();
    parts.store = Store::unopened(flaky.clone());
    world.version("1").publish("shop");
    let agent = Agent::start(parts, world.options()).unwrap();
    until("it is known", || !agent.status().services.is_empty());
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(agent.status().services[0].state, State::Down);
    flaky.is_away.store(false, Ordering::Relaxed);
    until("it is live", || agent.status().services[0].state == State::Live);
    agent.stop();
}

#[test]
fn what_is_published_during_a_restart_is_taken_up() {
    let world = World::new();
    let agent = world.agent(world.options());
    let code = format!("import time\ntime.sleep(1)\nVERSION = '1'\n{}", crate::world::SERVER);
    let place = place(world.project(&code).deploy("shop", &agent).address.as_ref());
    let asking = {
        let client = client(&agent);
        std::thread::spawn(move || client.restart("shop"))
    };
    std::thread::sleep(std::time::Duration::from_millis(300));
    world.version("2").publish("shop");
    until("the next one is live", || get(&place, "/") == "2 /");
    assert!(!is_live(&asking.join().unwrap().unwrap()));
    agent.stop();
}

#[test]
fn a_store_that_was_made_anew_counts_from_the_beginning() {
    let world = World::new();
    let agent = world.agent(world.options());
    for version in ["1", "2"] {
        assert!(is_live(&world.version(version).deploy("shop", &agent)));
    }
    agent.stop();
    let mut parts = world.dependencies();
    let anew = Store::open(MemoryBackend::new()).unwrap();
    parts.store = anew.clone();
    let agent = Agent::start(parts, world.options()).unwrap();
    let mut project = world.version("3");
    project.store = anew;
    let answered = project.deploy("shop", &agent);
    assert!(is_live(&answered) && answered.generation == Some(1), "{answered:?}");
    assert_eq!(get(&place(answered.address.as_ref()), "/"), "3 /");
    agent.stop();
}

#[test]
fn a_process_without_its_mark_and_one_without_its_group_are_ended() {
    let world = World::new();
    let agent = world.agent(world.options());
    // The first hides its variables, the second leaves the group.
    let code = "import os, subprocess, sys, time\n\
                away = subprocess.Popen(['sleep', '600'], start_new_session=True)\n\
                print('away', away.pid, flush=True)\n";
    let mut project = world.project(&format!("VERSION = '1'\n{code}{}", crate::world::SERVER));
    project.web().ready = "log:^away".parse().unwrap();
    assert!(is_live(&project.deploy("shop", &agent)));
    let mut text = String::new();
    client(&agent).logs("shop", 10, Follow::No).unwrap().read_to_string(&mut text).unwrap();
    let away = text.split("away ").nth(1).unwrap().lines().next().unwrap().to_owned();
    assert!(exists(&away));
    agent.stop();
    assert!(!exists(&away), "what left the group is ended with the agent");

    let data = world.options().data.join("services/shop/groups");
    let mut left = std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", left.id())).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
    pinnace_test::write(&data.join(left.id().to_string()), format!("{} {started}", boot.trim()));
    let waiting = std::thread::spawn(move || left.wait().unwrap());
    let agent = world.agent(world.options());
    assert!(!waiting.join().unwrap().success());
    agent.stop();
}
