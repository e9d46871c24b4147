//! The assembly of a PEX file from wheels, code and settings.

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use pinnace_pex::{
    Bytecode, Compiler, EntryPoint, Pex, PexBuilder, PexInfo, ScriptTarget, WheelFiles,
    console_scripts, find_script,
};
use pinnace_store::parallel;
use pinnace_wheel::Requirement;

use crate::{
    BuildSpec, Context, Error, ErrorKind, FileSpec, Inputs, LocalDistribution, PexOutput, Program,
    ProjectMetadata, Selection, Wheel, WheelSet, interpreters::interpreter_like,
};

/// The parts of a build that a file contains.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Holds {
    /// Wheels, code and program.
    All,
    /// The wheels.
    Wheels,
    /// The code and the program.
    Code,
}

impl Holds {
    fn wheels(self) -> bool {
        self != Self::Code
    }

    fn code(self) -> bool {
        self != Self::Wheels
    }
}

/// The inputs of PEX files: specification, selections and wheels.
pub(crate) struct Assembly<'a> {
    pub(crate) spec: &'a BuildSpec,
    pub(crate) cx: &'a Context<'a>,
    pub(crate) projects: &'a ProjectMetadata<'a>,
    pub(crate) inputs: &'a Inputs,
    /// The selections, one for each platform.
    pub(crate) selections: &'a [Selection],
    /// The wheels, one set for each platform.
    pub(crate) sets: &'a [WheelSet],
}

