//! `pinnace build`: requirements and code in, one file out.

use std::{
    collections::BTreeSet,
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pinnace_env::{Distribution, Layer, merge};
use pinnace_pex::{EntryPoint, PexBuilder, PlatformRules, Written, find_script};
use pinnace_store::{Access, Digest, PendingFile};
use pinnace_wheel::{
    Downloaded, ExtraName, Folder, FolderKind, Formats, Index, Lock, Pin, ProjectName, Request,
    Requirement, Selection, Source, Target, UvLock, WheelName,
};
use serde_json::json;

use crate::{
    Failure,
    arguments::Build,
    environment::Environment,
    inputs::{Wanted, check_names},
    output, platforms,
    progress::{Count, Output, Size},
    session::Session,
};

pub(crate) fn run(
    arguments: &Build,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    check_arguments(arguments)?;
    let session = Session::start(environment, &arguments.index, output)?;
    let wanted = Wanted::read(&arguments.inputs, &arguments.solve, environment)?;
    let job = Job { arguments, wanted, session: &session, environment };
    let built = job.run().map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let built = built?;
    built.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    output.result(&built.as_text(), &built.as_json())
}

struct Job<'a> {
    arguments: &'a Build,
    wanted: Wanted,
    session: &'a Session<'a>,
    environment: &'a Environment,
}

/// What was built, and how long it took.
struct Built {
    file: String,
    written: Written,
    wheels: Vec<Wheel>,
    timings: Vec<(&'static str, Duration)>,
    notes: Vec<String>,
}

/// A wheel that goes into the file.
struct Wheel {
    name: WheelName,
    sha256: [u8; 32],
}

/// What goes into the file, and what the user should know.
#[derive(Default)]
struct Chosen {
    pins: Vec<Pin>,
    /// The folders whose code goes into the file.
    folders: Vec<PathBuf>,
    /// Projects that were overridden or excluded: what others require of them need not hold.
    loosened: BTreeSet<ProjectName>,
    notes: Vec<String>,
}

impl Job<'_> {
    fn run(&self) -> Result<Built, Failure> {
        let mut timings = Timings::default();
        let file = self.create_output()?;
        let target = self.target()?;
        timings.lap("probe");
        let python = self.arguments.platform.python.as_deref();
        let index = self.session.index(&self.arguments.index, &self.wanted, python)?;
        let chosen = self.choose(&index, &target)?;
        timings.lap("resolve");
        let wheels = wheels(index.download(&chosen.pins)?)?;
        check(&chosen, &wheels, &target, &index)?;
        timings.lap("download");
        let builder = self.builder(&target, &chosen, &wheels, &file)?;
        let written = self.write(&builder, file).or_else(|failure| {
            // A wheel that was damaged on disk is fetched again, once.
            let digests = wheels.iter().map(|one| &one.sha256);
            let damaged = self.session.storage.remove_damaged(digests)?;
            if !damaged || self.session.interrupt.is_set() {
                return Err(failure);
            }
            index.download(&chosen.pins)?;
            self.write(&builder, self.create_output()?)
        })?;
        timings.lap("write");
        timings.laps.push(("total", self.session.started.elapsed()));
        let file = self.arguments.output.display().to_string();
        let notes = self.notes(&target, chosen.notes);
        Ok(Built { file, written, wheels, timings: timings.laps, notes })
    }

    fn target(&self) -> Result<Target, Failure> {
        let (environment, storage) = (self.environment, &self.session.storage);
        let mut targets = platforms::targets(&self.arguments.platform, environment, storage)?;
        match (targets.pop(), targets.len()) {
            (Some(target), 0) => Ok(target),
            _ => Err(Failure::usage("one file is for one platform, and several are named")
                .hint("build a file for each; one lock can be for several")),
        }
    }

    fn notes(&self, target: &Target, chosen: Vec<String>) -> Vec<String> {
        let assumed = platforms::assumed(std::iter::once(target));
        self.wanted.notes.iter().cloned().chain(assumed).chain(chosen).collect()
    }

