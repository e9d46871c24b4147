//! `pinnace build`: requirements and code in, one file out.

mod assemble;
mod bare;
mod report;
mod write;

use std::path::Path;

use pinnace_deploy::{Ask, LocalBuilder};
use pinnace_pex::InterpreterConstraint;
use pinnace_wheel::{Index, ScriptMetadata, Target};

use crate::{
    Failure,
    arguments::{Build, LayoutName},
    backends::Backends,
    choose::{Chooser, Chosen, Wheel, check},
    environment::Environment,
    inputs::{Wanted, check_names},
    platforms::{self, Constrained, Preference},
    prepare::prepare,
    progress::Output,
    session::Session,
    supply::{self, Supply},
    timings::Timings,
};

use report::Built;

pub(crate) fn run(
    arguments: &Build,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let arguments = &with_script(arguments, environment)?;
    check_arguments(arguments)?;
    let session = Session::start(environment, &arguments.index, output)?;
    let built = built(arguments, &session).map_err(|failure| session.interrupt.explain(failure));
    session.reporter.clear();
    let built = built?;
    built.notes.iter().for_each(|note| output.say(format!("warning: {note}")));
    output.result(&built.as_text(), &built.as_json())
}

fn built(arguments: &Build, session: &Session<'_>) -> Result<Built, Failure> {
    let environment = session.environment;
    if !names_nothing(arguments) {
        let targets = targets(arguments, session)?;
        let python = arguments.platform.python();
        let backends = Backends::new(session, &arguments.index, targets.first(), python);
        return build(arguments, &targets, &backends, session);
    }
    let settings = bare::settings(environment)?;
    prepare(&settings, &environment.folder, session)?;
    let arguments = bare::with_platform(arguments.clone(), &settings);
    let targets = targets(&arguments, session)?;
    let (given, python) = (arguments.index.clone(), arguments.platform.python().map(str::to_owned));
    let backends = Backends::new(session, &given, targets.first(), python.as_deref()).for_project(
        &environment.folder,
        &settings,
        Ask::IfChanged,
    );
    let (arguments, notes) = bare::with_project(arguments, &settings, &backends, environment)?;
    let mut built = build(&arguments, &targets, &backends, session)?;
    built.notes.extend(notes);
    Ok(built)
}

fn build(
    arguments: &Build,
    targets: &[Target],
    backends: &Backends<'_>,
    session: &Session<'_>,
) -> Result<Built, Failure> {
    let Some(output) = arguments.output.as_deref() else {
        return Err(Failure::usage("no file to write is named")
            .hint("name it with `--output`, as in `pinnace build flask -o app.pex`"));
    };
    let environment = session.environment;
    let wanted = Wanted::read(&arguments.inputs, &arguments.solve, environment, backends)?;
    Job { arguments, output, targets, backends, wanted, session, environment }.run()
}

struct Job<'a> {
    arguments: &'a Build,
    /// The file to write, or the folder of them.
    output: &'a Path,
    targets: &'a [Target],
    backends: &'a Backends<'a>,
    wanted: Wanted,
    session: &'a Session<'a>,
    environment: &'a Environment,
}

/// A platform, and the wheels for it.
struct Part {
    target: Target,
    wheels: Vec<Wheel>,
    /// The versions of Python that they run on.
    python: Vec<String>,
}

