//! `pinnace agent` and `pinnace up`, and the commands that connect to an agent.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
};

use pinnace_test::{ask, interrupt, until, write};
use serde_json::Value;

use crate::world::World;

const APP: &str = "import http.server, sys\nclass Handler(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        \
                   self.send_response(200)\n        self.end_headers()\n        self.wfile.write(VERSION.encode())\n    def log_message(self, *words): pass\n\
                   print('begins', flush=True)\n\
                   http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n";

/// A running agent.
struct Running {
    process: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        interrupt(&self.process);
        self.process.wait().unwrap();
    }
}

fn agent(world: &World) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let process = world
        .command(&["agent", "--store", "store", "--data", "agent", "--listen", &listen, "-q"])
        .spawn()
        .unwrap();
    until("it listens", || TcpStream::connect(&listen).is_ok());
    Running { process, url: format!("http://{listen}") }
}

fn version(world: &World, version: &str) {
    write(&world.path("shop/app.py"), format!("VERSION = {version:?}\n{APP}"));
    write(
        &world.path("shop/pinnace.toml"),
        "serve = ['python', 'app.py', '{port}']\nready = 'http:/'\n",
    );
}

fn get(address: &str) -> String {
    ask(address.trim_start_matches("http://"), "GET / HTTP/1.0\r\n").1
}

#[test]
fn a_project_is_deployed_to_an_agent_and_looked_after() {
    let world = World::new();
    let running = agent(&world);
    version(&world, "one");
    let json = |arguments: &[&str]| -> Value {
        let all = [arguments, &["--agent", &running.url, "--json"]].concat();
        serde_json::from_str(&world.ok(&all).out).unwrap()
    };
    let done = json(&["deploy", "shop"]);
    let address = done["address"].as_str().unwrap().to_owned();
    assert_eq!((&done["live"], &done["generation"]), (&true.into(), &1.into()));
    for step in
        ["scan", "resolve", "build", "upload", "fetch", "materialise", "start", "live", "total"]
    {
        assert!(done["timings_ms"][step].is_number(), "{step}: {done}");
    }
    assert_eq!(get(&address), "one");
    assert_eq!(json(&["deploy", "shop"])["changed"], false);

    version(&world, "two");
    let text = world.ok(&["deploy", "shop", "--agent", &running.url]).out;
    assert!(text.contains(&format!("live at {address}")) && text.contains("host warm: "), "{text}");
    assert_eq!(get(&address), "two");
    assert_eq!(json(&["rollback", "shop"])["live"], true);
    assert_eq!(get(&address), "one");
    let restarted = json(&["restart", "shop"]);
    assert_eq!((&restarted["live"], &restarted["generation"]), (&true.into(), &3.into()));
    let status = json(&["status", "shop"]);
    assert_eq!(status["services"][0]["state"], "live");
    assert!(
        world.ok(&["status", "--agent", &running.url]).out.starts_with("shop  live  generation 3")
    );
    let lines = json(&["logs", "shop", "-n", "2"])["lines"].clone();
    assert!(lines[0].as_str().unwrap().ends_with("web 3 | begins"), "{lines}");
    let stopped = json(&["stop", "shop"]);
    assert_eq!(stopped["generation"], 4);
    assert_eq!(json(&["status", "shop"])["services"][0]["state"], "down");
    assert_eq!(json(&["rollback", "shop"])["live"], true);
    assert_eq!(get(&address), "one");
    let releases = json(&["releases", "shop"]);
    assert_eq!(releases["releases"].as_array().unwrap().len(), 5);
    let release = done["release"].as_str().unwrap();
    assert_eq!(json(&["deploy", "shop", "--release", release, "--service", "other"])["live"], true);
}

