//! `pinnace lock`: requirements in, the exact files that satisfy them out.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pinnace_store::{Access, Digest, PendingFile};
use pinnace_wheel::{Index, Lock, Pin, ProjectName, Request, Target};
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
    solved: Vec<(Target, Vec<Pin>)>,
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
    for target in targets {
        notes.extend(target.assumptions().iter().map(ToString::to_string));
        let pins = solve(session, &index, &request, &target, &mut notes)?;
        solved.push((target, pins));
    }
    let resolving = resolving.elapsed();
    let pairs: Vec<(&Target, Vec<Pin>)> =
        solved.iter().map(|(target, pins)| (target, pins.clone())).collect();
    let lock = Lock::new(&pairs)?;
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
    Ok(Locked { file, text, solved, notes, resolving, total: session.started.elapsed() })
}

/// The files for one platform, each with its hash.
fn solve(
    session: &Session<'_>,
    index: &Index<'_>,
    request: &Request,
    target: &Target,
    notes: &mut Vec<String>,
) -> Result<Vec<Pin>, Failure> {
    let resolution = session.resolve(index, request, target)?;
    notes.extend(resolution.warnings().iter().cloned());
    for pin in resolution.pins().iter().filter(|pin| pin.file().address.has_query()) {
        let name = pin.project();
        notes.push(format!("the query in the address of {name} may be a secret, and is left out"));
    }
    Ok(index.with_digests(resolution.pins().to_vec())?)
}

/// What the file had so far stays, as far as it will do.
fn prefer(
    mut request: Request,
    arguments: &arguments::Lock,
    file: Option<&Path>,
    folder: &Path,
) -> Result<Request, Failure> {
    let Some(file) = file.filter(|file| !arguments.upgrade && !as_requirements(Some(file))) else {
        return Ok(request);
    };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(request),
        Err(error) => {
            let doing = format!("`{}` is there already, and cannot be read", file.display());
            return Err(Failure::io(&doing, &error).hint("`--upgrade` writes it anew"));
        }
    };
    let names = arguments.upgrade_package.iter().map(|name| name.parse::<ProjectName>());
    let anew: Vec<ProjectName> = names.collect::<Result<_, _>>()?;
    let before = Lock::parse(&text, folder).map_err(|error| {
        Failure::job(format!("`{}` is there already: {error}", file.display()))
            .hint("`--upgrade` writes it anew")
    })?;
    if let Some(name) = anew.iter().find(|name| !before.versions().any(|(known, _)| known == *name))
    {
        return Err(Failure::usage(format!("`{}` has no `{name}` to upgrade", file.display())));
    }
    for (name, version) in before.versions() {
        if let Some(version) = version.filter(|_| !anew.contains(name)) {
            request = request.prefer(name.clone(), version.clone());
        }
    }
    Ok(request)
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
        let count = self.solved.iter().map(|(_, pins)| pins.len()).max().unwrap_or_default();
        let platforms = Count(self.solved.len(), "platform");
        let total = self.total.as_secs_f64();
        format!("{file}: {} for {platforms}, in {total:.2} s", Count(count, "distribution"))
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
        let packages =
            packages.flat_map(|(target, pins)| pins.iter().map(move |pin| package(target, pin)));
        json!({
            "file": self.file.as_deref().map(|file| file.display().to_string()),
            "packages": packages.collect::<Vec<_>>(),
            "platforms": self.solved.iter().map(|(target, _)| target.to_string()).collect::<Vec<_>>(),
            "notes": self.notes,
            "timings_ms": { "resolve": milliseconds(self.resolving), "total": milliseconds(self.total) },
        })
    }
}
