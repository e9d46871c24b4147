//! Measures an agent: from an edit to the first response, under load through swaps, as a proxy, and idle.
//!
//! ```text
//! cargo build --release --workspace
//! target/release/agent edit  [--project DIR] [--runs N]          an edit until the new code answers, and by hand
//! target/release/agent swaps [--project DIR] [--swaps N] [--rate N]   requests while one release follows another
//! target/release/agent proxy [--seconds N] [--connections N]     the same server alone, behind the agent, behind nginx
//! target/release/agent idle  [--services N]                      memory, and time at rest
//! target/release/agent serve PORT                                a server that answers at once
//! ```
//!
//! The project of `edit` and `swaps` is a copy of the example `quickstart`. Its index is the configured one.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use pinnace_benches::{Answers, Connection, Load};
use serde_json::Value;

/// The interval of requests while the new server is awaited. The old one answers meanwhile, which takes time from the new one.
const POLL: Duration = Duration::from_millis(5);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Arguments {
    project: PathBuf,
    runs: usize,
    swaps: usize,
    rate: f64,
    seconds: f64,
    connections: usize,
    services: usize,
}

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    if verb == "serve" {
        return serve(&words.next().ok_or("a port is expected")?);
    }
    let mut arguments = Arguments {
        project: "docs/examples/quickstart".into(),
        runs: 9,
        swaps: 20,
        rate: 200.0,
        seconds: 5.0,
        connections: 16,
        services: 10,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} has no value"))?;
        match word.as_str() {
            "--project" => arguments.project = value.into(),
            "--runs" => arguments.runs = value.parse()?,
            "--swaps" => arguments.swaps = value.parse()?,
            "--rate" => arguments.rate = value.parse()?,
            "--seconds" => arguments.seconds = value.parse()?,
            "--connections" => arguments.connections = value.parse()?,
            "--services" => arguments.services = value.parse()?,
            _ => return Err(format!("{word} is no option").into()),
        }
    }
    match verb.as_str() {
        "edit" => edit(&arguments),
        "swaps" => swaps(&arguments),
        "proxy" => proxy(&arguments),
        "idle" => idle(&arguments),
        _ => Err("one of edit, swaps, proxy, idle, serve is expected".into()),
    }
}

/// An agent with a store of its own, and the command beside it.
struct World {
    folder: tempfile::TempDir,
    agent: Child,
    url: String,
}

impl Drop for World {
    fn drop(&mut self) {
        let id = self.agent.id().to_string();
        let _ = Command::new("kill").args(["-INT", &id]).status();
        let _ = self.agent.wait();
    }
}

impl World {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(env::current_exe()?.with_file_name("pinnace"));
        let agent = command
            .args(["agent", "--store", "store", "--data", "agent", "--listen", &place])
            .current_dir(&folder)
            .env("PINNACE_CACHE_DIR", folder.path().join("cache"))
            .stderr(Stdio::null())
            .spawn()?;
        while TcpStream::connect(&place).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(Self { folder, agent, url: format!("http://{place}") })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?.with_file_name("pinnace"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("PINNACE_CACHE_DIR", self.folder.path().join("cache"))
            .env("PINNACE_AGENT", &self.url);
        Ok(command)
    }

    fn pinnace(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.command(arguments)?.arg("--json").stderr(Stdio::inherit()).output()?;
        match output.status.success() {
            true => Ok(serde_json::from_slice(&output.stdout)?),
            false => Err(format!("{arguments:?}: {}", output.status).into()),
        }
    }

    /// Returns the host and port of a deployed service.
    fn deploy(&self, project: &str) -> Result<String> {
        let done = self.pinnace(&["deploy", project])?;
        let address = done["address"].as_str().ok_or("it has no address")?;
        Ok(address.trim_start_matches("http://").trim_end_matches('/').to_owned())
    }

    /// Returns the environment of the live release.
    fn environment(&self, project: &str) -> Result<PathBuf> {
        let done = self.pinnace(&["deploy", project])?;
        let release = done["release"].as_str().ok_or("it has no release")?;
        let release = release.trim_start_matches("sha256:");
        let folder = self.folder.path().join("cache/environments/1").join(release);
        Ok(fs::read_dir(folder)?.next().ok_or("it is not laid out")??.path())
    }

    /// Copies a project.
    fn copy(&self, project: &Path) -> Result<PathBuf> {
        let copy = self.folder.path().join("project");
        let status = Command::new("cp").arg("-r").args([project, &copy]).status()?;
        if status.success() { Ok(copy) } else { Err("it cannot be copied".into()) }
    }

    /// Creates a project whose process is this program.
    fn serving(&self, name: &str) -> Result<()> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder)?;
        let program = env::current_exe()?.display().to_string();
        let text = format!("service = {name:?}\nserve = [{program:?}, 'serve', '{{port}}']\n");
        fs::File::create(folder.join("pinnace.toml"))?.write_all(text.as_bytes())?;
        fs::File::create(folder.join("app.py"))?.write_all(b"pass\n")?;
        Ok(())
    }
}

