use std::path::{Path, PathBuf};

use pinnace_pex::InterpreterConstraint;
use pinnace_wheel::{Index, Requirement, ScriptMetadata, Target};

use crate::{
    BuildSpec, Cache, Context, Env, Error, ErrorKind, Inputs, LocalBuilder, LockOptions, PexOutput,
    PexWritten, Preference, Program, ProjectDefaults, ProjectMetadata, Refresh, Requirements,
    ScriptBlock, Selection, Settings, Split, Timings, Wheel, WheelSet, WheelSource,
    assemble::{Assembly, Holds},
    local_builder,
    platforms::{Constrained, assumptions},
    prepare,
};

/// A build of a PEX file: requirements, code and a program in, one file out.
///
/// The methods add to a [`BuildSpec`], which can also be [given whole](Self::from_spec).
///
/// ```no_run
/// use pinnace_build::{Build, Cache, Env, Program};
///
/// let env = Env::read()?;
/// let cache = Cache::open(&env.cache_folder()?)?;
/// let built = Build::new(&env, &cache)
///     .require("flask>=3")?
///     .code("src")
///     .platform("manylinux_2_28_x86_64-cp312")?
///     .program(Program::entry_point("app:main")?)
///     .write("app.pex")?;
/// println!("{} with {} wheels", built.output.display(), built.wheels.len());
/// # Ok::<(), pinnace_build::Error>(())
/// ```
#[derive(Debug)]
pub struct Build<'a> {
    means: Means<'a>,
    spec: BuildSpec,
}

#[derive(Debug)]
enum Means<'a> {
    Own { env: &'a Env, cache: &'a Cache },
    Given(&'a Context<'a>),
}

/// A finished build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Built {
    /// The file, or the folder of two files.
    pub output: PathBuf,
    /// Each file that was written.
    pub files: Vec<BuiltFile>,
    /// The wheels of all platforms, each once, sorted by name.
    pub wheels: Vec<Wheel>,
    /// The steps, and how long each took.
    pub timings: Timings,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// A file of a finished build.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BuiltFile {
    /// The path, as it was named.
    pub path: PathBuf,
    /// The size and digests.
    pub written: PexWritten,
}

impl<'a> Build<'a> {
    /// Starts a build that reports nothing. Without anything added, it builds the project in the current
    /// folder.
    pub fn new(env: &'a Env, cache: &'a Cache) -> Self {
        Self { means: Means::Own { env, cache }, spec: BuildSpec::default() }
    }

    /// Starts a build with the means of a context: network, progress and cancellation.
    pub fn with_context(cx: &'a Context<'a>) -> Self {
        Self::from_spec(cx, BuildSpec::default())
    }

    /// Starts a build of a complete specification.
    pub fn from_spec(cx: &'a Context<'a>, spec: BuildSpec) -> Self {
        Self { means: Means::Given(cx), spec }
    }

    /// Adds a requirement (PEP 508).
    ///
    /// # Errors
    ///
    /// Returns an error if it is malformed.
    pub fn require(mut self, requirement: &str) -> Result<Self, Error> {
        requirement.parse::<Requirement>()?;
        self.spec.inputs.requirements.push(requirement.to_owned());
        Ok(self)
    }

    /// Takes the files of a lock (`pylock.toml` or `uv.lock`) instead of resolving.
    #[must_use]
    pub fn lock(mut self, file: impl Into<PathBuf>) -> Self {
        self.spec.lock = Some(file.into());
        self
    }

    /// Adds the contents of a folder as code.
    #[must_use]
    pub fn code(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spec.sources.push(folder.into());
        self
    }

    /// Adds a platform such as `manylinux_2_28_x86_64-cp312`. Without any, the file is for the default
    /// interpreter of this machine.
    ///
    /// # Errors
    ///
    /// Returns an error if it is malformed.
    pub fn platform(mut self, platform: &str) -> Result<Self, Error> {
        platform.parse::<Target>()?;
        self.spec.platforms.platforms.push(platform.to_owned());
        Ok(self)
    }

    /// Sets the program that the file runs.
    #[must_use]
    pub fn program(mut self, program: Program) -> Self {
        self.spec.program = program;
        self
    }

    /// Sets the index.
    #[must_use]
    pub fn index(mut self, url: impl Into<String>) -> Self {
        self.spec.indexes.index_url = Some(url.into());
        self
    }

    /// Changes any part of the specification.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut BuildSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    /// Builds, and writes the file at this path.
    ///
    /// # Errors
    ///
    /// Returns an error if the requirements cannot be satisfied, a wheel cannot be downloaded or built, or
    /// the file cannot be written. A file that was there before is then unchanged.
    pub fn write(mut self, path: impl Into<PathBuf>) -> Result<Built, Error> {
        self.spec.output = Some(path.into());
        self.run()
    }

    /// Builds, and writes the file that the specification names. For a project in the current folder, it
    /// defaults to the project's name.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub fn run(self) -> Result<Built, Error> {
        match self.means {
            Means::Own { env, cache } => run(self.spec, &Context::new(env, cache)?),
            Means::Given(cx) => run(self.spec, cx),
        }
    }
}