    /// From the lock that is named, or the newest.
    fn choose(&self, index: &Index<'_>, target: &Target) -> Result<Chosen, Failure> {
        if let Some(file) = &self.arguments.lock {
            let path = self.environment.folder.join(file);
            return self.locked(&path, target);
        }
        // Source distributions cannot be built yet, so that only wheels will do.
        let request: Request = self.wanted.request.clone().with_only_binary(Formats::All);
        let resolution = self.session.resolve(index, &request, target)?;
        let notes = resolution.warnings().to_vec();
        Ok(Chosen {
            pins: resolution.pins().to_vec(),
            folders: self.wanted.folders.clone(),
            loosened: request.loosened().cloned().collect(),
            notes,
        })
    }

    fn locked(&self, path: &Path, target: &Target) -> Result<Chosen, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::job(format!("cannot read the lock `{}`: {error}", path.display()))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let inputs = &self.arguments.inputs;
        let extras: Vec<ExtraName> =
            inputs.extra.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        let groups: Vec<ProjectName> =
            inputs.group.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        let selection = match path.file_name().is_some_and(|name| name == "uv.lock") {
            true => {
                let lock = UvLock::parse(&text, folder)?;
                let member = self.member(&lock)?;
                lock.select(&member, target, &extras, &groups)?
            }
            false if inputs.package.is_some() => {
                return Err(Failure::usage("only a `uv.lock` has members for `--package`"));
            }
            false => Lock::parse(&text, folder)?.select(target, &extras, &groups)?,
        };
        let mut chosen = chosen(selection)?;
        let named = self.wanted.folders.iter().filter(|one| !chosen.folders.contains(one));
        chosen.folders.extend(named.cloned().collect::<Vec<_>>());
        Ok(chosen)
    }

    /// The member of a workspace that is named, or the only one.
    fn member(&self, lock: &UvLock) -> Result<ProjectName, Failure> {
        let members: Vec<&str> = lock.members().collect();
        match (&self.arguments.inputs.package, members.as_slice()) {
            (Some(name), _) => Ok(name.parse()?),
            (None, [only]) => Ok(only.parse()?),
            (None, several) => Err(Failure::usage(format!(
                "the lock has the members {}; name one with `--package`",
                several.join(", ")
            ))),
        }
    }

    fn write(&self, builder: &PexBuilder, mut file: PendingFile) -> Result<Written, Failure> {
        let guarded = self.session.interrupt.guard(BufWriter::with_capacity(1 << 18, &mut file));
        let written = builder.write(guarded, &self.session.storage, self.environment.threads)?;
        file.commit()?;
        Ok(written)
    }

    fn create_output(&self) -> Result<PendingFile, Failure> {
        if self.arguments.output.as_os_str() == "-" {
            return Err(Failure::usage("`-o` takes a file, and cannot write to stdout"));
        }
        output::create(&self.arguments.output, Access::Executable, self.environment)
    }

    /// What the file says that it satisfies: what was asked for, or all that a lock pins.
    fn requirements(&self, chosen: &Chosen) -> Result<Vec<Requirement>, Failure> {
        if self.arguments.lock.is_none() {
            let local = |one: &&Requirement| !self.wanted.locals.contains(one.name());
            return Ok(self.wanted.request.requirements().filter(local).cloned().collect());
        }
        let pinned = chosen.pins.iter().map(|pin| format!("{}=={}", pin.project(), pin.version()));
        Ok(pinned.map(|text| text.parse()).collect::<Result<_, _>>()?)
    }

    fn builder(
        &self,
        target: &Target,
        chosen: &Chosen,
        wheels: &[Wheel],
        output: &PendingFile,
    ) -> Result<PexBuilder, Failure> {
        let run = &self.arguments.run;
        let mut builder = PexBuilder::new();
        builder.add_platform(target, wheels.iter().map(|one| (&one.name, one.sha256)));
        builder.set_requirements(&self.requirements(chosen)?);
        builder.leave_out(output.path());
        builder.leave_out(output.unfinished_path());
        for folder in &chosen.folders {
            builder.add_project(folder)?;
        }
        for folder in &self.arguments.sources {
            builder.add_folder(&self.environment.folder.join(folder))?;
        }
        if let Some(name) = &run.script {
            let wheels = wheels.iter().map(|one| (&one.name, one.sha256));
            builder.set_script(find_script(name, wheels, &self.session.storage)?);
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

fn check_arguments(arguments: &Build) -> Result<(), Failure> {
    let (run, inputs) = (&arguments.run, &arguments.inputs);
    if let Some(folder) = arguments.sources.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("`-D {}` is no folder", folder.display())));
    }
    if let Some(file) = run.executable.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!("`--exe {}` is no file", file.display())));
    }
    if arguments.lock.is_none() {
        check_names(inputs)?;
    }
    let nothing = inputs.requirements.is_empty()
        && inputs.requirement_files.is_empty()
        && inputs.project.is_none()
        && arguments.lock.is_none()
        && arguments.sources.is_empty()
        && run.executable.is_none();
    if nothing {
        return Err(Failure::usage("there is nothing to build")
            .hint("name requirements, as in `pinnace build flask -o app.pex`, or a folder of code with `-D`"));
    }
    Ok(())
}