/// Edits the response of the example.
fn say(project: &Path, what: &str) -> Result<()> {
    let file = project.join("src/quickstart/app.py");
    let text = fs::read_to_string(&file)?;
    let begin = text.find("\"says\": \"").ok_or("it is not the example")? + 9;
    let end = text[begin..].find('"').ok_or("it is not the example")? + begin;
    let text = format!("{}{what}{}", &text[..begin], &text[end..]);
    Ok(fs::File::create(file)?.write_all(text.as_bytes())?)
}

/// Times an edit until the first response of the new code, beside the server started by hand in the environment of the
/// release before, which is materialized and compiled.
fn edit(arguments: &Arguments) -> Result<()> {
    let world = World::new()?;
    let project = world.copy(&arguments.project)?;
    let place = world.deploy("project")?;
    let (mut ours, mut nothing, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..=arguments.runs {
        let word = format!("hello-{run}");
        say(&project, &word)?;
        let started = Instant::now();
        let mut deploy = world.command(&["deploy", "project", "-q"])?.spawn()?;
        while !Connection::open(&place)
            .and_then(|mut one| one.get("/"))
            .is_ok_and(|said| said.contains(&word))
        {
            thread::sleep(POLL);
        }
        let took = started.elapsed();
        deploy.wait()?;
        let by_hand = by_hand(&world.environment("project")?, &word)?;
        let started = Instant::now();
        world.command(&["deploy", "project", "-q"])?.status()?;
        // The first turn warms caches.
        if run > 0 {
            ours.push(took);
            theirs.push(by_hand);
            nothing.push(started.elapsed());
        }
    }
    println!("  edit to first answer             {:7.1} ms", median(&mut ours));
    println!("  the same server started by hand  {:7.1} ms", median(&mut theirs));
    let more = ours.iter().zip(&theirs).map(|(ours, theirs)| ours.saturating_sub(*theirs));
    println!("  ours on top                      {:7.1} ms", median(&mut more.collect::<Vec<_>>()));
    println!("  deploy, nothing changed          {:7.1} ms", median(&mut nothing));
    Ok(())
}

fn by_hand(environment: &Path, word: &str) -> Result<Duration> {
    let port = free_port()?.to_string();
    let place = format!("127.0.0.1:{port}");
    let started = Instant::now();
    let mut command = Command::new(environment.join("bin/quickstart"));
    let mut server =
        command.args(["--port", &port]).current_dir(environment.join("code")).spawn()?;
    while !Connection::open(&place)
        .and_then(|mut one| one.get("/"))
        .is_ok_and(|said| said.contains(word))
    {
        thread::sleep(POLL);
    }
    let took = started.elapsed();
    server.kill()?;
    server.wait()?;
    Ok(took)
}

/// Sends requests at a steady rate, first at rest, then through swaps. Then it sends them to the server alone, while others
/// like it are started beside it by hand: the cost of a starting interpreter for its neighbours.
fn swaps(arguments: &Arguments) -> Result<()> {
    let world = World::new()?;
    let project = world.copy(&arguments.project)?;
    let place = world.deploy("project")?;
    let load = |seconds| Load {
        place: place.clone(),
        path: "/health".to_owned(),
        connections: 20,
        rate: Some(arguments.rate),
        seconds,
    };
    load(2.0).run();
    let quiet = load(arguments.seconds).run();
    let started = Instant::now();
    let asking = {
        // As long as the swaps take, and a little longer.
        let load = load(arguments.swaps as f64 * 0.4 + 1.0);
        thread::spawn(move || load.run())
    };
    for swap in 0..arguments.swaps {
        say(&project, &format!("swap-{swap}"))?;
        world.deploy("project")?;
    }
    let took = started.elapsed();
    let busy = asking.join().map_err(|_| "the load failed")?;
    let (alone, beside) = beside(&world, arguments)?;
    println!("  {} swaps in {:.1} s", arguments.swaps, took.as_secs_f64());
    let busy = busy.within(started, started + took);
    for (name, answers) in [
        ("without a swap", &quiet),
        ("during swaps", &busy),
        ("no agent", &alone),
        ("starts by hand", &beside),
    ] {
        let of = |share| answers.quantile(share).as_secs_f64() * 1e3;
        let failures = answers.failures.len();
        println!(
            "  {name:16} {:6} requests, {failures} failed, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            answers.taken.len() + failures,
            of(0.5),
            of(0.99),
            of(1.0)
        );
    }
    busy.failures.iter().take(3).for_each(|failure| println!("  {failure}"));
    Ok(())
}

/// Runs the server of the last release without an agent: at rest, and while others are started beside it.
fn beside(world: &World, arguments: &Arguments) -> Result<(Answers, Answers)> {
    let environment = world.environment("project")?;
    let start = |port: u16| {
        let mut command = Command::new(environment.join("bin/quickstart"));
        command.args(["--port", &port.to_string()]).current_dir(environment.join("code")).spawn()
    };
    let listens = |port: u16| {
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(POLL);
        }
    };
    let port = free_port()?;
    let mut server = start(port)?;
    listens(port);
    let load = |seconds| Load {
        place: format!("127.0.0.1:{port}"),
        path: "/health".to_owned(),
        connections: 20,
        rate: Some(arguments.rate),
        seconds,
    };
    load(1.0).run();
    let alone = load(arguments.seconds).run();
    let asking = {
        let load = load(arguments.swaps as f64 * 0.1);
        thread::spawn(move || load.run())
    };
    while !asking.is_finished() {
        let port = free_port()?;
        let mut other = start(port)?;
        listens(port);
        other.kill()?;
        other.wait()?;
    }
    let beside = asking.join().map_err(|_| "the load failed")?;
    server.kill()?;
    server.wait()?;
    Ok((alone, beside))
}

