//! A release as two PEX files, `deps.pex` and `source.pex`, the same on every cache.

use std::{
    io::{self, Write},
    path::Path,
};

use pinnace_build::{Cache, FileMode, Process, TreeFile, Wheel};
use pinnace_pex::{Compression, EntryPoint, PexBuilder, Runtime, WheelFiles, console_scripts};
use pinnace_store::Digest;
use pinnace_wheel::{Requirement, Target};

use crate::{Contents, Error, ErrorKind, Layer, WheelLayer};

/// A layer of source, and the place of its files.
pub(crate) struct SourceFiles<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) files: &'a [TreeFile],
    pub(crate) place: Place<'a>,
}

/// The place of a layer's files.
pub(crate) enum Place<'a> {
    /// A folder, as it was scanned.
    Folder(&'a Path),
    /// A store.
    Store(&'a Contents<'a>),
}

impl Place<'_> {
    fn add(&self, builder: &mut PexBuilder, path: &str, file: &TreeFile) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => {
                let (place, digest) = (folder.join(&file.path), *file.digest.as_bytes());
                match file.mode {
                    FileMode::File => builder.add_file(path, &place, digest)?,
                    FileMode::Executable => builder.add_program_file(path, &place, digest)?,
                }
            }
            Self::Store(contents) => {
                let bytes = contents.read(&file.digest)?;
                match file.mode {
                    FileMode::File => builder.add_bytes(path, &bytes)?,
                    FileMode::Executable => builder.add_program(path, &bytes)?,
                }
            }
        }
        Ok(())
    }
}

/// The names that a PEX file reserves. Files of a project with these names are in the release, and not in
/// the file.
const RESERVED: [&str; 5] = [".bootstrap", ".deps", "PEX-INFO", "__main__.py", "__pex__"];

/// Creates the builder of `deps.pex`: all wheels.
pub(crate) fn dependencies(
    set: &WheelLayer,
    target: &Target,
    runtime: &Runtime,
) -> Result<PexBuilder, Error> {
    let mut builder = plain(runtime);
    let pin = |wheel: &Wheel| {
        format!("{}=={}", wheel.name.project(), wheel.name.version()).parse::<Requirement>()
    };
    let requirements: Vec<Requirement> = set.wheels.iter().map(pin).collect::<Result<_, _>>()?;
    let wheels = set.wheels.iter().map(|wheel| (&wheel.name, *wheel.digest.as_bytes()));
    builder.add_platform(target, wheels);
    builder.set_requirements(&requirements);
    builder.info_mut().overridden.clone_from(&set.overridden);
    builder.info_mut().excluded.clone_from(&set.excluded);
    Ok(builder)
}

/// Creates the builder of `source.pex`: the code of all layers of source, with import roots at the top. If two
/// layers have a file, the first one wins.
pub(crate) fn source(
    sources: &[SourceFiles<'_>],
    web: Option<&Process>,
    target: &Target,
    runtime: &Runtime,
) -> Result<PexBuilder, Error> {
    let mut builder = plain(runtime);
    builder.add_platform(target, []);
    let mut seen = std::collections::BTreeMap::new();
    for source in sources {
        for file in source.files {
            let path = imported(&file.path, &source.layer.imports);
            let top = path.split('/').next().unwrap_or_default();
            if !RESERVED.contains(&top) {
                seen.entry(path.to_owned()).or_insert((source, file));
            }
        }
    }
    for (path, (source, file)) in seen {
        source.place.add(&mut builder, &path, file)?;
    }
    let projects = sources.iter().filter_map(|source| source.layer.distribution.as_ref());
    for (path, text) in projects.flat_map(|project| project.files()) {
        builder.add_bytes(&path, text.as_bytes())?;
    }
    if let Some(entry) = web.and_then(|web| entry(web, sources)) {
        builder.set_entry_point(EntryPoint::parse(&entry)?);
    }
    Ok(builder)
}

/// Returns the entry point of a process: a module, or a script of a project in the source.
fn entry(web: &Process, sources: &[SourceFiles<'_>]) -> Option<String> {
    match web.argv.as_slice() {
        [_, flag, module, ..] if flag == "-m" => Some(module.clone()),
        [program, ..] => {
            let projects = sources.iter().filter_map(|source| source.layer.distribution.as_ref());
            let mut scripts = projects.flat_map(|one| console_scripts(&one.entry_points));
            scripts.find(|(name, _)| name == program).map(|(_, target)| target)
        }
        [] => None,
    }
}

/// Returns the path of a file as modules see it: below its import root.
fn imported<'p>(path: &'p str, imports: &[String]) -> &'p str {
    let below = imports.iter().filter(|import| !import.is_empty()).find_map(|import| {
        path.strip_prefix(import.as_str()).and_then(|rest| rest.strip_prefix('/'))
    });
    below.unwrap_or(path)
}

/// Creates a builder that compresses nothing, so that no version of a compressor moves a byte.
fn plain(runtime: &Runtime) -> PexBuilder {
    let mut builder = PexBuilder::new();
    builder.set_runtime(runtime.clone());
    builder.set_compression(Compression::Nothing);
    builder
}

/// Returns the SHA-256 of the file that a builder writes.
pub(crate) fn digest(
    builder: &PexBuilder,
    wheels: &dyn WheelFiles,
    threads: usize,
) -> Result<Digest, Error> {
    let written = builder.write(io::sink(), wheels, threads)?;
    Ok(Digest::new(written.archive.sha256))
}

impl Contents<'_> {
    /// Writes `deps.pex` or `source.pex` again, with the boot code that the release names. The wheels must be
    /// in the cache: see [`Contents::fetch_wheels`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::OtherBytes`] if the bytes differ from those of the release; throw the output away
    /// then. Returns an error if a content is missing, or `out` fails.
    pub fn export(
        &self,
        what: Export,
        cache: &Cache,
        threads: usize,
        out: impl Write,
    ) -> Result<Digest, Error> {
        let exports = &self.release().exports;
        let runtime = Runtime::parse(&self.read(&exports.runtime)?)?;
        let target: Target = self.release().platform.parse()?;
        let (builder, expected) = match what {
            Export::Dependencies => {
                (dependencies(&self.dependencies()?, &target, &runtime)?, exports.deps)
            }
            Export::Source => (self.source(&target, &runtime)?, exports.source),
        };
        let written = builder.write(out, cache, threads)?;
        let actual = Digest::new(written.archive.sha256);
        match actual == expected {
            true => Ok(actual),
            false => {
                let file = what.file_name().to_owned();
                Err(ErrorKind::OtherBytes { file, expected, actual }.into())
            }
        }
    }

    fn source(&self, target: &Target, runtime: &Runtime) -> Result<PexBuilder, Error> {
        let layers: Vec<&Layer> = self.release().sources().collect();
        let files: Vec<Vec<TreeFile>> =
            layers.iter().map(|layer| self.files(&layer.digest)).collect::<Result<_, _>>()?;
        let sources: Vec<SourceFiles<'_>> = layers
            .into_iter()
            .zip(&files)
            .map(|(layer, files)| SourceFiles { layer, files, place: Place::Store(self) })
            .collect();
        source(&sources, self.release().processes.get("web"), target, runtime)
    }
}

/// A file that a release is exported as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Export {
    /// All wheels.
    Dependencies,
    /// The user's code.
    Source,
}

impl Export {
    /// Returns the name of the file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Dependencies => "deps.pex",
            Self::Source => "source.pex",
        }
    }
}