fn run(mut spec: BuildSpec, cx: &Context<'_>) -> Result<Built, Error> {
    add_script_block(&mut spec, cx.env())?;
    if spec.means_project() {
        return run_project(spec, cx);
    }
    if spec.lock.is_none() {
        spec.inputs.check_without_lock()?;
    }
    let targets = targets(&spec, cx)?;
    let python = spec.platforms.python();
    let projects = ProjectMetadata::new(cx, &spec.indexes, targets.first(), python);
    Job::read(&spec, &targets, &projects, cx)?.run()
}

/// Builds the project in the current folder.
fn run_project(mut spec: BuildSpec, cx: &Context<'_>) -> Result<Built, Error> {
    let folder = &cx.env().folder;
    let settings = Settings::of_project(folder, None)?;
    prepare(&settings, folder, cx.progress())?;
    let defaults = ProjectDefaults::new(folder, &settings);
    defaults.complete_platforms(&mut spec.platforms);
    let targets = targets(&spec, cx)?;
    let python = spec.platforms.python();
    let projects = ProjectMetadata::new(cx, &spec.indexes, targets.first(), python).for_project(
        folder,
        &settings,
        Refresh::IfChanged,
    );
    let notes = defaults.complete(&mut spec, &projects)?;
    let mut built = Job::read(&spec, &targets, &projects, cx)?.run()?;
    built.notes.extend(notes);
    Ok(built)
}

/// One build, whose inputs were read.
struct Job<'a> {
    spec: &'a BuildSpec,
    output: &'a Path,
    targets: &'a [Target],
    projects: &'a ProjectMetadata<'a>,
    inputs: Inputs,
    cx: &'a Context<'a>,
}

impl<'a> Job<'a> {
    fn read(
        spec: &'a BuildSpec,
        targets: &'a [Target],
        projects: &'a ProjectMetadata<'a>,
        cx: &'a Context<'a>,
    ) -> Result<Self, Error> {
        let output = spec.output.as_deref().ok_or(ErrorKind::NoOutput)?;
        let inputs = Inputs::read(&spec.inputs, &spec.solve, cx.env(), projects)?;
        Ok(Self { spec, output, targets, projects, inputs, cx })
    }

    fn run(&self) -> Result<Built, Error> {
        let mut timings = Timings::since(self.cx.started());
        let outputs = self.outputs()?;
        timings.end_step("probe");
        let locked = self.locked()?;
        let index = self.index(locked.as_deref().unwrap_or_default())?;
        let builders = self.builders(&index);
        let sources: Vec<WheelSource<'_>> = self
            .targets
            .iter()
            .zip(&builders)
            .map(|(target, builder)| WheelSource::new(self.cx, &index, builder.as_ref(), target))
            .collect();
        let selections = match locked {
            Some(locked) => locked,
            None => sources.iter().map(|one| self.select(one)).collect::<Result<_, _>>()?,
        };
        timings.end_step("resolve");
        let pairs = || sources.iter().zip(&selections);
        let sets = pairs().map(|(source, selection)| source.wheels(selection));
        let sets: Vec<WheelSet> = sets.collect::<Result<_, _>>()?;
        timings.end_step("download");
        let files = self.write(outputs, &selections, &sets).or_else(|error| {
            // A wheel that was damaged on disk is downloaded again, once.
            let digests = sets.iter().flat_map(|set| &set.wheels).map(|wheel| &wheel.digest);
            if !self.cx.cache().remove_damaged(digests)? || self.cx.is_cancelled() {
                return Err(error);
            }
            pairs().try_for_each(|(source, one)| source.fetch(&one.pins).map(drop))?;
            self.write(self.outputs()?, &selections, &sets)
        })?;
        timings.end_step("write");
        timings.finish();
        let notes = self.notes(&selections, &sets, &files);
        let wheels = distinct(sets);
        Ok(Built { output: self.output.to_owned(), files, wheels, timings, notes })
    }

    fn select(&self, source: &WheelSource<'_>) -> Result<Selection, Error> {
        let ignored = self.spec.solve.no_deps;
        let requirements = if ignored { Requirements::Ignored } else { Requirements::All };
        source.select(&self.inputs.request, &self.inputs, requirements)
    }

