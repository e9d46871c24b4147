use std::{collections::BTreeSet, path::PathBuf};

use pinnace_wheel::{Index, Lock, ProjectName, Request, Resolution, Target, Upgrade};

use crate::{
    Context, Error, ErrorKind, IndexSpec, InputSpec, Inputs, PlatformSpec, ProjectMetadata,
    Settings, SolveSpec, Timings, WheelSource, assumptions, local_builder, lock_output::LockOutput,
    targets,
};

/// The complete specification of a lock.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LockSpec {
    /// The requirements; by default, those of the project in the current folder.
    pub inputs: InputSpec,
    /// The output: a `pylock.toml`, a requirements file if its name ends in `.txt`, or `-` to write none.
    pub output: PathBuf,
    /// The projects to upgrade, regardless of the earlier lock.
    pub upgrade: Upgrade,
    /// The platforms that the lock covers.
    pub platforms: PlatformSpec,
    /// The rules of the resolver.
    pub solve: SolveSpec,
    /// The indexes.
    pub indexes: IndexSpec,
}

/// A finished lock.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Locked {
    /// The file that was written, as the caller named it; `None` if the output was `-`.
    pub file: Option<PathBuf>,
    /// The text of the lock.
    pub text: String,
    /// The lock.
    pub lock: Lock,
    /// The resolution for each platform.
    pub solutions: Vec<(Target, Resolution)>,
    /// Notes for the user.
    pub notes: BTreeSet<String>,
    /// The duration of each step.
    pub timings: Timings,
}

/// Resolves requirements for one or more platforms, and writes the pins into a lock (PEP 751). Keeps versions
/// of the earlier lock that satisfy the requirements, unless they are to be upgraded.
///
/// # Errors
///
/// Returns an error if the requirements cannot be satisfied, or the output is not a lock or cannot be written.
pub fn lock(spec: &LockSpec, cx: &Context<'_>) -> Result<Locked, Error> {
    let env = cx.env();
    let targets = targets(&spec.platforms, env, cx.cache())?;
    let python = spec.platforms.python();
    let projects = ProjectMetadata::new(cx, &spec.indexes, targets.first(), python);
    let named = with_project(&spec.inputs, cx, &projects)?;
    named.check_without_lock()?;
    let inputs = Inputs::read(&named, &spec.solve, env, &projects)?;
    if inputs.is_empty() {
        return Err(ErrorKind::NothingToLock.into());
    }
    let output = LockOutput::new(&spec.output, &inputs, env)?;
    let locked = output.locked()?;
    if let Some(project) = spec.upgrade.unknown(&locked) {
        let (path, project) = (spec.output.clone(), project.to_string());
        return Err(ErrorKind::NothingToUpgrade { path, project }.into());
    }
    let request = inputs.request.clone().updating(&locked, &spec.upgrade);
    let pending = output.create(env)?;
    let index = inputs.index(cx, &spec.indexes, python)?;
    let mut notes: BTreeSet<String> = inputs.notes.iter().cloned().collect();
    notes.extend(assumptions(targets.iter()));
    let mut timings = Timings::since(cx.started());
    let mut solutions = Vec::new();
    for target in targets {
        let builder = local_builder(cx, &index, &request, &target, python);
        let source = WheelSource::new(cx, &index, builder.as_ref(), &target);
        let resolution = solve(&source, &index, &request, &mut notes)?;
        solutions.push((target, resolution));
    }
    timings.end_step("resolve");
    let lock = Lock::new(solutions.iter().map(|(target, resolution)| (target, resolution)))?
        .loosened(request.loosened().cloned());
    let text = output.text(&lock);
    if let Some(pending) = pending {
        output.write(pending, &text)?;
    }
    timings.finish();
    Ok(Locked { file: output.file(), text, lock, solutions, notes, timings })
}

/// Returns the inputs; if they have no requirements, adds those of the project in the current folder.
fn with_project(
    named: &InputSpec,
    cx: &Context<'_>,
    projects: &ProjectMetadata<'_>,
) -> Result<InputSpec, Error> {
    let mut inputs = named.clone();
    if inputs.is_empty() {
        let folder = &cx.env().folder;
        let settings = Settings::of_project(folder, None)?;
        let own = InputSpec::of_project(folder, &settings, projects)?;
        (inputs.project, inputs.requirement_files) = (own.project, own.requirement_files);
        inputs.extras.extend(own.extras);
        inputs.groups.extend(own.groups);
    }
    Ok(inputs)
}

/// Resolves for one platform, and completes the pins with digests.
fn solve(
    source: &WheelSource<'_>,
    index: &Index<'_>,
    request: &Request,
    notes: &mut BTreeSet<String>,
) -> Result<Resolution, Error> {
    let resolution = source.resolve(request)?;
    notes.extend(resolution.warnings().iter().cloned());
    let has_query = resolution.pins().iter().filter(|pin| pin.file().address.has_query());
    let secret = |name: &ProjectName| {
        format!("the query in the address of {name} may be a secret, and is left out")
    };
    notes.extend(has_query.map(|pin| secret(pin.project())));
    let pins = index.with_digests(resolution.pins().to_vec())?;
    Ok(resolution.with_pins(pins))
}
