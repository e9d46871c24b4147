//! `pinnace lock`: requirements in, the exact files that satisfy them out.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pinnace_store::{Access, Digest, PendingFile};
use pinnace_wheel::{
    Index, Lock, Pin, ProjectName, Request, Requirement, RequirementsReader, Resolution, Target,
    Version,
};
use serde_json::json;

use crate::{
    Failure, arguments,
    environment::Environment,
    inputs::Wanted,
    output, platforms,
    progress::{Count, Output},
    session::Session,
};

pub(crate) fn run(
    arguments: &arguments::Lock,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let session = Session::start(environment, &arguments.index, output)?;
    let locked = lock(arguments, &session).map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let locked = locked?;
    locked.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    match locked.file.as_deref() {
        None => output.raw(&locked.text, &locked.as_json()),
        Some(_) => output.result(&locked.as_text(), &locked.as_json()),
    }
}

struct Locked {
    /// As it was named; `None` is stdout.
    file: Option<PathBuf>,
    text: String,
    solved: Vec<(Target, Resolution)>,
    /// How many entries the lock has.
    entries: usize,
    notes: Vec<String>,
    resolving: Duration,
    total: Duration,
}

fn lock(arguments: &arguments::Lock, session: &Session<'_>) -> Result<Locked, Failure> {
    let wanted = Wanted::read(&arguments.inputs, &arguments.solve, session.environment)?;
    if wanted.needs_no_index() {
        return Err(Failure::usage("there is nothing to lock").hint(
            "name requirements, as in `pinnace lock flask -o pylock.toml`, or a file with `-r`",
        ));
    }
    let path = output::resolved(&arguments.output, session.environment)?;
    let file = (arguments.output.as_os_str() != "-").then(|| path.clone());
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    if let Some(file) = &file {
        check_inputs(arguments, file, &session.environment.folder)?;
    }
    let request = prefer(wanted.request.clone(), arguments, file.as_deref(), &folder)?;
    let targets = platforms::targets(&arguments.platform, session.environment, &session.storage)?;
    let pending = match file {
        Some(_) => {
            let access = Access::ReadWrite;
            Some(output::create(&arguments.output, access, session.environment)?)
        }
        None => None,
    };
    let index = session.index(&arguments.index, &wanted, arguments.platform.python.as_deref())?;
    let mut notes = wanted.notes.clone();
    let resolving = Instant::now();
    let mut solved = Vec::new();
    notes.extend(platforms::assumed(targets.iter()));
    for target in targets {
        let resolution = solve(session, &index, &request, &target, &mut notes)?;
        solved.push((target, resolution));
    }
    let resolving = resolving.elapsed();
    let lock = Lock::new(solved.iter().map(|(target, resolution)| (target, resolution)))?
        .loosened(request.loosened().cloned());
    let text = match as_requirements(file.as_deref()) {
        true => lock.to_requirements(),
        false => lock.to_toml(&folder),
    };
    if let (Some(pending), Some(file)) = (pending, &file) {
        write(pending, file, &text)?;
    }
    notes.sort();
    notes.dedup();
    let file = file.map(|_| arguments.output.clone());
    let entries = lock.versions().count();
    Ok(Locked { file, text, solved, entries, notes, resolving, total: session.started.elapsed() })
}

/// The files for one platform, each with its hash.
fn solve(
    session: &Session<'_>,
    index: &Index<'_>,
    request: &Request,
    target: &Target,
    notes: &mut Vec<String>,
) -> Result<Resolution, Failure> {
    let resolution = session.resolve(index, request, target)?;
    notes.extend(resolution.warnings().iter().cloned());
    for pin in resolution.pins().iter().filter(|pin| pin.file().address.has_query()) {
        let name = pin.project();
        notes.push(format!("the query in the address of {name} may be a secret, and is left out"));
    }
    let pins = index.with_digests(resolution.pins().to_vec())?;
    Ok(resolution.with_pins(pins))
}

/// What the file had so far stays, as far as it will do. What is no lock is not written over.
fn prefer(
    mut request: Request,
    arguments: &arguments::Lock,
    file: Option<&Path>,
    folder: &Path,
) -> Result<Request, Failure> {
    let Some(file) = file else { return Ok(request) };
    let names = arguments.upgrade_package.iter().map(|name| name.parse::<ProjectName>());
    let anew: Vec<ProjectName> = names.collect::<Result<_, _>>()?;
    let before = match as_requirements(Some(file)) {
        true => pinned(file)?,
        false => locked(file, folder)?,
    };
    if let Some(name) = anew.iter().find(|name| !before.iter().any(|(known, _)| known == *name)) {
        return Err(Failure::usage(format!("`{}` has no `{name}` to upgrade", file.display())));
    }
    for (name, version) in before {
        if !arguments.upgrade && !anew.contains(&name) {
            request = request.prefer(name, version);
        }
    }
    Ok(request)
}

