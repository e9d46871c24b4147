//! Races the starts of PEX files against one another, the physical limit and a plain environment.
//!
//! ```text
//! cargo build --release
//! target/release/boot --python PY --import MODULE [--runs N] NAME=FILE…
//! ```
//!
//! Each file is started cold, with an empty cache, and warm. The first file must hold its
//! wheels whole: the floor unpacks them with plain threaded Python and then starts the interpreter on
//! what it wrote; the plain environment is the same, compiled, started as it is. All in turn in one
//! run, always into fresh folders, since deleting trees makes creating files slow for a while.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FLOOR: &str = include_str!("floor.py");

fn main() -> Result<()> {
    let race = Race::parse(std::env::args().skip(1))?;
    let folder = tempfile::tempdir()?;
    let plain = folder.path().join("plain");
    race.unpack(&plain)?;
    // Arguments that name no Python stay as they are.
    let _ = race.run(&[&"-I", &"-m", &"compileall", &"-q", &plain], &race.python);
    let mut lanes = race.lanes();
    for run in 0..=race.runs {
        for (number, lane) in lanes.iter_mut().enumerate() {
            let fresh = folder.path().join(format!("{run}-{number}"));
            let root = if lane.is_cold { fresh } else { folder.path().join(&lane.name) };
            let started = Instant::now();
            lane.start(&race, &root, &plain)?;
            // The first round warms up.
            if run > 0 {
                lane.times.push(started.elapsed());
            }
        }
    }
    report(&lanes);
    Ok(())
}

struct Race {
    python: PathBuf,
    import: String,
    runs: usize,
    files: Vec<(String, PathBuf)>,
}

struct Lane {
    name: String,
    what: What,
    code: String,
    is_cold: bool,
    times: Vec<Duration>,
}

enum What {
    Plain,
    Floor,
    File(PathBuf),
}

impl Race {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (python, import) = (PathBuf::from("python3"), "json".to_owned());
        let mut race = Self { python, import, runs: 7, files: Vec::new() };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} has no value"));
            match argument.as_str() {
                "--python" => race.python = value()?.into(),
                "--import" => race.import = value()?,
                "--runs" => race.runs = value()?.parse()?,
                _ => {
                    let (name, file) = argument.split_once('=').ok_or("a file is NAME=FILE")?;
                    race.files.push((name.to_owned(), fs::canonicalize(file)?));
                }
            }
        }
        match race.files.is_empty() {
            true => Err("name a file".into()),
            false => Ok(race),
        }
    }

    fn lanes(&self) -> Vec<Lane> {
        let import = format!("import {}", self.import);
        let mut lanes = Vec::new();
        for code in ["pass", &import] {
            let mut add = |name: &str, what, is_cold| {
                let (name, code) = (name.to_owned(), code.to_owned());
                lanes.push(Lane { name, what, code, is_cold, times: Vec::new() });
            };
            add("floor", What::Floor, true);
            for (name, file) in &self.files {
                add(name, What::File(file.clone()), true);
            }
            add("plain", What::Plain, false);
            for (name, file) in &self.files {
                add(name, What::File(file.clone()), false);
            }
        }
        lanes
    }

    #[expect(clippy::disallowed_methods, reason = "it is a program")]
    /// Returns the interpreter itself instead of a shim, so that all lanes start the same program.
    fn path(&self) -> Result<OsString> {
        let folder = self.python.parent().map(Path::to_owned);
        let others = std::env::var_os("PATH").unwrap_or_default();
        Ok(std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&others)))?)
    }

    fn unpack(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        self.run(&[&"-I", &"-c", &FLOOR, &self.files[0].1, &folder], &self.python)
    }

    fn run(&self, arguments: &[&dyn AsRef<OsStr>], program: &Path) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments.iter().map(|one| one.as_ref()));
        done(command, &program.display().to_string())
    }
}

impl Lane {
    fn start(&self, race: &Race, root: &Path, plain: &Path) -> Result<()> {
        match &self.what {
            What::File(file) => {
                let mut command = Command::new(file);
                command.args(["-c", &self.code]).env("PEX_ROOT", root);
                command.env("PATH", race.path()?);
                done(command, &self.name)
            }
            What::Floor => {
                race.unpack(root)?;
                self.start_in(race, root)
            }
            What::Plain => self.start_in(race, plain),
        }
    }

    fn start_in(&self, race: &Race, library: &Path) -> Result<()> {
        let code = format!("import sys; sys.path.append({library:?}); {}", self.code);
        race.run(&[&"-I", &"-c", &code], &race.python)
    }
}

fn done(mut command: Command, name: &str) -> Result<()> {
    // All lanes keep their bytecode.
    command.env_remove("PYTHONDONTWRITEBYTECODE").stdin(Stdio::null());
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn report(lanes: &[Lane]) {
    let mut base = Duration::ZERO;
    for lane in lanes {
        let median = median(&lane.times);
        // Each group begins with what it is compared with.
        if !matches!(lane.what, What::File(_)) {
            base = median;
        }
        let (least, most) = (lane.times.iter().min(), lane.times.iter().max());
        println!(
            "{:6} {:16} {:22} {:8.1} ms   ({:.1} to {:.1})   {:.2}   {:+.1} ms",
            if lane.is_cold { "cold" } else { "warm" },
            lane.code,
            lane.name,
            milliseconds(median),
            milliseconds(least.copied().unwrap_or_default()),
            milliseconds(most.copied().unwrap_or_default()),
            median.as_secs_f64() / base.as_secs_f64(),
            milliseconds(median) - milliseconds(base),
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
