//! From what was chosen to a PEX file that is ready to be written.

use std::{collections::BTreeSet, path::PathBuf};

use pinnace_deploy::LocalDistribution;
use pinnace_pex::{
    Bytecode, Compiler, EntryPoint, Pex, PexBuilder, PexInfo, ScriptTarget, WheelFiles,
    console_scripts, find_script,
};
use pinnace_store::parallel;
use pinnace_wheel::{Cache, Requirement};

use super::{
    Job, Part,
    write::{Holds, Output},
};
use crate::{
    Failure,
    arguments::StartArguments,
    choose::{Chosen, Wheel},
    destination::Destination,
    storage::read_all,
    supply::interpreter_like,
};

impl Job<'_> {
    pub(super) fn builder(
        &self,
        parts: &[Part],
        chosen: &[Chosen],
        out: &Output,
    ) -> Result<PexBuilder, Failure> {
        let mut builder = PexBuilder::new();
        for part in parts {
            let wheels = part.wheels.iter().filter(|_| out.holds.wheels());
            builder.add_platform(&part.target, wheels.map(|one| (&one.name, one.sha256)));
            builder.require_python(part.python.iter().map(String::as_str));
        }
        if out.holds.wheels() {
            builder.set_requirements(&self.requirements(chosen)?);
        }
        let start = &self.arguments.start;
        settle(builder.info_mut(), start)?;
        loosen(builder.info_mut(), chosen);
        // Other tools look for what is required, and would refuse the file.
        builder.info_mut().ignore_errors |= self.arguments.solve.no_deps;
        if out.holds.code() {
            self.add_code(&mut builder, chosen, &out.destination)?;
            self.set_program(&mut builder, parts, chosen)?;
        }
        if let Some(line) = &start.python_shebang {
            builder.set_shebang(line)?;
        }
        start.form.apply(&mut builder);
        if start.compile {
            self.compile(&mut builder, parts, out.holds)?;
        }
        Ok(builder)
    }

    /// What the file says that it satisfies: what was asked for, or all that a lock pins.
    fn requirements(&self, chosen: &[Chosen]) -> Result<Vec<Requirement>, Failure> {
        if self.arguments.lock.is_none() {
            let local = |one: &&Requirement| !self.wanted.locals.contains(one.name());
            return Ok(self.wanted.request.requirements().filter(local).cloned().collect());
        }
        let pins = chosen.iter().flat_map(|one| &one.pins);
        let pinned: BTreeSet<String> =
            pins.map(|pin| format!("{}=={}", pin.project(), pin.version())).collect();
        Ok(pinned.into_iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
    }

    fn add_code(
        &self,
        builder: &mut PexBuilder,
        chosen: &[Chosen],
        out: &Destination,
    ) -> Result<(), Failure> {
        out.left_out().into_iter().for_each(|path| builder.leave_out(path));
        let folders: BTreeSet<&PathBuf> = chosen.iter().flat_map(|one| &one.folders).collect();
        for folder in folders {
            let (project, roots) = self.backends.local(folder)?;
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
        }
        let place = |text: &String| {
            let (name, folder) = text.split_once('@').unwrap_or((text, ""));
            (name.to_owned(), self.environment.folder.join(folder))
        };
        for (name, folder) in self.arguments.add_package.iter().map(place) {
            builder.add_package(&name, &folder)?;
        }
        for (name, folder) in self.arguments.add_module.iter().map(place) {
            builder.add_module(&name, &folder)?;
        }
        for folder in &self.arguments.sources {
            builder.add_folder(&self.environment.folder.join(folder))?;
        }
        Ok(())
    }

    fn set_program(
        &self,
        builder: &mut PexBuilder,
        parts: &[Part],
        chosen: &[Chosen],
    ) -> Result<(), Failure> {
        let run = &self.arguments.run;
        if let Some(name) = &run.script {
            let wheels = parts.iter().flat_map(|part| &part.wheels);
            let wheels = wheels.map(|one| (&one.name, one.sha256));
            let found = find_script(name, wheels, &self.session.storage);
            let own = || {
                let of_projects = self.script_of_projects(name, chosen);
                of_projects.or_else(|| self.script_of_members(name))
            };
            builder.set_script(match found {
                Ok(script) => script,
                Err(error) => own().ok_or(error)?,
            });
        }
        if let Some(entry) = &run.entry {
            builder.set_entry_point(EntryPoint::parse(entry)?);
        }
        if let Some(file) = &run.executable {
            builder.set_executable(&self.environment.folder.join(file))?;
        }
        Ok(())
    }

    /// A script of a project whose code goes into the file.
    fn script_of_projects(&self, name: &str, chosen: &[Chosen]) -> Option<ScriptTarget> {
        let mut folders = chosen.iter().flat_map(|one| &one.folders);
        folders.find_map(|folder| {
            let project = self.backends.distribution(folder).ok()??;
            let scripts = console_scripts(&project.entry_points);
            let (_, target) = scripts.iter().find(|(known, _)| known == name)?;
            EntryPoint::parse(target).ok().map(ScriptTarget::EntryPoint)
        })
    }

    /// A script of the files that are seen together with the one that is built.
    fn script_of_members(&self, name: &str) -> Option<ScriptTarget> {
        let path = self.arguments.start.pex_path.as_deref().unwrap_or_default();
        let files = path.split(':').filter(|path| !path.is_empty());
        let mut files =
            files.filter_map(|path| Pex::open(&self.environment.folder.join(path)).ok());
        files.find_map(|pex| pex.script(name))
    }

    /// Adds bytecode, made by an interpreter like the one that will run it.
    fn compile(
        &self,
        builder: &mut PexBuilder,
        parts: &[Part],
        holds: Holds,
    ) -> Result<(), Failure> {
        let [part] = parts else {
            return Err(Failure::usage("`--compile` is for one platform, and several are named"));
        };
        let python = self.arguments.platform.python();
        let found = interpreter_like(&part.target, python, self.session).ok_or_else(|| {
            let message =
                format!("`--compile` needs a Python of {}, and none is here", part.target);
            Failure::job(message).hint("name one with `--python`, or leave `--compile` out")
        })?;
        let compiler = Compiler::new(found.path())?;
        let wheels = if holds.wheels() { part.wheels.as_slice() } else { &[] };
        let compiled = compile_all(&compiler, wheels, self)?;
        for (wheel, bytecode) in wheels.iter().zip(compiled) {
            builder.add_bytecode(&wheel.name, bytecode);
        }
        builder.compile_code(compiler);
        Ok(())
    }
}

