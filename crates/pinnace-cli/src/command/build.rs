//! `pinnace build`: requirements and code in, one file out.

use std::{
    io::BufWriter,
    sync::Arc,
    time::{Duration, Instant},
};

use pinnace_env::{Distribution, Layer, merge};
use pinnace_pex::{EntryPoint, PexBuilder, PlatformRules, Written, ZipMembers, find_script};
use pinnace_store::{Access, Digest, Durability, PendingFile};
use pinnace_wheel::{
    Address, Downloaded, HttpFetch, HttpOptions, Index, IndexOptions, IndexParts, Interpreter,
    Outcome, Pin, Requirement, Settings, Target, resolve,
};
use serde_json::json;

use crate::{
    Failure,
    arguments::{Build, IndexArguments},
    environment::Environment,
    interrupt::Interrupt,
    progress::{Count, Output, Reporter, Size},
    python,
    storage::Storage,
};

pub(crate) fn run(
    arguments: &Build,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let requirements = parse_requirements(arguments)?;
    let settings = Settings::discover(&environment.variables, &environment.pip_configuration())?;
    let fetch = Arc::new(HttpFetch::new(http_options(environment, &settings)?));
    let interrupt = Interrupt::listen(&fetch)?;
    let reporter = Reporter::new(output, interrupt.clone());
    let job = Job {
        arguments,
        requirements,
        settings,
        environment,
        fetch: &fetch,
        reporter: &reporter,
        interrupt: &interrupt,
        storage: Storage::open(&environment.cache_folder()?)?,
        started: Instant::now(),
    };
    let built = job.run().map_err(|failure| interrupt.explain(failure));
    reporter.clear();
    let built = built?;
    built.warnings.iter().for_each(|warning| output.say(format!("warning: {warning}")));
    output.result(&built.as_text(), &built.as_json());
    Ok(())
}

struct Job<'a> {
    arguments: &'a Build,
    requirements: Vec<Requirement>,
    settings: Settings,
    environment: &'a Environment,
    fetch: &'a HttpFetch,
    reporter: &'a Reporter,
    interrupt: &'a Interrupt,
    storage: Storage,
    started: Instant,
}

/// What was built, and how long it took.
struct Built {
    file: String,
    written: Written,
    wheels: Vec<Downloaded>,
    timings: Vec<(&'static str, Duration)>,
    warnings: Vec<String>,
}

impl Job<'_> {
    fn run(&self) -> Result<Built, Failure> {
        let mut timings = Timings::default();
        let file = self.create_output()?;
        let python = python::find(self.arguments.python.as_deref(), self.environment)?;
        let interpreter = Interpreter::probe(&python, &self.storage)?;
        timings.lap("probe");
        let target = interpreter.target();
        let index = self.index(&interpreter)?;
        let (pins, warnings) = self.resolve(&index, target)?;
        timings.lap("resolve");
        let wheels = index.download(&pins)?;
        check(&pins, &wheels, target)?;
        timings.lap("download");
        let builder = self.builder(target, &wheels, &file)?;
        let written = self.write(&builder, file).or_else(|failure| {
            // A wheel that was damaged on disk is fetched again, once.
            let damaged = self.storage.remove_damaged(wheels.iter().map(|one| &one.sha256))?;
            if !damaged || self.interrupt.is_set() {
                return Err(failure);
            }
            index.download(&pins)?;
            self.write(&builder, self.create_output()?)
        })?;
        timings.lap("write");
        timings.laps.push(("total", self.started.elapsed()));
        let file = self.arguments.output.display().to_string();
        Ok(Built { file, written, wheels, timings: timings.laps, warnings })
    }

    fn write(&self, builder: &PexBuilder, mut file: PendingFile) -> Result<Written, Failure> {
        let guarded = self.interrupt.guard(BufWriter::with_capacity(1 << 18, &mut file));
        let written = builder.write(guarded, &self.storage, self.environment.threads)?;
        file.commit()?;
        Ok(written)
    }