    /// Returns the index. Although a lock names all files, requirements of backends come from an index.
    fn index(&self, locked: &[Selection]) -> Result<Index<'_>, Error> {
        let (indexes, python) = (&self.spec.indexes, self.spec.platforms.python());
        if locked.iter().any(Selection::needs_build) {
            return self.inputs.backend_index(self.cx, indexes, python);
        }
        self.inputs.index(self.cx, indexes, python)
    }

    fn builders<'i>(&'i self, index: &'i Index<'i>) -> Vec<Option<LocalBuilder<'i>>> {
        let python = self.spec.platforms.python();
        let builder = |target| local_builder(self.cx, index, &self.inputs.request, target, python);
        self.targets.iter().map(builder).collect()
    }

    /// Returns the files of the lock for each platform, if a lock is named.
    fn locked(&self) -> Result<Option<Vec<Selection>>, Error> {
        let Some(file) = &self.spec.lock else { return Ok(None) };
        let path = self.cx.env().folder.join(file);
        let spec = &self.spec.inputs;
        let is_of_project = spec.project.is_some();
        let options = if is_of_project { LockOptions::OfProject } else { LockOptions::Named };
        let mut locked = Vec::new();
        for target in self.targets {
            let mut selection = Selection::from_lock(&path, spec, options, target)?;
            selection.add_folders(&self.inputs);
            selection.check_lock(file, &self.inputs, target)?;
            let others = selection.other_folders.iter().map(|folder| {
                let (name, path) = (&folder.project, folder.path.display());
                format!("`{name}` in `{path}` is no package, and not in the file; `-D` adds it")
            });
            let others: Vec<String> = others.collect();
            selection.notes.extend(others);
            locked.push(selection);
        }
        Ok(Some(locked))
    }

    /// Opens the outputs, so that a place that cannot be written to is known before any download.
    fn outputs(&self) -> Result<Vec<(PathBuf, Holds, PexOutput)>, Error> {
        let env = self.cx.env();
        let open = |path: PathBuf, holds| {
            let output = PexOutput::open(&path, self.spec.file.layout, env)?;
            Ok((path, holds, output))
        };
        if self.spec.split == Split::One {
            return Ok(vec![open(self.output.to_owned(), Holds::All)?]);
        }
        let folder = env.folder.join(self.output);
        std::fs::create_dir_all(&folder).map_err(Error::at("create the folder", &folder))?;
        [("deps.pex", Holds::Wheels), ("source.pex", Holds::Code)]
            .into_iter()
            .map(|(name, holds)| open(self.output.join(name), holds))
            .collect()
    }

    fn write(
        &self,
        outputs: Vec<(PathBuf, Holds, PexOutput)>,
        selections: &[Selection],
        sets: &[WheelSet],
    ) -> Result<Vec<BuiltFile>, Error> {
        let (spec, cx, projects, inputs) = (self.spec, self.cx, self.projects, &self.inputs);
        let assembly = Assembly { spec, cx, projects, inputs, selections, sets };
        let mut files = Vec::new();
        for (path, holds, output) in outputs {
            let builder = assembly.builder(holds, &output)?;
            let threads = cx.env().threads;
            let written = output.write(&builder, cx.cache(), cx.progress(), threads)?;
            files.push(BuiltFile { path, written });
        }
        Ok(files)
    }

    fn notes(
        &self,
        selections: &[Selection],
        sets: &[WheelSet],
        files: &[BuiltFile],
    ) -> Vec<String> {
        let assumed = assumptions(sets.iter().map(|set| &set.target));
        let mut notes = self.inputs.notes.clone();
        notes.extend(assumed);
        for (selection, set) in selections.iter().zip(sets) {
            notes.extend(selection.notes.iter().chain(&set.notes).cloned());
        }
        if files.iter().any(|file| file.written.is_large) {
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

/// Returns the platforms, each of which the interpreter constraints allow.
fn targets(spec: &BuildSpec, cx: &Context<'_>) -> Result<Vec<Target>, Error> {
    let constraints = spec.file.interpreter_constraints.iter().map(|text| text.parse());
    let constraints: Vec<InterpreterConstraint> =
        constraints.collect::<Result<_, pinnace_pex::Error>>()?;
    let preference = spec.file.preference.unwrap_or(Preference::Oldest);
    let constrained = Constrained { constraints: &constraints, preference };
    constrained.targets(&spec.platforms, cx.env(), cx.cache())
}

/// Returns the wheels of all platforms, each once.
fn distinct(sets: Vec<WheelSet>) -> Vec<Wheel> {
    let mut wheels: Vec<Wheel> = sets.into_iter().flat_map(|set| set.wheels).collect();
    wheels.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    wheels.dedup_by(|a, b| a.name == b.name && a.digest == b.digest);
    wheels
}

/// Adds the requirements and the Python versions of the program's own `script` block (PEP 723).
fn add_script_block(spec: &mut BuildSpec, env: &Env) -> Result<(), Error> {
    let Program::File(file) = &spec.program else { return Ok(()) };
    let file = env.folder.join(file);
    if spec.script_block == ScriptBlock::Ignored || !file.is_file() {
        return Ok(());
    }
    let source = std::fs::read(&file).map_err(Error::at("read", &file))?;
    let source = String::from_utf8_lossy(&source);
    let Some(block) = ScriptMetadata::parse(&source, &file.display().to_string())? else {
        return Ok(());
    };
    if spec.lock.is_none() {
        spec.inputs.requirements.extend(block.dependencies);
    }
    let own = std::mem::take(&mut spec.file.interpreter_constraints);
    spec.file.interpreter_constraints =
        InterpreterConstraint::both(own, block.requires_python.into_iter().collect())?;
    Ok(())
}
