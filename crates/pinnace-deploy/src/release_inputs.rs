//! The inputs of a release, and the release that they make.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use pinnace_build::{Cache, LocalDistribution, Metadata, Process, Scan};
use pinnace_pex::{NoWheels, Runtime};
use pinnace_store::Digest;
use pinnace_wheel::Target;

use crate::{
    Error, Exports, Head, Layer, Release, ReleaseDraft, Tree, WheelLayer,
    export::{self, Place, SourceFiles},
};

/// A folder of source that a release is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceFolder {
    /// The name for people; the project's own folder comes first in a release.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The files that ship.
    pub scan: Scan,
    /// The folders that modules are imported from; the root is the empty path.
    pub imports: Vec<String>,
    /// The distribution, if the folder is a project.
    pub distribution: Option<LocalDistribution>,
}

impl SourceFolder {
    /// Creates a folder whose root modules are imported from.
    pub fn new(name: impl Into<String>, folder: &Path, scan: Scan) -> Self {
        let (name, folder) = (name.into(), folder.to_owned());
        Self { name, folder, scan, imports: vec![String::new()], distribution: None }
    }
}

/// The inputs of a release.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReleaseInputs {
    /// The platform.
    pub target: Target,
    /// The source, the project's own first.
    pub sources: Vec<SourceFolder>,
    /// The dependencies.
    pub dependencies: WheelLayer,
    /// The processes by name.
    pub processes: BTreeMap<String, Process>,
    /// The names of the environment variables that are needed.
    pub environment: BTreeSet<String>,
    /// The question to ask once the release is ready.
    pub metadata: Option<Metadata>,
    /// The boot code of exported files.
    pub runtime: Runtime,
}

impl ReleaseInputs {
    /// Creates the inputs of a release of dependencies alone, which boots by the code of this version.
    pub fn new(target: Target, dependencies: WheelLayer) -> Self {
        let (sources, processes, environment, metadata) = Default::default();
        let runtime = Runtime::own();
        Self { target, sources, dependencies, processes, environment, metadata, runtime }
    }

    /// Adds a folder of source; the first one is the project's own.
    #[must_use]
    pub fn with_source(mut self, source: SourceFolder) -> Self {
        self.sources.push(source);
        self
    }

    /// Makes the release. The digest of an exported file that `head` has with the same contents is taken
    /// from there; otherwise `deps.pex` is measured, which needs the wheels in the cache.
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
        let runtime_digest = Digest::of(&runtime);
        let known = known(head, &set, &runtime_digest);
        let deps = match known {
            Some(known) => known.exports.deps,
            None => {
                let target = self.platform()?;
                let builder = export::dependencies(&self.dependencies, &target, &self.runtime)?;
                export::digest(&builder, cache, threads)?
            }
        };
        let same = known.filter(|one| one.layers == layers && one.processes == self.processes);
        let source = match same {
            Some(known) => known.exports.source,
            None => self.measure_source(&layers, threads)?,
        };
        let exports = Exports::new(runtime_digest, deps, source);
        let mut release = Release::new(self.target.to_string(), layers, exports);
        release.processes.clone_from(&self.processes);
        release.environment.clone_from(&self.environment);
        release.metadata.clone_from(&self.metadata);
        ReleaseDraft::new(self, release, trees, runtime)
    }

    fn layers(&self, trees: &[Tree], set: Digest) -> Vec<Layer> {
        let sources = self.sources.iter().zip(trees).map(|(source, tree)| {
            let mut layer = Layer::of_files(&source.name, tree.root(), source.imports.clone());
            layer.distribution.clone_from(&source.distribution);
            layer
        });
        sources.chain([Layer::of_wheels("deps", set)]).collect()
    }

    /// Returns true if [`Self::draft`] needs the wheels in the cache.
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
                place: Place::Folder(&source.folder),
            })
            .collect();
        let web = self.processes.get("web");
        let builder = export::source(&sources, web, &self.platform()?, &self.runtime)?;
        export::digest(&builder, &NoWheels, threads)
    }

    /// Returns the platform as the release names it, which says less than the interpreter behind it.
    fn platform(&self) -> Result<Target, Error> {
        Ok(self.target.to_string().parse()?)
    }
}

/// Returns the live release if its `deps.pex` would be the same.
fn known<'h>(head: &'h Head, set: &Digest, runtime: &Digest) -> Option<&'h Release> {
    head.release.as_ref().filter(|one| {
        let same = one.dependencies().is_some_and(|layer| layer.digest == *set);
        same && one.exports.runtime == *runtime
    })
}