/// Compares one server alone, behind the agent, and behind nginx if that is installed.
fn proxy(arguments: &Arguments) -> Result<()> {
    let world = World::new()?;
    world.serving("bench")?;
    let agent = world.deploy("bench")?;
    let port = free_port()?;
    let mut server =
        Command::new(env::current_exe()?).args(["serve", &port.to_string()]).spawn()?;
    let nginx = Nginx::start(world.folder.path(), port).ok();
    let alone = format!("127.0.0.1:{port}");
    let mut places = vec![("the server alone", alone), ("behind the agent", agent)];
    places.extend(nginx.as_ref().map(|nginx| ("behind nginx", nginx.place.clone())));
    thread::sleep(Duration::from_millis(300));
    for (name, place) in &places {
        let load = |rate, connections, seconds| Load {
            place: place.clone(),
            path: "/".to_owned(),
            connections,
            rate,
            seconds,
        };
        load(None, arguments.connections, 1.0).run();
        let calm = load(Some(500.0), 4, arguments.seconds).run();
        let full = load(None, arguments.connections, arguments.seconds).run();
        let of = |answers: &Answers, share| answers.quantile(share).as_secs_f64() * 1e3;
        println!(
            "  {name:18} at 500/s: p50 {:.3} ms, p99 {:.3} ms; flat out: {:6.0}/s, p50 {:.2} ms; {} failed",
            of(&calm, 0.5),
            of(&calm, 0.99),
            full.taken.len() as f64 / arguments.seconds,
            of(&full, 0.5),
            calm.failures.len() + full.failures.len(),
        );
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

struct Nginx {
    process: Child,
    place: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

impl Nginx {
    /// Starts nginx as a proxy with persistent connections to the server, and a worker for each processor.
    fn start(folder: &Path, server: u16) -> Result<Self> {
        let (port, folder) = (free_port()?, folder.join("nginx"));
        fs::create_dir_all(&folder)?;
        let at = folder.display();
        let text = format!(
            "daemon off; worker_processes auto; pid {at}/pid; error_log {at}/error;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;\n\
             uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; keepalive_requests 1000000;\n\
             upstream server {{ server 127.0.0.1:{server}; keepalive 64; keepalive_requests 1000000; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://server; proxy_http_version 1.1;\n\
             proxy_set_header Connection ''; proxy_set_header Host $host; }} }} }}\n"
        );
        let file = folder.join("nginx.conf");
        fs::File::create(&file)?.write_all(text.as_bytes())?;
        let process = Command::new("nginx").arg("-c").arg(&file).stderr(Stdio::null()).spawn()?;
        Ok(Self { process, place: format!("127.0.0.1:{port}") })
    }
}

/// Measures the memory of an agent with many services, and its processor time without requests.
fn idle(arguments: &Arguments) -> Result<()> {
    let world = World::new()?;
    for number in 0..arguments.services {
        let name = format!("service{number}");
        world.serving(&name)?;
        let place = world.deploy(&name)?;
        Connection::open(&place)?.get("/")?;
    }
    thread::sleep(Duration::from_secs(7));
    let before = ticks(world.agent.id())?;
    thread::sleep(Duration::from_secs(20));
    let share = (ticks(world.agent.id())? - before) / 20.0;
    let status = fs::read_to_string(format!("/proc/{}/status", world.agent.id()))?;
    let memory =
        status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    println!("  {} services: {:.2} % of a processor at rest", arguments.services, share * 100.0);
    memory.for_each(|line| println!("  {line}"));
    Ok(())
}

/// Returns the processor time of a process, in seconds.
fn ticks(process: u32) -> Result<f64> {
    const PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest = stat.rsplit_once(')').ok_or("it is no process")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / PER_SECOND)
}

fn serve(port: &str) -> Result<()> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || converse(stream));
    }
    Ok(())
}

/// Answers each request with the same twelve bytes.
fn converse(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            lines
                .get_mut()
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello, world")?;
        }
        line.clear();
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Converts to milliseconds.
fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
