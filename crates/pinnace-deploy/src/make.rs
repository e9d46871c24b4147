//! From a project's files and its wheels to a release.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use pinnace_pex::Runtime;
use pinnace_store::Digest;
use pinnace_wheel::Target;
use sha2::{Digest as _, Sha256};

use crate::{
    Draft, Error, Exports, Layer, Live, LocalDistribution, Machine, Metadata, Process, Release,
    Scan, Tree, WheelSet,
    export::{self, Place, SourceFiles},
};

/// A folder of source that a release is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceFolder {
    /// What people call it; the project's own comes first in a release.
    pub name: String,
    /// Where it is.
    pub folder: PathBuf,
    /// What of it ships.
    pub scan: Scan,
    /// The folders that modules are imported from; nothing is the root.
    pub imports: Vec<String>,
    /// The distribution that it is, if it is one.
    pub distribution: Option<LocalDistribution>,
}

/// What a release is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ingredients {
    /// The platform.
    pub target: Target,
    /// The source, the project's own first.
    pub sources: Vec<SourceFolder>,
    /// The dependencies.
    pub dependencies: WheelSet,
    /// The processes by name.
    pub processes: BTreeMap<String, Process>,
    /// The environment variables that are needed, by name.
    pub environment: BTreeSet<String>,
    /// What is asked once it is ready.
    pub metadata: Option<Metadata>,
    /// The boot code of what is exported.
    pub runtime: Runtime,
}

/// A release that was made.
#[derive(Debug)]
pub struct Made<'i> {
    ingredients: &'i Ingredients,
    release: Release,
    digest: Digest,
    trees: Vec<Tree>,
    runtime: Vec<u8>,
}

impl Made<'_> {
    /// What it is known by.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The release.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// All that it refers to, to be published.
    ///
    /// # Errors
    ///
    /// If a manifest cannot be made.
    pub fn draft(self) -> Result<Draft, Error> {
        let sources = self.ingredients.sources.iter().zip(self.trees);
        let sources = sources.map(|(source, tree)| (&*source.folder, &*source.scan.files, tree));
        Draft::new(&self.release, sources, &self.ingredients.dependencies, self.runtime)
    }
}

impl SourceFolder {
    /// A folder whose root modules are imported from.
    pub fn new(name: impl Into<String>, folder: &Path, scan: Scan) -> Self {
        let (name, folder) = (name.into(), folder.to_owned());
        Self { name, folder, scan, imports: vec![String::new()], distribution: None }
    }
}

impl Ingredients {
    /// A release of these dependencies alone, for a platform, that boots by the code of this version.
    pub fn new(target: Target, dependencies: WheelSet) -> Self {
        let (sources, processes, environment, metadata) = Default::default();
        let runtime = Runtime::own();
        Self { target, sources, dependencies, processes, environment, metadata, runtime }
    }

    /// The same with source; the first is the project's own.
    #[must_use]
    pub fn with_source(mut self, source: SourceFolder) -> Self {
        self.sources.push(source);
        self
    }

    /// Makes the release. What `live` tells of files that would be the same is believed; `deps.pex` is
    /// measured else, for which the machine must have the wheels.
    ///
    /// # Errors
    ///
    /// If a file changed since it was looked at, or a wheel is not there.
    pub fn make(&self, live: &Live, machine: &Machine, threads: usize) -> Result<Made<'_>, Error> {
        let trees = self.sources.iter().map(|source| Tree::of(&source.scan.files));
        let trees: Vec<Tree> = trees.collect::<Result<_, _>>()?;
        let set = self.dependencies.manifest()?.digest();
        let layers = self.layers(&trees, set);
        let runtime = self.runtime.to_bytes()?;
        let runtime_digest = Digest::new(Sha256::digest(&runtime).into());
        let known = known(live, &set, &runtime_digest);
        let deps = match known {
            Some(known) => known.exports.deps,
            None => {
                let target = self.platform()?;
                let builder = export::dependencies(&self.dependencies, &target, &self.runtime)?;
                export::digest(&builder, machine, threads)?
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
        let digest = release.manifest()?.digest();
        Ok(Made { ingredients: self, release, digest, trees, runtime })
    }

    fn layers(&self, trees: &[Tree], set: Digest) -> Vec<Layer> {
        let sources = self.sources.iter().zip(trees).map(|(source, tree)| {
            let mut layer = Layer::of_files(&source.name, tree.root(), source.imports.clone());
            layer.distribution.clone_from(&source.distribution);
            layer
        });
        sources.chain([Layer::of_wheels("deps", set)]).collect()
    }

    /// Whether the machine must have the wheels for [`Self::make`].
    pub fn needs_wheels(&self, live: &Live) -> bool {
        let set = self.dependencies.manifest().map(|manifest| manifest.digest());
        let runtime =
            self.runtime.to_bytes().map(|bytes| Digest::new(Sha256::digest(bytes).into()));
        match (set, runtime) {
            (Ok(set), Ok(runtime)) => known(live, &set, &runtime).is_none(),
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
        export::digest(&builder, &pinnace_pex::NoWheels, threads)
    }

    /// The platform as the release names it, which says less than the interpreter that it was taken from.
    fn platform(&self) -> Result<Target, Error> {
        Ok(self.target.to_string().parse()?)
    }
}

/// The live release, if its `deps.pex` would be the same.
fn known<'l>(live: &'l Live, set: &Digest, runtime: &Digest) -> Option<&'l Release> {
    live.release.as_ref().filter(|one| {
        let same = one.dependencies().is_some_and(|layer| layer.digest == *set);
        same && one.exports.runtime == *runtime
    })
}
