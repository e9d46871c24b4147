//! The export of a release as two PEX files, `deps.pex` and `source.pex`. Their bytes do not depend on the machine.

use std::{
    io::{self, Write},
    path::Path,
};

use pinnace_build::{Cache, FileMode, Process, TreeFile, Wheel};
use pinnace_pex::{Compression, EntryPoint, PexBuilder, Runtime, WheelFiles, console_scripts};
use pinnace_store::Digest;
use pinnace_wheel::{Requirement, Target};

use crate::{Contents, Error, ErrorKind, Layer, WheelLayer};

/// A source layer, and the location of its files.
pub(crate) struct SourceFiles<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) files: &'a [TreeFile],
    pub(crate) location: FileLocation<'a>,
}

/// The location of a layer's files.
pub(crate) enum FileLocation<'a> {
    /// A folder, as it was scanned.
    Folder(&'a Path),
    /// A store.
    Store(&'a Contents<'a>),
}

impl FileLocation<'_> {
    fn add(&self, builder: &mut PexBuilder, path: &str, file: &TreeFile) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => {
                let (path_on_disk, digest) = (folder.join(&file.path), *file.digest.as_bytes());
                match file.mode {
                    FileMode::File => builder.add_file(path, &path_on_disk, digest)?,
                    FileMode::Executable => {
                        builder.add_program_file(path, &path_on_disk, digest)?
                    }
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

/// The names that a PEX file reserves. Files of a project with these names are in the release, but are left out of
/// `source.pex`.
const RESERVED: [&str; 5] = [".bootstrap", ".deps", "PEX-INFO", "__main__.py", "__pex__"];

/// Creates the builder of `deps.pex`, which holds all wheels.
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

/// Creates the builder of `source.pex`, which holds the code of all source layers, with import roots at the top. If
/// two layers have a file of the same path, the first layer wins.
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
        source.location.add(&mut builder, &path, file)?;
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
            let mut scripts = projects.flat_map(|project| console_scripts(&project.entry_points));
            scripts.find(|(name, _)| name == program).map(|(_, target)| target)
        }
        [] => None,
    }
}

/// Returns the path of a file relative to its import root.
fn imported<'p>(path: &'p str, imports: &[String]) -> &'p str {
    let below = imports.iter().filter(|import| !import.is_empty()).find_map(|import| {
        path.strip_prefix(import.as_str()).and_then(|rest| rest.strip_prefix('/'))
    });
    below.unwrap_or(path)
}

/// Creates a builder without compression, so that the bytes do not depend on the version of a compressor.
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
    /// Writes `deps.pex` or `source.pex`, with the boot code of the release. The wheels must be in the cache: see
    /// [`Contents::fetch_wheels`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::OtherBytes`] if the bytes differ from those of the release; the caller must then
    /// discard the output. Returns an error if a content is missing, or `out` fails.
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
        if actual != expected {
            let file = what.file_name().to_owned();
            return Err(ErrorKind::OtherBytes { file, expected, actual }.into());
        }
        Ok(actual)
    }

    fn source(&self, target: &Target, runtime: &Runtime) -> Result<PexBuilder, Error> {
        let layers: Vec<&Layer> = self.release().sources().collect();
        let files: Vec<Vec<TreeFile>> =
            layers.iter().map(|layer| self.files(&layer.digest)).collect::<Result<_, _>>()?;
        let sources: Vec<SourceFiles<'_>> = layers
            .into_iter()
            .zip(&files)
            .map(|(layer, files)| SourceFiles { layer, files, location: FileLocation::Store(self) })
            .collect();
        source(&sources, self.release().processes.get("web"), target, runtime)
    }
}

/// A file that a release is exported as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Export {
    /// `deps.pex`, with all wheels.
    Dependencies,
    /// `source.pex`, with the project's code.
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