/// What the arguments say of the start.
fn settle(info: &mut PexInfo, start: &StartArguments) -> Result<(), Failure> {
    if let Some(path) = &start.pex_path {
        info.pex_path.clone_from(path);
        info.pex_paths = path.split(':').map(str::to_owned).collect();
    }
    if let Some(how) = &start.inherit_path {
        info.inherit_path.clone_from(how);
    }
    info.inject_env = start.inject_env.iter().cloned().collect();
    info.inject_args = words(&start.inject_args)?;
    info.inject_python_args = words(&start.inject_python_args)?;
    info.bind_resource_paths = start.bind_resource_path.iter().cloned().collect();
    info.interpreter_constraints = start.interpreter_constraint.clone();
    info.interpreter_selection_strategy.clone_from(&start.interpreter_selection_strategy);
    info.venv = start.venv.is_some();
    info.venv_bin_path.clone_from(&start.venv);
    info.includes_tools = start.include_tools || start.venv.is_some();
    info.strip_pex_env = !start.no_strip_pex_env;
    info.emit_warnings = !start.no_emit_warnings;
    info.ignore_errors = start.ignore_errors;
    let properties = start.build_property.iter().cloned();
    info.build_properties = properties.map(|(name, value)| (name, value.into())).collect();
    Ok(())
}

/// What need not hold of what the wheels require.
fn loosen(info: &mut PexInfo, chosen: &[Chosen]) {
    let (mut overridden, mut excluded) = (BTreeSet::new(), BTreeSet::new());
    for (there, gone) in chosen.iter().map(Chosen::overridden_and_excluded) {
        overridden.extend(there);
        excluded.extend(gone);
    }
    excluded.retain(|project| !overridden.contains(project));
    info.overridden = overridden.into_iter().collect();
    info.excluded = excluded.into_iter().collect();
}

/// Words as a shell reads them.
fn words(lines: &[String]) -> Result<Vec<String>, Failure> {
    let split = lines.iter().map(|line| {
        shlex::split(line)
            .ok_or_else(|| Failure::usage(format!("`{line}` has a quote without an end")))
    });
    Ok(split.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Each wheel in a process of its own, several at a time; what was compiled before is remembered.
fn compile_all(
    compiler: &Compiler,
    wheels: &[Wheel],
    job: &Job<'_>,
) -> Result<Vec<Bytecode>, Failure> {
    parallel::each(wheels, job.environment.threads, |wheel| match job.session.interrupt.is_set() {
        true => Err(Failure::interrupted()),
        false => compile_one(compiler, wheel, job),
    })
    .into_iter()
    .collect()
}

/// Remembers the bytecode of wheels, by their digest and the exact interpreter.
const BYTECODE: &str = "bytecode-1";

fn compile_one(compiler: &Compiler, wheel: &Wheel, job: &Job<'_>) -> Result<Bytecode, Failure> {
    let storage = &job.session.storage;
    let digest = pinnace_store::Digest::new(wheel.sha256).to_hex();
    let key = format!("{digest}-{}", compiler.identity());
    if let Some(bytes) = Cache::get(storage, BYTECODE, &key).and_then(|entry| read_all(&*entry)) {
        return Ok(compiler.bytecode(bytes));
    }
    let mut zip = Vec::new();
    let fault = |error: std::io::Error| Failure::io("cannot read a wheel", &error);
    WheelFiles::open(storage, &wheel.sha256)
        .map_err(fault)?
        .read_to_end(&mut zip)
        .map_err(fault)?;
    let bytecode = compiler.compile(&zip)?;
    Cache::put(storage, BYTECODE, &key, bytecode.bytes());
    Ok(bytecode)
}
