//! `pinnace lock`: resolves requirements to exact files, and writes a lock.

use std::{path::Path, time::Duration};

use pinnace_build::{Env, LockSpec, Locked, lock};
use pinnace_store::Digest;
use pinnace_wheel::{Pin, ProjectName, Target, Upgrade};
use serde_json::{Value, json};

use crate::{Failure, arguments::Lock, output::Output, quantity::Count, session::Session};

pub(crate) fn run(arguments: &Lock, env: &Env, output: Output) -> Result<(), Failure> {
    let session = Session::start(env, output)?;
    let locked = || -> Result<Locked, Failure> {
        Ok(lock(&spec(arguments)?, &session.context(&arguments.index)?)?)
    };
    let locked = locked().map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let locked = locked?;
    locked.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    match locked.file {
        None => output.raw(&locked.text, &as_json(&locked)),
        Some(_) => output.result(&as_text(&locked), &as_json(&locked)),
    }
}

fn spec(arguments: &Lock) -> Result<LockSpec, Failure> {
    let mut spec = LockSpec::default();
    spec.inputs = arguments.inputs.spec();
    spec.output.clone_from(&arguments.output);
    let names = arguments.upgrade_package.iter().map(|name| name.parse::<ProjectName>());
    let names = names.collect::<Result<_, _>>()?;
    spec.upgrade = if arguments.upgrade { Upgrade::Everything } else { Upgrade::Projects(names) };
    spec.platforms = arguments.platform.spec();
    spec.solve = arguments.solve.spec();
    spec.indexes = arguments.index.spec();
    Ok(spec)
}

fn as_text(locked: &Locked) -> String {
    let file = locked.file.as_deref().unwrap_or(Path::new("-")).display();
    let platforms = Count(locked.solutions.len(), "platform");
    let entries = Count(locked.lock.versions().count(), "distribution");
    let total = locked.timings.total().as_secs_f64();
    format!("{file}: {entries} for {platforms}, in {total:.2} s")
}

fn as_json(locked: &Locked) -> Value {
    let milliseconds = |time: &Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
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
    let packages = locked
        .solutions
        .iter()
        .flat_map(|(target, solution)| solution.pins().iter().map(move |pin| package(target, pin)));
    let timings = locked.timings.steps().iter();
    let timings: serde_json::Map<String, Value> =
        timings.map(|(name, took)| (name.clone(), milliseconds(took).into())).collect();
    json!({
        "file": locked.file.as_deref().map(|file| file.display().to_string()),
        "packages": packages.collect::<Vec<_>>(),
        "lock": locked.file.is_none().then_some(&locked.text),
        "platforms": locked.solutions.iter().map(|(target, _)| target.to_string()).collect::<Vec<_>>(),
        "notes": locked.notes,
        "timings_ms": timings,
    })
}