    /// Made first, so that a folder that cannot be written to is known before anything is fetched.
    fn create_output(&self) -> Result<PendingFile, Failure> {
        let path = self.environment.folder.join(&self.arguments.output);
        if self.arguments.output.as_os_str() == "-" {
            return Err(Failure::usage("`-o` takes a file, and cannot write to stdout"));
        }
        let ends_in_slash = self.arguments.output.as_os_str().as_encoded_bytes().ends_with(b"/");
        if path.is_dir() || ends_in_slash {
            let message = format!("`{}` is a folder; `-o` takes a file", path.display());
            return Err(Failure::usage(message));
        }
        // A device or a pipe would be replaced by a file, which nobody can want.
        if path.exists() && !path.is_file() {
            let message = format!("`{}` is no ordinary file, and is left alone", path.display());
            return Err(Failure::usage(message));
        }
        Ok(PendingFile::create(&path, Access::Executable, Durability::Durable)?)
    }

    fn index(&self, interpreter: &Interpreter) -> Result<Index<'_>, Failure> {
        let given = &self.arguments.index;
        let mut options = IndexOptions::new(Vec::new(), self.environment.now);
        options.offline = given.offline;
        if !self.requirements.is_empty() {
            options.indexes =
                indexes(given, &self.settings, || interpreter.default_index(&self.storage))?;
        }
        let parts = IndexParts {
            fetch: self.fetch,
            cache: &self.storage,
            wheels: &self.storage,
            members: &ZipMembers,
            progress: self.reporter,
        };
        Ok(Index::new(parts, options))
    }

    fn resolve(
        &self,
        index: &Index<'_>,
        target: &Target,
    ) -> Result<(Vec<Pin>, Vec<String>), Failure> {
        self.reporter.step("resolving");
        let outcome = index.reading_ahead(target, || resolve(index, &self.requirements, target))?;
        match outcome {
            Outcome::Solved(resolution) => {
                let count = resolution.pins().len();
                let elapsed = self.started.elapsed().as_secs_f64();
                self.reporter.done(format!(
                    "resolved {} for {target} in {elapsed:.2} s",
                    Count(count, "wheel"),
                ));
                Ok((resolution.pins().to_vec(), resolution.warnings().to_vec()))
            }
            Outcome::Unsolvable(explanation) => {
                Err(Failure::job(format!("{explanation}\n  - the platform is {target}")))
            }
        }
    }

    fn builder(
        &self,
        target: &Target,
        wheels: &[Downloaded],
        output: &PendingFile,
    ) -> Result<PexBuilder, Failure> {
        let run = &self.arguments.run;
        let mut builder = PexBuilder::new(target);
        builder.set_requirements(&self.requirements);
        for wheel in wheels {
            builder.add_wheel(&wheel.wheel, wheel.sha256);
        }
        builder.leave_out(output.path());
        builder.leave_out(output.unfinished_path());
        for folder in &self.arguments.sources {
            builder.add_folder(&self.environment.folder.join(folder))?;
        }
        if let Some(name) = &run.script {
            let wheels = wheels.iter().map(|one| (&one.wheel, one.sha256));
            builder.set_script(find_script(name, wheels, &self.storage)?);
        }
        if let Some(entry) = &run.entry {
            builder.set_entry_point(EntryPoint::parse(entry)?);
        }
        if let Some(file) = &run.executable {
            builder.set_executable(&self.environment.folder.join(file))?;
        }
        if let Some(line) = &self.arguments.python_shebang {
            builder.set_shebang(line)?;
        }
        Ok(builder)
    }
}

fn parse_requirements(arguments: &Build) -> Result<Vec<Requirement>, Failure> {
    let run = &arguments.run;
    if let Some(folder) = arguments.sources.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("`-D {}` is no folder", folder.display())));
    }
    if let Some(file) = run.executable.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!("`--exe {}` is no file", file.display())));
    }
    if arguments.requirements.is_empty() && arguments.sources.is_empty() && run.executable.is_none()
    {
        return Err(Failure::usage("there is nothing to build")
            .hint("name requirements, as in `pinnace build flask -o app.pex`, or a folder of code with `-D`"));
    }
    Ok(arguments.requirements.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}