fn chosen(selection: Selection) -> Result<Chosen, Failure> {
    if let Some((name, url)) = selection.repositories.first() {
        let message =
            format!("`{name}` is in a repository ({}), and cannot be built yet", shown(url));
        return Err(Failure::job(message));
    }
    let (packages, rest): (Vec<Folder>, Vec<Folder>) =
        selection.folders.into_iter().partition(|folder| folder.kind == FolderKind::Package);
    let note = |folder: &Folder| {
        let path = folder.path.display();
        format!("`{}` in `{path}` is no package, and not in the file; `-D` adds it", folder.project)
    };
    Ok(Chosen {
        pins: selection.pins,
        folders: packages.into_iter().map(|folder| folder.path).collect(),
        loosened: selection.loosened.into_iter().collect(),
        notes: rest.iter().map(note).collect(),
    })
}

/// A repository without what may be a secret in its address.
fn shown(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    bare.rsplit_once('@').map_or(bare, |(_, rest)| rest).to_owned()
}

/// All of them must be wheels.
fn wheels(downloaded: Vec<Downloaded>) -> Result<Vec<Wheel>, Failure> {
    let wheel = |one: Downloaded| match one.artifact.wheel() {
        Some(name) => Ok(Wheel { name: name.clone(), sha256: one.sha256 }),
        None => {
            let name = one.artifact.file_name();
            Err(Failure::job(format!("`{name}` must be built first, which is not possible yet"))
                .hint("`--only-binary :all:` resolves to wheels alone"))
        }
    };
    downloaded.into_iter().map(wheel).collect()
}

/// Whatever the solver said, the set that is shipped is looked at once more as a whole.
fn check(
    chosen: &Chosen,
    wheels: &[Wheel],
    target: &Target,
    index: &Index<'_>,
) -> Result<(), Failure> {
    let mut layer = Layer::new("the request");
    // What the user overrode or left out is the user's to answer for.
    let holds = |text: &String| {
        let requirement = Requirement::parse_lenient(text);
        !requirement.is_ok_and(|one| chosen.loosened.contains(one.name()))
    };
    for (pin, wheel) in chosen.pins.iter().zip(wheels) {
        let (project, version) = (pin.project().as_str(), pin.version().to_string());
        let extras = pin.extras().iter().map(ToString::to_string).collect();
        let distribution = Distribution::new(project, version, wheel.name.as_str(), wheel.sha256);
        let metadata = index.metadata(pin.file())?;
        let requires = metadata.iter().flat_map(|one| one.requires().map(str::to_owned));
        let requires = requires.filter(holds).collect();
        layer = layer.with(distribution.requiring(requires, extras));
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
                "name": one.name.project().as_str(),
                "version": one.name.version().to_string(),
                "wheel": one.name.as_str(),
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
