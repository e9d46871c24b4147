//! Times whole commands, `pinnace deploy` and `pinnace run`, in turn in one run.
//!
//! ```text
//! cargo build --release --workspace
//! target/release/deploy [--runs N] [--folder DIR] [--files N] [--wheels N] [--project DIR] [--s3 s3://BUCKET/FOLDER]
//! ```
//!
//! The project has `--files` files of its own and requires `--wheels` wheels of 20 files, or is a copy of `--project`. With `--s3` the store is there, behind a
//! proxy in this process that adds 30 ms to each request (`AWS_ENDPOINT_URL` and the like say which server).
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    env,
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use pinnace_benches::{Lanes, delayed};
use pinnace_test::Wheel;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const DELAY: Duration = Duration::from_millis(30);

struct World {
    folder: PathBuf,
    store: String,
    endpoint: Option<String>,
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (mut runs, mut folder, mut files, mut wheels) = (9, env::temp_dir(), 200, 0);
    let (mut project, mut s3) = (None, None);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("{argument} has no value"))?;
        match argument.as_str() {
            "--runs" => runs = value.parse()?,
            "--folder" => folder = value.into(),
            "--files" => files = value.parse()?,
            "--wheels" => wheels = value.parse()?,
            "--project" => project = Some(PathBuf::from(value)),
            "--s3" => s3 = Some(value),
            _ => return Err(format!("{argument} is no option").into()),
        }
    }
    let folder = tempfile::tempdir_in(folder)?;
    let own = folder.path().join("project");
    match project {
        Some(project) => copy(&project, &own)?,
        None => {
            make(&own, files)?;
            require(&own, &folder.path().join("links"), wheels)?;
        }
    }
    let endpoint = s3.as_ref().map(|_| endpoint()).transpose()?;
    let local = folder.path().join("store").display().to_string();
    let world = World { folder: folder.path().to_owned(), store: s3.unwrap_or(local), endpoint };
    world.run(runs)
}

impl World {
    fn run(&self, runs: usize) -> Result<()> {
        self.pinnace(&["deploy", "project", "-q"])?;
        let mut lanes = Lanes::new([
            "a command that does nothing",
            "deploy, nothing changed",
            "deploy, one line edited",
            "the environment's interpreter",
            "run, laid out",
            "deploy, resolved anew",
            "run, a machine that has nothing",
        ]);
        self.pinnace(&["run", "bench", "--", "python", "-c", "pass"])?;
        let python = self.find("bin/python")?;
        for run in 0..=runs {
            lanes.time(run, 0, || self.pinnace(&["--version"]))?;
            lanes.time(run, 1, || self.pinnace(&["deploy", "project", "-q"]))?;
            let edited = self.folder.join("project/edited.py");
            fs::File::create(edited)?.write_all(format!("RUN = {run}\n").as_bytes())?;
            lanes.time(run, 2, || self.pinnace(&["deploy", "project", "-q"]))?;
            self.pinnace(&["run", "bench", "--", "python", "-c", "pass"])?;
            lanes.time(run, 3, || finish(Command::new(&python).args(["-c", "pass"])))?;
            lanes.time(run, 4, || self.pinnace(&["run", "bench", "--", "python", "-c", "pass"]))?;
            lanes.time(run, 5, || self.pinnace(&["deploy", "project", "--full", "-q"]))?;
            let new = self.folder.join(format!("cache-{run}"));
            // It stays: ext4 looks long for inodes that were not in use a moment ago.
            lanes.time(run, 6, || self.run_on(&new))?;
        }
        for (name, median) in lanes.medians() {
            println!("  {name:32} {:7.1} ms", median.as_secs_f64() * 1e3);
        }
        Ok(())
    }

    fn pinnace(&self, arguments: &[&str]) -> Result<()> {
        finish(self.command()?.args(arguments))
    }

    /// Runs the release with an empty cache.
    fn run_on(&self, cache: &Path) -> Result<()> {
        let mut command = self.command()?;
        command.args(["run", "bench", "--", "python", "-c", "pass"]);
        finish(command.env("PINNACE_CACHE_DIR", cache))
    }

    fn command(&self) -> Result<Command> {
        let program = env::current_exe()?.with_file_name("pinnace");
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("PINNACE_CACHE_DIR", self.folder.join("cache"))
            .env("PINNACE_STORE", &self.store);
        if let Some(endpoint) = &self.endpoint {
            command.env("AWS_ENDPOINT_URL", endpoint);
        }
        Ok(command)
    }

    /// Returns a file of a materialized environment.
    fn find(&self, path: &str) -> Result<PathBuf> {
        let mut folder = self.folder.join("cache/environments/1");
        for _ in 0..2 {
            folder = fs::read_dir(folder)?.next().ok_or("nothing was laid out")??.path();
        }
        Ok(folder.join(path))
    }
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

/// Returns the address of the server behind a delay.
#[expect(clippy::disallowed_methods, reason = "it is a program")]
fn endpoint() -> Result<String> {
    let server = env::var("AWS_ENDPOINT_URL")?;
    let server = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
    Ok(format!("http://{}", delayed(server, DELAY)?))
}

/// Writes files of 2 kB, fifty to a folder.
fn make(folder: &Path, files: usize) -> Result<()> {
    for number in 0..files {
        let package = folder.join(format!("package{}", number / 50));
        fs::create_dir_all(&package)?;
        let text = format!("NUMBER = {number}\n").repeat(130);
        fs::File::create(package.join(format!("module{number}.py")))?.write_all(text.as_bytes())?;
    }
    settings(folder)
}

/// Writes wheels of twenty files of 2 kB into a folder, all required by the project.
fn require(project: &Path, links: &Path, wheels: usize) -> Result<()> {
    fs::create_dir_all(links)?;
    let mut requirements = format!("--no-index\n--find-links {}\n", links.display());
    for number in 0..wheels {
        requirements.push_str(&format!("wheel{number}==1.0\n"));
        wheel(number).write_to(links);
    }
    fs::File::create(project.join("requirements.txt"))?.write_all(requirements.as_bytes())?;
    Ok(())
}

fn wheel(number: usize) -> Wheel {
    let wheel = Wheel::new(&format!("wheel{number}"), "1.0");
    (0..20).fold(wheel, |wheel, module| {
        let text = format!("NUMBER = {number}, {module}\n").repeat(110);
        wheel.file(&format!("wheel{number}/module{module:02}.py"), text)
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    finish(Command::new("cp").arg("-r").args([from, to]))?;
    settings(to)
}

/// The service is called `bench`.
fn settings(folder: &Path) -> Result<()> {
    let text = "service = 'bench'\nserve = ['python', '-m', 'edited']\n";
    Ok(fs::File::create(folder.join("pinnace.toml"))?.write_all(text.as_bytes())?)
}