fn http_options(environment: &Environment, settings: &Settings) -> Result<HttpOptions, Failure> {
    let variable = |names: [&str; 4]| {
        names.iter().find_map(|name| environment.variable(name)).map(str::to_owned)
    };
    let mut options = HttpOptions::default();
    options.user_agent = concat!("pinnace/", env!("CARGO_PKG_VERSION")).to_owned();
    options.http_proxy = variable(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
    options.https_proxy = variable(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
    options.no_proxy = variable(["no_proxy", "NO_PROXY", "", ""]);
    if let Some(file) = &settings.certificates {
        let pem = std::fs::read(file).map_err(|error| {
            Failure::job(format!("cannot read the certificates `{}`: {error}", file.display()))
        })?;
        options.certificates = Some(pem);
    }
    Ok(options)
}

/// The flag, then what is configured, then what the interpreter's own pip asks.
fn indexes(
    given: &IndexArguments,
    settings: &Settings,
    default: impl FnOnce() -> Result<Address, pinnace_wheel::Error>,
) -> Result<Vec<Address>, Failure> {
    let mut indexes: Vec<Address> = match given.extra_index_url.as_slice() {
        [] => settings.extra.clone(),
        urls => urls.iter().map(|url| Address::parse(url)).collect::<Result<_, _>>()?,
    };
    indexes.push(match (&given.index_url, &settings.index) {
        (Some(url), _) => Address::parse(url)?,
        (None, Some(address)) => address.clone(),
        (None, None) => default()?,
    });
    Ok(indexes)
}

/// Whatever the solver said, the set that is shipped is looked at once more as a whole.
fn check(pins: &[Pin], wheels: &[Downloaded], target: &Target) -> Result<(), Failure> {
    let mut layer = Layer::new("the request");
    for (pin, wheel) in pins.iter().zip(wheels) {
        let (project, version) = (pin.project().as_str(), pin.version().to_string());
        let extras = pin.extras().iter().map(ToString::to_string).collect();
        let distribution = Distribution::new(project, version, pin.wheel().as_str(), wheel.sha256);
        layer = layer.with(distribution.requiring(pin.requires().to_vec(), extras));
    }
    let plan = merge(&[layer], &PlatformRules(target));
    match plan.conflicts() {
        [] => Ok(()),
        conflicts => {
            let lines: Vec<String> = conflicts.iter().map(|one| format!("  - {one}")).collect();
            Err(Failure::job(format!("the wheels do not go together:\n{}", lines.join("\n"))))
        }
    }
}

/// How long each step took.
struct Timings {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Default for Timings {
    fn default() -> Self {
        Self { last: Instant::now(), laps: Vec::new() }
    }
}

impl Timings {
    fn lap(&mut self, name: &'static str) {
        self.laps.push((name, self.last.elapsed()));
        self.last = Instant::now();
    }
}

impl Built {
    fn as_text(&self) -> String {
        let total = self.timings.last().map(|(_, total)| total.as_secs_f64()).unwrap_or_default();
        format!(
            "{}: {}, {}, built in {total:.2} s, {}",
            self.file,
            Size(self.written.archive.bytes),
            Count(self.wheels.len(), "wheel"),
            Digest::new(self.written.archive.sha256),
        )
    }

    fn as_json(&self) -> serde_json::Value {
        let milliseconds = |time: &Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let distributions = self.wheels.iter().map(|one| {
            json!({
                "name": one.wheel.project().as_str(),
                "version": one.wheel.version().to_string(),
                "wheel": one.wheel.as_str(),
                "sha256": Digest::new(one.sha256).to_hex(),
            })
        });
        json!({
            "file": self.file,
            "sha256": Digest::new(self.written.archive.sha256).to_string(),
            "content_digest": Digest::new(self.written.archive.content_digest).to_string(),
            "key": Digest::new(self.written.key).to_string(),
            "bytes": self.written.archive.bytes,
            "distributions": distributions.collect::<Vec<_>>(),
            "timings_ms": self.timings.iter().map(|(name, time)| ((*name).to_owned(), milliseconds(time).into())).collect::<serde_json::Map<_, _>>(),
        })
    }
}