impl Job<'_> {
    fn run(&self) -> Result<Built, Failure> {
        let mut timings = Timings::default();
        let outputs = self.outputs()?;
        timings.lap("probe");
        let (chooser, python) = (self.chooser(), self.arguments.platform.python());
        let locked = self.locked(&chooser)?;
        let index = self.index(locked.as_deref().unwrap_or_default())?;
        let (targets, request) = (self.targets, &self.wanted.request);
        let builders: Vec<Option<LocalBuilder<'_>>> = targets
            .iter()
            .map(|target| supply::builder(self.session, &index, request, target, python))
            .collect();
        let supplies: Vec<Supply<'_>> = targets
            .iter()
            .zip(&builders)
            .map(|(target, builder)| Supply::new(self.session, &index, builder.as_ref(), target))
            .collect();
        let mut chosen: Vec<Chosen> = match locked {
            Some(locked) => locked,
            None => supplies.iter().map(|one| chooser.choose(one)).collect::<Result<_, _>>()?,
        };
        timings.lap("resolve");
        let parts = self.parts(&supplies, &mut chosen)?;
        timings.lap("download");
        let files = self.write(outputs, &parts, &chosen).or_else(|failure| {
            // A wheel that was damaged on disk is fetched again, once.
            let digests = parts.iter().flat_map(|part| &part.wheels).map(|one| &one.sha256);
            let damaged = self.session.storage.remove_damaged(digests)?;
            if !damaged || self.session.interrupt.is_set() {
                return Err(failure);
            }
            for (supply, chosen) in supplies.iter().zip(&chosen) {
                supply.wheels(&chosen.pins)?;
            }
            self.write(self.outputs()?, &parts, &chosen)
        })?;
        timings.lap("write");
        timings.total(self.session.started);
        let file = self.output.display().to_string();
        let is_large = files.iter().any(|(_, written)| written.is_large);
        let notes = self.notes(&parts, chosen, is_large);
        let wheels = distinct(parts);
        Ok(Built { file, files, wheels, timings: timings.laps, notes })
    }

    /// Where files come from. Although a lock says which, what backends require comes from somewhere.
    fn index(&self, locked: &[Chosen]) -> Result<Index<'_>, Failure> {
        let (session, python) = (self.session, self.arguments.platform.python());
        match locked.iter().any(Chosen::needs_build) {
            true => session.index(&self.arguments.index, &self.wanted.of_backends(), python),
            false => session.index(&self.arguments.index, &self.wanted, python),
        }
    }

    /// The wheels for each platform, on this machine and checked as a whole.
    fn parts(&self, supplies: &[Supply<'_>], chosen: &mut [Chosen]) -> Result<Vec<Part>, Failure> {
        let (machine, threads) = (self.session.storage.machine(), self.environment.threads);
        let mut parts = Vec::new();
        for ((target, supply), chosen) in self.targets.iter().zip(supplies).zip(chosen) {
            let (wheels, notes) = supply.wheels(&chosen.pins)?;
            let checked = check(chosen, &wheels, target, machine, threads)?;
            chosen.notes.extend(notes.into_iter().chain(checked.notes));
            parts.push(Part { target: target.clone(), wheels, python: checked.python });
        }
        Ok(parts)
    }

    /// What the lock that is named has for each platform.
    fn locked(&self, chooser: &Chooser<'_>) -> Result<Option<Vec<Chosen>>, Failure> {
        let Some(file) = &self.arguments.lock else { return Ok(None) };
        let path = self.environment.folder.join(file);
        let mut locked = Vec::new();
        for target in self.targets {
            let mut chosen = chooser.locked(&path, target)?;
            chosen.check_lock(file, &self.wanted, target)?;
            let left_alone = chosen.left_alone.iter();
            chosen.notes.extend(left_alone.map(|folder| {
                let (name, path) = (&folder.project, folder.path.display());
                format!("`{name}` in `{path}` is no package, and not in the file; `-D` adds it")
            }));
            locked.push(chosen);
        }
        Ok(Some(locked))
    }

    fn chooser(&self) -> Chooser<'_> {
        Chooser {
            inputs: &self.arguments.inputs,
            is_of_project: self.arguments.inputs.project.is_some(),
            is_intransitive: self.arguments.solve.no_deps,
            wanted: &self.wanted,
        }
    }

    fn notes(&self, parts: &[Part], chosen: Vec<Chosen>, is_large: bool) -> Vec<String> {
        let assumed = platforms::assumed(parts.iter().map(|part| &part.target));
        let mut notes = self.wanted.notes.clone();
        notes.extend(assumed.into_iter().chain(chosen.into_iter().flat_map(|one| one.notes)));
        if is_large {
            notes.push(
                "the file is so large that `python FILE` works from Python 3.13 on only; `./FILE` \
                 works with all, and so does `--layout packed`"
                    .to_owned(),
            );
        }
        notes.dedup();
        notes
    }
}

