use std::path::{Path, PathBuf};

use pinnace_wheel::{Index, Target};

use crate::{
    BuildSpec, Built, BuiltFile, Context, Error, ErrorKind, Inputs, LocalBuilder, LockOptions,
    PexOutput, ProjectMetadata, Requirements, Selection, Split, Timings, Wheel, WheelSet,
    WheelSource,
    assemble::{Assembly, Holds},
    local_builder,
    platforms::assumptions,
};

/// A build with its inputs read.
pub(crate) struct BuildJob<'a> {
    spec: &'a BuildSpec,
    output: &'a Path,
    targets: &'a [Target],
    projects: &'a ProjectMetadata<'a>,
    inputs: Inputs,
    cx: &'a Context<'a>,
}

impl<'a> BuildJob<'a> {
    /// Reads the inputs of a specification.
    pub(crate) fn read(
        spec: &'a BuildSpec,
        targets: &'a [Target],
        projects: &'a ProjectMetadata<'a>,
        cx: &'a Context<'a>,
    ) -> Result<Self, Error> {
        let output = spec.output.as_deref().ok_or(ErrorKind::NoOutput)?;
        let inputs = Inputs::read(&spec.inputs, &spec.solve, cx.env(), projects)?;
        Ok(Self { spec, output, targets, projects, inputs, cx })
    }

    /// Resolves, downloads and writes.
    pub(crate) fn run(&self) -> Result<Built, Error> {
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
            None => sources.iter().map(|source| self.select(source)).collect::<Result<_, _>>()?,
        };
        timings.end_step("resolve");
        let pairs = || sources.iter().zip(&selections);
        let sets = pairs().map(|(source, selection)| source.wheels(selection));
        let sets: Vec<WheelSet> = sets.collect::<Result<_, _>>()?;
        timings.end_step("download");
        let files = self.write(outputs, &selections, &sets).or_else(|error| {
            // If a cached wheel is damaged on disk, download it again, once.
            let digests = sets.iter().flat_map(|set| &set.wheels).map(|wheel| &wheel.digest);
            if !self.cx.cache().remove_damaged(digests)? || self.cx.is_cancelled() {
                return Err(error);
            }
            pairs().try_for_each(|(source, selection)| source.fetch(&selection.pins).map(drop))?;
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

    /// Opens the index. With a lock, an index is needed only for the requirements of build backends.
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

    /// Returns the lock's selection for each platform, if the specification names a lock.
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
                format!("`{name}` in `{path}` is not a package, and is left out of the file; `-D` adds it")
            });
            let others: Vec<String> = others.collect();
            selection.notes.extend(others);
            locked.push(selection);
        }
        Ok(Some(locked))
    }

    /// Opens the outputs before any download, so that an unwritable folder fails early.
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

/// Returns the wheels of all platforms, each once.
fn distinct(sets: Vec<WheelSet>) -> Vec<Wheel> {
    let mut wheels: Vec<Wheel> = sets.into_iter().flat_map(|set| set.wheels).collect();
    wheels.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    wheels.dedup_by(|a, b| a.name == b.name && a.digest == b.digest);
    wheels
}