type Versions = Vec<(ProjectName, Version)>;

/// The versions of a lock; none if there is no file.
fn locked(file: &Path, folder: &Path) -> Result<Versions, Failure> {
    let refuse = |reason: &str| {
        Failure::job(format!("`{}` is there already, and is no lock: {reason}", file.display()))
            .hint("name another file, or remove it")
    };
    let text = match fs::read_to_string(file) {
        Ok(text) if text.is_empty() => return Ok(Versions::new()),
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Versions::new()),
        Err(error) => return Err(refuse(&error.to_string())),
    };
    let before = Lock::parse(&text, folder).map_err(|error| refuse(&error.to_string()))?;
    let versions = before.versions();
    Ok(versions.filter_map(|(name, version)| Some((name.clone(), version?.clone()))).collect())
}

/// The pins of a requirements file, of which an earlier run wrote only such.
fn pinned(file: &Path) -> Result<Versions, Failure> {
    if !file.exists() {
        return Ok(Versions::new());
    }
    let read_text = |path: &Path| -> io::Result<String> { fs::read_to_string(path) };
    let variables = BTreeMap::new();
    let mut reader = RequirementsReader::new(&read_text, &variables);
    reader.read(file)?;
    let named = reader.finish().requirements.into_iter();
    let pin = |requirement: &Requirement| {
        Some((requirement.name().clone(), requirement.specifiers().pinned()?))
    };
    Ok(named.filter_map(|named| pin(&named.requirement)).collect())
}

/// What is wanted is not written over by what comes of it.
fn check_inputs(arguments: &arguments::Lock, file: &Path, folder: &Path) -> Result<(), Failure> {
    let inputs = &arguments.inputs;
    let project = inputs.project.iter().map(|folder| folder.join("pyproject.toml"));
    let files = inputs.requirement_files.iter().chain(&inputs.constraint).cloned().chain(project);
    let is_output = |input: PathBuf| folder.join(input).canonicalize().is_ok_and(|it| it == *file);
    match files.into_iter().any(is_output) {
        true => Err(Failure::usage(format!("`{}` is an input, and is left alone", file.display()))
            .hint("name another file with `-o`")),
        false => Ok(()),
    }
}

fn as_requirements(file: Option<&Path>) -> bool {
    file.and_then(Path::extension).is_some_and(|extension| extension == "txt")
}

fn write(mut pending: PendingFile, file: &Path, text: &str) -> Result<(), Failure> {
    let doing = format!("cannot write `{}`", file.display());
    pending.write_all(text.as_bytes()).map_err(|error| Failure::io(&doing, &error))?;
    Ok(pending.commit()?)
}

impl Locked {
    fn as_text(&self) -> String {
        let file = self.file.as_deref().unwrap_or(Path::new("-")).display().to_string();
        let platforms = Count(self.solved.len(), "platform");
        let total = self.total.as_secs_f64();
        format!("{file}: {} for {platforms}, in {total:.2} s", Count(self.entries, "distribution"))
    }

    fn as_json(&self) -> serde_json::Value {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let package = |target: &Target, pin: &Pin| {
            json!({
                "name": pin.project().as_str(),
                "version": pin.version().to_string(),
                "file": pin.file().artifact.file_name(),
                "sha256": pin.file().sha256.map(|sha256| Digest::new(sha256).to_hex()),
                "needs_build": pin.wheel().is_none(),
                "platform": target.to_string(),
            })
        };
        let packages = self.solved.iter();
        let packages = packages
            .flat_map(|(target, one)| one.pins().iter().map(move |pin| package(target, pin)));
        json!({
            "file": self.file.as_deref().map(|file| file.display().to_string()),
            "packages": packages.collect::<Vec<_>>(),
            "lock": self.file.is_none().then_some(&self.text),
            "platforms": self.solved.iter().map(|(target, _)| target.to_string()).collect::<Vec<_>>(),
            "notes": self.notes,
            "timings_ms": { "resolve": milliseconds(self.resolving), "total": milliseconds(self.total) },
        })
    }
}
