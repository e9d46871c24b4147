//! Races `pinnace build` against its peers and against the physical limit, in turn, in one run.
//!
//! ```text
//! cargo build --release
//! target/release/race --python PY [--runs N] [--peer NAME=COMMAND]… [REQUIREMENT…]
//! ```
//!
//! It prepares a cache of its own, then runs in turn: the build, from its warm cache of wheels and
//! pages and with nothing else kept; the floor, which reads the same wheels, hashes them with SHA-256
//! and writes them once, in this process; and each peer, a shell command. It prints the median, the
//! spread, and the ratio to the floor.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    error::Error,
    ffi::OsStr,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let race = Race::parse(std::env::args().skip(1))?;
    let wheels = race.prepare()?;
    let mut lanes = vec![
        Lane::new("floor: read, SHA-256, write", Work::Floor),
        Lane::new("pinnace build, wheels cached", Work::Build),
    ];
    lanes.extend(
        race.peers.iter().map(|(name, command)| Lane::new(name, Work::Shell(command.clone()))),
    );
    for run in 0..=race.runs {
        for lane in &mut lanes {
            let started = Instant::now();
            race.run(&lane.work, &wheels)?;
            // The first round warms up.
            if run > 0 {
                lane.times.push(started.elapsed());
            }
        }
    }
    let bytes: u64 =
        wheels.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum();
    println!("{} wheels, {:.1} MB, {} runs each", wheels.len(), bytes as f64 / 1e6, race.runs);
    let floor = lanes[0].median();
    for lane in &lanes {
        println!("{}", lane.line(floor));
    }
    Ok(())
}

struct Race {
    python: String,
    runs: usize,
    requirements: Vec<String>,
    peers: Vec<(String, String)>,
    folder: PathBuf,
}

enum Work {
    Floor,
    Build,
    Shell(String),
}

struct Lane {
    name: String,
    work: Work,
    times: Vec<Duration>,
}

impl Race {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut race = Self {
            python: "python3".to_owned(),
            runs: 10,
            requirements: Vec::new(),
            peers: Vec::new(),
            folder: std::env::temp_dir().join("pinnace-race"),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--python" => race.python = value()?,
                "--runs" => race.runs = value()?.parse()?,
                "--peer" => {
                    let value = value()?;
                    let (name, command) =
                        value.split_once('=').ok_or("--peer takes NAME=COMMAND")?;
                    race.peers.push((name.to_owned(), command.to_owned()));
                }
                _ => race.requirements.push(argument),
            }
        }
        if race.requirements.is_empty() {
            race.requirements.push("dagster".to_owned());
        }
        Ok(race)
    }

    /// Fills the cache, and returns the wheels that a build takes from it.
    fn prepare(&self) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(&self.folder)?;
        let output = self.command()?.arg("--json").stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err("the first build failed".into());
        }
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let wheels =
            report["distributions"].as_array().ok_or("the report lists no distributions")?;
        let digests = wheels.iter().filter_map(|wheel| wheel["sha256"].as_str());
        Ok(digests.map(|hex| self.blobs().join(&hex[..2]).join(&hex[2..])).collect())
    }

    fn run(&self, work: &Work, wheels: &[PathBuf]) -> Result<()> {
        match work {
            Work::Floor => floor(wheels, &self.folder.join("floor")),
            Work::Build => succeed(self.command()?.arg("--quiet")),
            Work::Shell(command) => {
                let mut shell = Command::new("sh");
                succeed(shell.args(["-c", command]).stdout(Stdio::null()).stderr(Stdio::null()))
            }
        }
    }

    /// Returns the path of the command beside this program.
    fn command(&self) -> Result<Command> {
        let program = std::env::current_exe()?.with_file_name("pinnace");
        let mut command = Command::new(program);
        command.arg("build").args(&self.requirements).args(["--python", &self.python, "--output"]);
        command
            .arg(self.folder.join("out.pex"))
            .env("PINNACE_CACHE_DIR", self.folder.join("cache"));
        Ok(command)
    }

    fn blobs(&self) -> PathBuf {
        self.folder.join("cache/wheels/blobs")
    }
}

/// Reads, hashes and writes the bytes once, which every build must do.
fn floor(wheels: &[PathBuf], out: &Path) -> Result<()> {
    let mut out = File::create(out)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    for wheel in wheels {
        let mut file = File::open(wheel)?;
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
            out.write_all(&buffer[..n])?;
        }
    }
    hash.finalize();
    Ok(())
}

fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("{} failed", OsStr::new(&name).display()).into()),
    }
}

impl Lane {
    fn new(name: &str, work: Work) -> Self {
        Self { name: name.to_owned(), work, times: Vec::new() }
    }

    fn sorted(&self) -> Vec<Duration> {
        let mut times = self.times.clone();
        times.sort();
        times
    }

    fn median(&self) -> f64 {
        self.sorted().get(self.times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
    }

    fn line(&self, floor: f64) -> String {
        let times = self.sorted();
        let at = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        format!(
            "{:<34} median {:8.1} ms   min {:8.1}   max {:8.1}   {:6.2} x floor",
            self.name,
            self.median() * 1e3,
            at(times.first()),
            at(times.last()),
            self.median() / floor,
        )
    }
}
