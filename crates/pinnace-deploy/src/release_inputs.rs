//! The inputs of a release, and its assembly.

use std::collections::{BTreeMap, BTreeSet};

use pinnace_build::{Cache, Metadata, Process};
use pinnace_pex::{NoWheels, Runtime};
use pinnace_store::Digest;
use pinnace_wheel::Target;

use crate::{
    Error, Exports, Head, Layer, Release, ReleaseDraft, SourceFolder, Tree, WheelLayer,
    export::{self, FileLocation, SourceFiles},
};

/// The inputs of a release.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReleaseInputs {
    /// The platform.
    pub target: Target,
    /// The source folders, the project's own first.
    pub sources: Vec<SourceFolder>,
    /// The dependencies.
    pub dependencies: WheelLayer,
    /// The processes by name.
    pub processes: BTreeMap<String, Process>,
    /// The names of the environment variables that are needed.
    pub environment: BTreeSet<String>,
    /// The query that the supervisor makes once the release is ready.
    pub metadata: Option<Metadata>,
    /// The boot code of exported files.
    pub runtime: Runtime,
}

impl ReleaseInputs {
    /// Creates the inputs of a release without source, with the boot code of this version.
    pub fn new(target: Target, dependencies: WheelLayer) -> Self {
        let (sources, processes, environment, metadata) = Default::default();
        let runtime = Runtime::own();
        Self { target, sources, dependencies, processes, environment, metadata, runtime }
    }

    /// Adds a source folder. The first one is the project's own.
    #[must_use]
    pub fn with_source(mut self, source: SourceFolder) -> Self {
        self.sources.push(source);
        self
    }

    /// Assembles the release. Takes the digests of exported files from `head` if their contents are unchanged;
    /// otherwise computes them, which needs the wheels in the cache.
    ///
    /// # Errors
    ///
    /// Returns an error if a file changed since the scan, or a wheel is missing.
    pub fn draft(
        &self,
        head: &Head,
        cache: &Cache,
        threads: usize,
    ) -> Result<ReleaseDraft<'_>, Error> {
        let trees = self.sources.iter().map(|source| Tree::of(&source.scan.files));
        let trees: Vec<Tree> = trees.collect::<Result<_, _>>()?;
        let set = self.dependencies.manifest()?.digest();
        let layers = self.layers(&trees, set);
        let runtime = self.runtime.to_bytes()?;
        let known = known(head, &set, &Digest::of(&runtime));
        let exports = self.exports(known, &layers, Digest::of(&runtime), cache, threads)?;
        let mut release = Release::new(self.target.to_string(), layers, exports);
        release.processes.clone_from(&self.processes);
        release.environment.clone_from(&self.environment);
        release.metadata.clone_from(&self.metadata);
        Ok(ReleaseDraft {
            sources: &self.sources,
            dependencies: &self.dependencies,
            manifest: release.manifest()?,
            release,
            trees,
            runtime,
        })
    }

    /// Takes the digests of exported files from a known release, or computes them.
    fn exports(
        &self,
        known: Option<&Release>,
        layers: &[Layer],
        runtime: Digest,
        cache: &Cache,
        threads: usize,
    ) -> Result<Exports, Error> {
        let deps = match known {
            Some(known) => known.exports.deps,
            None => {
                let target = self.platform()?;
                let builder = export::dependencies(&self.dependencies, &target, &self.runtime)?;
                export::digest(&builder, cache, threads)?
            }
        };
        let is_same =
            |known: &&Release| known.layers == layers && known.processes == self.processes;
        let source = match known.filter(is_same) {
            Some(known) => known.exports.source,
            None => self.measure_source(layers, threads)?,
        };
        Ok(Exports::new(runtime, deps, source))
    }

    fn layers(&self, trees: &[Tree], set: Digest) -> Vec<Layer> {
        let sources = self.sources.iter().zip(trees).map(|(source, tree)| {
            let mut layer = Layer::of_files(&source.name, tree.root(), source.imports.clone());
            layer.distribution.clone_from(&source.distribution);
            layer
        });
        sources.chain([Layer::of_wheels("deps", set)]).collect()
    }

    /// Returns true if [`Self::draft`] must compute the digest of `deps.pex`, which needs the wheels in the cache.
    pub fn needs_wheels(&self, head: &Head) -> bool {
        let set = self.dependencies.manifest().map(|manifest| manifest.digest());
        let runtime = self.runtime.to_bytes().map(Digest::of);
        match (set, runtime) {
            (Ok(set), Ok(runtime)) => known(head, &set, &runtime).is_none(),
            _ => true,
        }
    }

    fn measure_source(&self, layers: &[Layer], threads: usize) -> Result<Digest, Error> {
        let sources: Vec<SourceFiles<'_>> = layers
            .iter()
            .zip(&self.sources)
            .map(|(layer, source)| SourceFiles {
                layer,
                files: &source.scan.files,
                location: FileLocation::Folder(&source.folder),
            })
            .collect();
        let web = self.processes.get("web");
        let builder = export::source(&sources, web, &self.platform()?, &self.runtime)?;
        export::digest(&builder, &NoWheels, threads)
    }

    /// Returns the platform as the release names it. It is less specific than the interpreter behind it.
    fn platform(&self) -> Result<Target, Error> {
        Ok(self.target.to_string().parse()?)
    }
}

/// Returns the live release if it has the same wheels and boot code, and so the same `deps.pex`.
fn known<'h>(head: &'h Head, set: &Digest, runtime: &Digest) -> Option<&'h Release> {
    head.release.as_ref().filter(|release| {
        let same = release.dependencies().is_some_and(|layer| layer.digest == *set);
        same && release.exports.runtime == *runtime
    })
}