#[test]
fn what_fails_is_told_and_tried_again_when_it_is_deployed_again() {
    let world = World::new();
    let running = agent(&world);
    version(&world, "one");
    let flag = ["--agent", running.url.as_str()];
    world.ok(&[&["deploy", "shop"], &flag[..]].concat());
    let settings = "serve = ['python', 'app.py', '{port}']\nenv = ['KEY']\n";
    write(&world.path("shop/pinnace.toml"), settings);
    let deploy = [&["deploy", "shop", "--json"], &flag[..]].concat();
    world.fails(&deploy, 1, &["lacks environment variables", "KEY"]);
    write(&world.path("agent/env/shop.env"), "KEY=secret-value\n");

    // A missing module shows only when the process starts.
    write(&world.path("shop/app.py"), "import os, nowhere\n");
    let words = [
        "generation 2 of `shop` is not live",
        "ended with exit code 1",
        "No module named 'nowhere'",
    ];
    let failed = world.fails(&deploy, 1, &words);
    assert!(failed.err.contains("generation 1 is still live"), "{}", failed.err);
    let failed: Value = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((&failed["live"], &failed["generation"]), (&false.into(), &2.into()));
    // A second deployment of the same release is a second attempt.
    world.fails(&deploy, 1, &["generation 3 of `shop` is not live"]);
    let back = world.ok(&["rollback", "shop", "--agent", &running.url, "--json"]);
    let back: Value = serde_json::from_str(&back.out).unwrap();
    assert_eq!(back["address"].as_str().map(get).as_deref(), Some("one"));
    let listed = world.ok(&["releases", "shop", "--agent", &running.url]).out;
    assert_eq!(listed.matches("failed on ").count(), 2, "{listed}");
    assert!(back["reason"].as_str().unwrap().contains("rollback to generation 1"), "{back}");
    let platform = [&deploy[..], &["--platform", "win_amd64-cp27"]].concat();
    world.fails(&platform, 1, &["does not run on the agent"]);
    world.fails(&["status", "none", "--agent", &running.url], 1, &["no service `none`"]);
    world.fails(&["status"], 2, &["no agent given", "PINNACE_AGENT"]);
    world.fails(&["status", "--agent", "http://127.0.0.1:1"], 1, &["cannot be reached"]);
    world.fails(&["status", "--agent", "127.0.0.1:1"], 2, &["`http://HOST:PORT`"]);
}

#[test]
fn a_project_goes_up_and_is_run_anew_when_it_is_saved() {
    let world = World::new();
    version(&world, "one");
    let log = fs::File::create(world.path("up.log")).unwrap();
    let mut up = world.command(&["up", "shop"]).stderr(log).stdout(Stdio::null()).spawn().unwrap();
    let said = || fs::read_to_string(world.path("up.log")).unwrap();
    until("it is up", || said().contains("waiting for changes"));
    let address =
        said().split("live at ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!(get(&address), "one");
    version(&world, "two");
    until("the change is seen", || said().contains("app.py changed"));
    until("the new code answers", || get(&address) == "two");
    // The output of the processes is printed, and a newer change ends a launch.
    assert!(said().contains("web 2 | begins"), "{}", said());
    write(&world.path("shop/app.py"), "import time\ntime.sleep(600)\n");
    until("it is being tried", || said().contains("waiting for `web 3`"));
    write(&world.path("shop/app.py"), "this is no Python\n");
    until("the error is told", || said().contains("SyntaxError"));
    assert_eq!(get(&address), "two");
    interrupt(&up);
    assert!(up.wait().unwrap().success());
    assert!(TcpStream::connect(address.trim_start_matches("http://")).is_err());
    // The service keeps its port.
    version(&world, "three");
    let log = fs::File::create(world.path("up.log")).unwrap();
    let mut up = world.command(&["up", "shop"]).stderr(log).stdout(Stdio::null()).spawn().unwrap();
    until("it is up again", || said().contains("waiting for changes"));
    assert_eq!(get(&address), "three");
    interrupt(&up);
    up.wait().unwrap();
    assert_eq!(world.files(), ["shop", "up.log"]);
}