impl Assembly<'_> {
    /// Creates the builder of a file. The output itself is left out of the code, although it may lie in its folder.
    pub(crate) fn builder(&self, holds: Holds, output: &PexOutput) -> Result<PexBuilder, Error> {
        let mut builder = PexBuilder::new();
        for set in self.sets {
            if holds.wheels() {
                set.add_to(&mut builder);
            } else {
                builder.add_platform(&set.target, []);
                builder.require_python(set.requires_python.iter().map(String::as_str));
            }
        }
        if holds.wheels() {
            builder.set_requirements(&self.requirements()?);
        }
        let file = &self.spec.file;
        apply(file, builder.info_mut())?;
        self.loosen(builder.info_mut());
        // Other tools check all requirements, and would refuse the file.
        builder.info_mut().ignore_errors |= self.spec.solve.no_deps;
        if holds.code() {
            output.own_paths().into_iter().for_each(|path| builder.leave_out(path));
            self.add_code(&mut builder)?;
            self.set_program(&mut builder)?;
        }
        if let Some(line) = &file.shebang {
            builder.set_shebang(line)?;
        }
        builder.set_wheel_form(file.wheel_form);
        builder.set_compression(file.compression);
        if file.compile {
            self.compile(&mut builder, holds)?;
        }
        Ok(builder)
    }

    /// Returns the requirements that PEX-INFO lists: those of the inputs, or all pins of a lock.
    fn requirements(&self) -> Result<Vec<Requirement>, Error> {
        if self.spec.lock.is_none() {
            let foreign =
                |requirement: &&Requirement| !self.inputs.locals.contains(requirement.name());
            return Ok(self.inputs.request.requirements().filter(foreign).cloned().collect());
        }
        let pins = self.selections.iter().flat_map(|selection| &selection.pins);
        let pinned: BTreeSet<String> =
            pins.map(|pin| format!("{}=={}", pin.project(), pin.version())).collect();
        Ok(pinned.into_iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
    }

    /// Records the projects on which requirements need not hold.
    fn loosen(&self, info: &mut PexInfo) {
        let (mut overridden, mut excluded) = (BTreeSet::new(), BTreeSet::new());
        for (there, gone) in self.selections.iter().map(Selection::overridden_and_excluded) {
            overridden.extend(there);
            excluded.extend(gone);
        }
        excluded.retain(|project| !overridden.contains(project));
        info.overridden = overridden.into_iter().collect();
        info.excluded = excluded.into_iter().collect();
    }

    fn add_code(&self, builder: &mut PexBuilder) -> Result<(), Error> {
        for folder in self.folders() {
            self.add_project(builder, folder)?;
        }
        let env = self.cx.env();
        for (name, folder) in &self.spec.packages {
            builder.add_package(name, &env.folder.join(folder))?;
        }
        for (name, folder) in &self.spec.modules {
            builder.add_module(name, &env.folder.join(folder))?;
        }
        for folder in &self.spec.sources {
            builder.add_folder(&env.folder.join(folder))?;
        }
        Ok(())
    }

    fn add_project(&self, builder: &mut PexBuilder, folder: &Path) -> Result<(), Error> {
        let (project, roots) = self.projects.local(folder)?;
        match roots.as_slice() {
            [] => builder.add_project(folder)?,
            [root] if root.is_empty() => builder.add_project(folder)?,
            roots => {
                for root in roots {
                    builder.add_folder(&folder.join(root))?;
                }
            }
        }
        for (path, text) in project.iter().flat_map(LocalDistribution::files) {
            builder.add_bytes(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Returns the folders of code, each once.
    fn folders(&self) -> BTreeSet<&PathBuf> {
        self.selections.iter().flat_map(|selection| &selection.folders).collect()
    }

    fn set_program(&self, builder: &mut PexBuilder) -> Result<(), Error> {
        match &self.spec.program {
            Program::Interpreter => {}
            Program::Script(name) => builder.set_script(self.script(name)?),
            Program::EntryPoint(entry_point) => builder.set_entry_point(entry_point.clone()),
            Program::File(file) => {
                builder.set_executable(&self.cx.env().folder.join(file))?;
            }
        }
        Ok(())
    }

    /// Finds a script in a wheel, else in a project, else in a file on the `PEX_PATH`.
    fn script(&self, name: &str) -> Result<ScriptTarget, Error> {
        let wheels = self.sets.iter().flat_map(|set| &set.wheels).map(Wheel::listed);
        let own = || self.script_of_projects(name).or_else(|| self.script_of_pex_path(name));
        match find_script(name, wheels, self.cx.cache()) {
            Ok(script) => Ok(script),
            Err(error) => Ok(own().ok_or(error)?),
        }
    }

    fn script_of_projects(&self, name: &str) -> Option<ScriptTarget> {
        let mut folders = self.selections.iter().flat_map(|selection| &selection.folders);
        folders.find_map(|folder| {
            let project = self.projects.distribution(folder).ok()??;
            let scripts = console_scripts(&project.entry_points);
            let (_, target) = scripts.iter().find(|(known, _)| known == name)?;
            EntryPoint::parse(target).ok().map(ScriptTarget::EntryPoint)
        })
    }

    fn script_of_pex_path(&self, name: &str) -> Option<ScriptTarget> {
        let path = self.spec.file.pex_path.as_deref().unwrap_or_default();
        let files = path.split(':').filter(|path| !path.is_empty());
        let mut files = files.filter_map(|path| Pex::open(&self.cx.env().folder.join(path)).ok());
        files.find_map(|pex| pex.script(name))
    }

    /// Adds bytecode that an interpreter of the platform compiles.
    fn compile(&self, builder: &mut PexBuilder, holds: Holds) -> Result<(), Error> {
        let [set] = self.sets else { return Err(ErrorKind::SeveralPlatforms.into()) };
        let (env, cache) = (self.cx.env(), self.cx.cache());
        let python = self.spec.platforms.python();
        let missing = || ErrorKind::NoPythonToCompile { target: set.target.to_string() };
        let found = interpreter_like(&set.target, python, env, cache).ok_or_else(missing)?;
        let compiler = Compiler::new(found.path())?;
        let wheels = if holds.wheels() { set.wheels.as_slice() } else { &[] };
        // Wheels are compiled in parallel, each in its own process.
        let compiled = parallel::each(wheels, env.threads, |wheel| {
            if self.cx.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
            compile_wheel(&compiler, wheel, self.cx)
        });
        for (wheel, bytecode) in wheels.iter().zip(compiled) {
            builder.add_bytecode(&wheel.name, bytecode?);
        }
        builder.compile_code(compiler);
        Ok(())
    }
}

/// Writes the start-up settings into PEX-INFO.
fn apply(file: &FileSpec, info: &mut PexInfo) -> Result<(), Error> {
    if let Some(path) = &file.pex_path {
        info.pex_path.clone_from(path);
        info.pex_paths = path.split(':').map(str::to_owned).collect();
    }
    if let Some(inherit_path) = &file.inherit_path {
        info.inherit_path.clone_from(inherit_path);
    }
    info.inject_env = file.inject_env.iter().cloned().collect();
    info.inject_args = words(&file.inject_args)?;
    info.inject_python_args = words(&file.inject_python_args)?;
    info.bind_resource_paths = file.bind_resource_paths.iter().cloned().collect();
    info.interpreter_constraints.clone_from(&file.interpreter_constraints);
    info.interpreter_selection_strategy =
        file.preference.map(|preference| preference.name().to_owned());
    info.venv = file.venv.is_some();
    info.venv_bin_path.clone_from(&file.venv);
    info.includes_tools = file.include_tools || file.venv.is_some();
    info.strip_pex_env = file.strip_pex_env;
    info.emit_warnings = file.emit_warnings;
    info.ignore_errors = file.ignore_errors;
    let properties = file.build_properties.iter().cloned();
    info.build_properties = properties.map(|(name, value)| (name, value.into())).collect();
    Ok(())
}

/// Splits lines into shell words.
fn words(lines: &[String]) -> Result<Vec<String>, Error> {
    let split = lines
        .iter()
        .map(|line| shlex::split(line).ok_or_else(|| ErrorKind::Quote { line: line.clone() }));
    Ok(split.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The cache bucket of bytecode, by the digest of the wheel and the exact interpreter.
const BYTECODE: &str = "bytecode-1";

/// Compiles a wheel, unless the cache has its bytecode.
fn compile_wheel(compiler: &Compiler, wheel: &Wheel, cx: &Context<'_>) -> Result<Bytecode, Error> {
    let cache = cx.cache();
    let key = format!("{}-{}", wheel.digest.to_hex(), compiler.identity());
    if let Some(bytes) = cache.recall(BYTECODE, &key) {
        return Ok(compiler.bytecode(bytes));
    }
    let mut zip = Vec::new();
    let fault = || Error::at("read", Path::new(wheel.name.as_str()));
    let mut file = WheelFiles::open(cache, wheel.digest.as_bytes()).map_err(fault())?;
    file.read_to_end(&mut zip).map_err(fault())?;
    let bytecode = compiler.compile(&zip)?;
    cache.remember(BYTECODE, &key, bytecode.bytes());
    Ok(bytecode)
}
