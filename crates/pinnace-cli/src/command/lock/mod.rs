//! `pinnace lock`: requirements in, the exact files that satisfy them out.

mod destination;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pinnace_deploy::Settings;
use pinnace_store::Digest;
use pinnace_wheel::{Index, Lock, Pin, Request, Resolution, Target};
use serde_json::json;

use crate::{
    Failure, arguments,
    backends::Backends,
    environment::Environment,
    inputs::{Wanted, check_names, inputs_of},
    platforms,
    progress::{Count, Output},
    session::Session,
    supply::{self, Supply},
};

use destination::Destination;

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
    notes: BTreeSet<String>,
    resolving: Duration,
    total: Duration,
}

fn lock(arguments: &arguments::Lock, session: &Session<'_>) -> Result<Locked, Failure> {
    let environment = session.environment;
    let targets = platforms::targets(&arguments.platform, environment, &session.storage)?;
    let python = arguments.platform.python();
    let backends = Backends::new(session, &arguments.index, targets.first(), python);
    let arguments = &with_project(arguments, environment, &backends)?;
    check_names(&arguments.inputs)?;
    let wanted = Wanted::read(&arguments.inputs, &arguments.solve, environment, &backends)?;
    if wanted.needs_no_index() {
        return Err(Failure::usage("there is nothing to lock, and no project in this folder")
            .hint(
                "name requirements, as in `pinnace lock flask -o pylock.toml`, or a file with `-r`",
            ));
    }
    let destination = Destination::of(arguments, &wanted, session.environment)?;
    let request = destination.prefer(wanted.request.clone(), arguments)?;
    let pending = destination.open(session.environment)?;
    let index = session.index(&arguments.index, &wanted, python)?;
    let mut notes: BTreeSet<String> = wanted.notes.iter().cloned().collect();
    notes.extend(platforms::assumed(targets.iter()));
    let resolving = Instant::now();
    let mut solved = Vec::new();
    for target in &targets {
        let builder = supply::builder(session, &index, &request, target, python);
        let supply = Supply::new(session, &index, builder.as_ref(), target);
        let resolution = solve(&supply, &index, &request, &mut notes)?;
        solved.push((target.clone(), resolution));
    }
    let resolving = resolving.elapsed();
    let lock = Lock::new(solved.iter().map(|(target, resolution)| (target, resolution)))?
        .loosened(request.loosened().cloned());
    let text = destination.text(&lock);
    if let Some(pending) = pending {
        destination.write(pending, &text)?;
    }
    let (file, entries) = (destination.file(), lock.versions().count());
    Ok(Locked { file, text, solved, entries, notes, resolving, total: session.started.elapsed() })
}

/// The arguments; where nothing is named that is required, with the project in the current folder.
fn with_project(
    arguments: &arguments::Lock,
    environment: &Environment,
    backends: &Backends<'_>,
) -> Result<arguments::Lock, Failure> {
    let (mut arguments, inputs) = (arguments.clone(), &arguments.inputs);
    if inputs.requirements.is_empty()
        && inputs.requirement_files.is_empty()
        && inputs.project.is_none()
    {
        let settings = Settings::of_project(&environment.folder, None)?;
        let own = inputs_of(&environment.folder, &settings, backends)?;
        let named = &mut arguments.inputs;
        (named.project, named.requirement_files) = (own.project, own.requirement_files);
        named.extra.extend(own.extra);
        named.group.extend(own.group);
    }
    Ok(arguments)
}

/// The files for one platform, each with its hash.
fn solve(
    supply: &Supply<'_>,
    index: &Index<'_>,
    request: &Request,
    notes: &mut BTreeSet<String>,
) -> Result<Resolution, Failure> {
    let resolution = supply.resolve(request)?;
    notes.extend(resolution.warnings().iter().cloned());
    for pin in resolution.pins().iter().filter(|pin| pin.file().address.has_query()) {
        let name = pin.project();
        notes
            .insert(format!("the query in the address of {name} may be a secret, and is left out"));
    }
    let pins = index.with_digests(resolution.pins().to_vec())?;
    Ok(resolution.with_pins(pins))
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
