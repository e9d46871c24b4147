use std::path::PathBuf;

use pinnace_pex::InterpreterConstraint;
use pinnace_wheel::{Requirement, ScriptMetadata, Target};

use crate::{
    BuildSpec, Built, Cache, Context, Env, Error, Preference, Program, ProjectDefaults,
    ProjectMetadata, Refresh, ScriptBlock, Settings, build_job::BuildJob, platforms::Constrained,
    prepare,
};

/// A build of a PEX file from requirements, code and a program.
///
/// The methods fill a [`BuildSpec`]. [`Self::from_spec`] takes a complete one.
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
    context: BuildContext<'a>,
    spec: BuildSpec,
}

/// The context of a build.
#[derive(Debug)]
enum BuildContext<'a> {
    /// The build creates its own.
    Own { env: &'a Env, cache: &'a Cache },
    /// The caller shares one.
    Shared(&'a Context<'a>),
}

impl<'a> Build<'a> {
    /// Creates a build without progress reports. Without further calls, it builds the project in the current
    /// folder.
    pub fn new(env: &'a Env, cache: &'a Cache) -> Self {
        Self { context: BuildContext::Own { env, cache }, spec: BuildSpec::default() }
    }

    /// Creates a build in a context, which supplies network, progress and cancellation.
    pub fn with_context(cx: &'a Context<'a>) -> Self {
        Self::from_spec(cx, BuildSpec::default())
    }

    /// Creates a build from a complete specification.
    pub fn from_spec(cx: &'a Context<'a>, spec: BuildSpec) -> Self {
        Self { context: BuildContext::Shared(cx), spec }
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

    /// Sets a lock (`pylock.toml` or `uv.lock`), whose files are used instead of resolving.
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

    /// Adds a platform such as `manylinux_2_28_x86_64-cp312`. By default, the file is for the platform of the
    /// default interpreter of this machine.
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

    /// Applies a function to the specification, to set fields that have no method.
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

    /// Builds, and writes the file that the specification names. For the project in the current folder, the
    /// default is the project's name.
    ///
    /// # Errors
    ///
    /// See [`Self::write`].
    pub fn run(self) -> Result<Built, Error> {
        match self.context {
            BuildContext::Own { env, cache } => run(self.spec, &Context::new(env, cache)?),
            BuildContext::Shared(cx) => run(self.spec, cx),
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
    BuildJob::read(&spec, &targets, &projects, cx)?.run()
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
    let mut built = BuildJob::read(&spec, &targets, &projects, cx)?.run()?;
    built.notes.extend(notes);
    Ok(built)
}

/// Returns the platforms, after checking them against the interpreter constraints.
fn targets(spec: &BuildSpec, cx: &Context<'_>) -> Result<Vec<Target>, Error> {
    let constraints = spec.file.interpreter_constraints.iter().map(|text| text.parse());
    let constraints: Vec<InterpreterConstraint> =
        constraints.collect::<Result<_, pinnace_pex::Error>>()?;
    let preference = spec.file.preference.unwrap_or(Preference::Oldest);
    let constrained = Constrained { constraints: &constraints, preference };
    constrained.targets(&spec.platforms, cx.env(), cx.cache())
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