/// The platforms, of which each is one that the constraints allow.
fn targets(arguments: &Build, session: &Session<'_>) -> Result<Vec<Target>, Failure> {
    let start = &arguments.start;
    let constraints = start.interpreter_constraint.iter().map(|text| text.parse());
    let constraints: Vec<InterpreterConstraint> =
        constraints.collect::<Result<_, pinnace_pex::Error>>()?;
    let newest = start.interpreter_selection_strategy.as_deref() == Some("newest");
    let preference = if newest { Preference::Newest } else { Preference::Oldest };
    let wanted = Constrained { constraints: &constraints, preference };
    wanted.targets(&arguments.platform, session.environment, &session.storage)
}

/// The wheels of all platforms, each once.
fn distinct(parts: Vec<Part>) -> Vec<Wheel> {
    let mut wheels: Vec<Wheel> = parts.into_iter().flat_map(|part| part.wheels).collect();
    wheels.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    wheels.dedup_by(|a, b| a.name == b.name && a.sha256 == b.sha256);
    wheels
}

/// The arguments with what the program's own `script` block asks for.
fn with_script(arguments: &Build, environment: &Environment) -> Result<Build, Failure> {
    let mut arguments = arguments.clone();
    let file = arguments.run.executable.as_ref().map(|file| environment.folder.join(file));
    let Some(file) = file.filter(|file| !arguments.no_pep723 && file.is_file()) else {
        return Ok(arguments);
    };
    let source = std::fs::read(&file)
        .map_err(|error| Failure::io(&format!("cannot read `{}`", file.display()), &error))?;
    let source = String::from_utf8_lossy(&source);
    if let Some(asked) = ScriptMetadata::parse(&source, &file.display().to_string())? {
        if arguments.lock.is_none() {
            arguments.inputs.requirements.extend(asked.dependencies);
        }
        let own = std::mem::take(&mut arguments.start.interpreter_constraint);
        arguments.start.interpreter_constraint =
            InterpreterConstraint::both(own, asked.requires_python.into_iter().collect())
                .map_err(|error| Failure::usage(error.to_string()))?;
    }
    Ok(arguments)
}

fn check_arguments(arguments: &Build) -> Result<(), Failure> {
    for constraint in &arguments.start.interpreter_constraint {
        constraint
            .parse::<InterpreterConstraint>()
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    let (run, inputs) = (&arguments.run, &arguments.inputs);
    if let Some(folder) = arguments.sources.iter().find(|folder| !folder.is_dir()) {
        return Err(Failure::usage(format!("`-D {}` is no folder", folder.display())));
    }
    if let Some(file) = run.executable.iter().find(|file| !file.is_file()) {
        return Err(Failure::usage(format!("`--exe {}` is no file", file.display())));
    }
    let runs = run.script.is_some() || run.entry.is_some() || run.executable.is_some();
    if arguments.start.form.layout == LayoutName::Flat
        && (runs || arguments.start.is_about_starts())
    {
        return Err(Failure::usage(
            "nothing of a `flat` layout starts: what runs, and how, is for others to say",
        )
        .hint("leave those options out, or take another `--layout`"));
    }
    if arguments.lock.is_none() && !names_nothing(arguments) {
        check_names(inputs)?;
    }
    if arguments.split && arguments.start.form.layout == LayoutName::Flat {
        return Err(Failure::usage("nothing of a `flat` layout is on a `PEX_PATH`")
            .hint("leave `--split` out, or take another `--layout`"));
    }
    Ok(())
}

/// Whether nothing is named that goes into the file: then it is the project in the current folder.
fn names_nothing(arguments: &Build) -> bool {
    let (run, inputs) = (&arguments.run, &arguments.inputs);
    inputs.requirements.is_empty()
        && inputs.requirement_files.is_empty()
        && inputs.project.is_none()
        && arguments.lock.is_none()
        && arguments.sources.is_empty()
        && arguments.add_package.is_empty()
        && arguments.add_module.is_empty()
        && run.executable.is_none()
        && run.entry.is_none()
        && !arguments.empty
}
