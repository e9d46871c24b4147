//! The dependencies of a project: from a lock, from the live release, or resolved.

use std::path::{Path, PathBuf};

use pinnace_build::{
    CachePolicy, Context, InputSpec, Inputs, LocalBuilder, LockOptions, ProjectMetadata,
    Requirements, Selection, Wheel, WheelSource, local_builder, read_project,
};
use pinnace_store::{Deployment, Digest, Manifest, Store};
use pinnace_wheel::{Address, Index, Pin, Pyproject, Request, Requirement, Target};
use serde_json::{Map, Value};

use crate::{
    Contents, DependencyPolicy, DeployOptions, DeployPath, Effect, Error, ErrorKind, Head, Project,
    StoreMemory, WheelLayer,
    change_reason::{Before, reason},
};

/// The exact dependencies of a release, and their origin.
pub(crate) struct Dependencies {
    pub(crate) layer: WheelLayer,
    /// Local projects whose code becomes source layers.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) path: DeployPath,
    pub(crate) reason: String,
    /// True if the store has lost the dependencies of the live release.
    pub(crate) are_lost: bool,
    /// The time of the resolution, in seconds since 1970.
    pub(crate) resolved_at: Option<u64>,
    pub(crate) notes: Vec<String>,
    /// The lock that pins them.
    pub(crate) lock: Option<PathBuf>,
    /// The public addresses of the wheels that this deployment resolved or downloaded.
    pub(crate) origins: Vec<(Digest, String)>,
    /// The key of the inputs. While it is unchanged, a deployment reuses the live wheels.
    inputs: String,
}

/// Wheels that are in the cache.
struct Downloaded {
    layer: WheelLayer,
    notes: Vec<String>,
    origins: Vec<(Digest, String)>,
}

/// The keys of a deployment's extensions that record the origin of its dependencies.
const INPUTS: &str = "inputs";
const RESOLVED_AT: &str = "resolved_at";
const SINCE: &str = "deps_since";
/// The bucket of dependency layers, by the digest of their manifest.
const LAYERS: &str = "wheels-1";

impl Dependencies {
    /// Returns the extensions of a deployment with these dependencies.
    pub(crate) fn extensions(&self, head: &Head) -> Map<String, Value> {
        let since = match self.path {
            DeployPath::Fast => extension(head, SINCE).and_then(Value::as_u64),
            DeployPath::Full => None,
        };
        let mut extensions = Map::new();
        extensions.insert(INPUTS.to_owned(), self.inputs.clone().into());
        extensions.insert(SINCE.to_owned(), since.unwrap_or(head.generation() + 1).into());
        if let Some(at) = self.resolved_at {
            extensions.insert(RESOLVED_AT.to_owned(), at.into());
        }
        extensions
    }
}

fn extension<'h>(head: &'h Head, key: &str) -> Option<&'h Value> {
    head.deployment.as_ref()?.extensions.get(key)
}

/// A chooser of the dependencies of one deployment.
pub(crate) struct Chooser<'a> {
    pub(crate) project: &'a Project,
    pub(crate) projects: &'a ProjectMetadata<'a>,
    pub(crate) options: &'a DeployOptions,
    pub(crate) store: &'a Store,
    pub(crate) cx: &'a Context<'a>,
    pub(crate) head: &'a Head,
    pub(crate) target: &'a Target,
    /// The record that names the builder of shared builds.
    pub(crate) record: Deployment,
}

impl Chooser<'_> {
    /// Chooses the dependencies.
    pub(crate) fn choose(&self) -> Result<Dependencies, Error> {
        let (folder, settings) = (self.project.folder(), self.project.settings());
        let mut spec = InputSpec::of_project(folder, settings, self.projects)?;
        if let Some(file) = spec.take_lock(folder) {
            let dependencies = self.locked(&file, &spec)?;
            return Ok(Dependencies { lock: Some(file), ..dependencies });
        }
        let inputs = self.read(&spec)?;
        if inputs.request.is_empty() {
            let layer = WheelLayer::new(self.target.to_string(), Vec::new());
            let folders = inputs.folders.clone();
            return Ok(self.finish(layer, folders, String::new(), &inputs, None));
        }
        self.resolved(&inputs)
    }

    fn read(&self, spec: &InputSpec) -> Result<Inputs, Error> {
        Ok(Inputs::read(spec, &self.options.solve, self.cx.env(), self.projects)?)
    }

    /// Selects the files of a lock. Downloads nothing if they are the wheels of the live release.
    fn locked(&self, file: &Path, spec: &InputSpec) -> Result<Dependencies, Error> {
        let (options, none) = (LockOptions::OfProject, Inputs::default());
        let mut selection = Selection::from_lock(file, spec, options, self.target)?;
        // A lock may cover inputs that this machine cannot read; it is then used unchecked.
        if let Ok(inputs) = self.read(spec) {
            selection.check_lock(file, &inputs, self.target)?;
        }
        let own = self.project.folder();
        let elsewhere = selection.other_folders.iter().filter(|folder| folder.path != *own);
        let elsewhere = elsewhere.map(|folder| {
            let (name, path) = (&folder.project, folder.path.display());
            format!("`{name}` in `{path}` is not a package, and does not ship")
        });
        let mut notes: Vec<String> = selection.notes.iter().cloned().chain(elsewhere).collect();
        let known: Option<Vec<Wheel>> = selection.pins.iter().map(locked_wheel).collect();
        let found = match known.map(|wheels| self.layer(wheels, &selection)) {
            Some(layer) if self.is_live(&layer) => {
                Downloaded { layer, notes: Vec::new(), origins: Vec::new() }
            }
            _ => self.download_locked(&selection)?,
        };
        notes.extend(found.notes);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let finished = self.finish(found.layer, selection.folders, name, &none, None);
        Ok(Dependencies { notes, origins: found.origins, ..finished })
    }

    /// Reuses the live wheels if the inputs are unchanged; otherwise resolves.
    fn resolved(&self, inputs: &Inputs) -> Result<Dependencies, Error> {
        let key = self.key(&inputs.request);
        let is_known = extension(self.head, INPUTS).and_then(Value::as_str) == Some(&key);
        let before = self.live_layer()?;
        if is_known
            && !self.options.resolves_again()
            && let Before::Set(layer) = before
        {
            let resolved_at = extension(self.head, RESOLVED_AT).and_then(Value::as_u64);
            let finished = self.finish(layer, inputs.folders.clone(), key, inputs, None);
            return Ok(Dependencies { resolved_at, ..finished });
        }
        if self.options.dependencies == DependencyPolicy::Locked {
            return Err(ErrorKind::WouldResolve.into());
        }
        let mut request = inputs.request.clone();
        if let Before::Set(before) = &before
            && self.options.dependencies != DependencyPolicy::Upgrade
        {
            request = prefer(request, before);
        }
        let python = self.options.platforms.python();
        let index = inputs.index(self.cx, &self.options.indexes, python)?;
        let builder = self.builder(&index, &inputs.request);
        let source = self.source(&index, builder.as_ref());
        let ignored = self.options.solve.no_deps;
        let requirements = if ignored { Requirements::Ignored } else { Requirements::All };
        let selection = source.select(&request, inputs, requirements)?;
        let found = self.download(&source, &selection)?;
        let folders = selection.folders.clone();
        let finished = self.finish(found.layer, folders, key, inputs, Some(before));
        let notes = finished.notes.iter().chain(&selection.notes).chain(&found.notes);
        Ok(Dependencies {
            notes: notes.cloned().collect(),
            resolved_at: Some(self.cx.env().now),
            origins: found.origins,
            ..finished
        })
    }

    fn download_locked(&self, selection: &Selection) -> Result<Downloaded, Error> {
        let (indexes, python) = (&self.options.indexes, self.options.platforms.python());
        let none = Inputs::default();
        let index = if selection.needs_build() {
            // The lock pins all files, but the requirements of build backends come from an index.
            let project = read_project(self.project.folder())?;
            let project = project.map_or_else(|| Pyproject::parse("", ""), Ok)?;
            Inputs::index_of_backend(&project, self.cx, indexes, python)?
        } else {
            none.index(self.cx, indexes, python)?
        };
        let builder = self.builder(&index, &none.request);
        self.download(&self.source(&index, builder.as_ref()), selection)
    }

    fn builder<'i>(&'i self, index: &'i Index<'i>, request: &Request) -> Option<LocalBuilder<'i>> {
        let python = self.options.platforms.python();
        let python = python.or(self.project.settings().python.as_deref());
        local_builder(self.cx, index, request, self.target, python)
    }

    /// Returns the source of wheels. Builds are shared with the team, unless the deployment is a dry run.
    fn source<'i>(
        &'i self,
        index: &'i Index<'i>,
        builder: Option<&'i LocalBuilder<'i>>,
    ) -> WheelSource<'i> {
        let source = WheelSource::new(self.cx, index, builder, self.target);
        let policy = match self.options.memory {
            StoreMemory::Used => CachePolicy::Trust,
            StoreMemory::Ignored => CachePolicy::Verify,
        };
        match self.options.effect {
            Effect::DryRun => source,
            Effect::Publish => source.sharing(self.store, self.record.clone(), policy),
        }
    }

    /// Downloads the wheels of a selection into the cache, and checks them as a whole.
    fn download(
        &self,
        source: &WheelSource<'_>,
        selection: &Selection,
    ) -> Result<Downloaded, Error> {
        let (wheels, notes) = source.fetch(&selection.pins)?;
        let set = source.check(wheels, selection)?;
        let origins = origins(&selection.pins, &set.wheels);
        Ok(Downloaded { layer: self.layer(set.wheels, selection), notes, origins })
    }

    fn layer(&self, wheels: Vec<Wheel>, selection: &Selection) -> WheelLayer {
        let mut layer = WheelLayer::new(self.target.to_string(), wheels);
        (layer.overridden, layer.excluded) = selection.overridden_and_excluded();
        layer
    }

    fn is_live(&self, layer: &WheelLayer) -> bool {
        let live = self.head.release.as_ref().and_then(|release| release.dependencies());
        let own = layer.manifest().map(|manifest| manifest.digest());
        live.is_some_and(|live| own.is_ok_and(|own| own == live.digest))
    }

    /// Returns the dependencies of the live release.
    fn live_layer(&self) -> Result<Before, Error> {
        let (digest, release) = match (self.head.digest(), self.head.release.as_ref()) {
            (None, _) => return Ok(Before::Nothing),
            (Some(_), None) => return Ok(Before::Lost),
            (Some(digest), Some(release)) => (digest, release),
        };
        let Some(layer) = release.dependencies() else {
            return Ok(Before::Set(WheelLayer::new(release.platform.clone(), Vec::new())));
        };
        let (cache, key) = (self.cx.cache(), layer.digest.to_hex());
        let known = cache.recall(LAYERS, &key).and_then(|bytes| Manifest::parse(bytes).ok());
        if let Some(known) = known.filter(|known| known.digest() == layer.digest) {
            return Ok(Before::Set(WheelLayer::parse(&known)?));
        }
        let fetched = Contents::fetch(self.store, &digest);
        match fetched.and_then(|contents| contents.dependencies()) {
            Ok(layer) => {
                cache.remember(LAYERS, &key, layer.manifest()?.as_bytes());
                Ok(Before::Set(layer))
            }
            Err(error) if error.is_lost() => Ok(Before::Lost),
            Err(error) => Err(error),
        }
    }

    /// Returns the key of the inputs.
    fn key(&self, request: &Request) -> String {
        let index = &self.options.indexes;
        let indexes =
            (&index.index_url, &index.extra_index_urls, &index.find_links, index.no_index);
        let files: Vec<String> = request.requirements().filter_map(file_stamp).collect();
        let text = format!("{}\n{}\n{indexes:?}\n{files:?}", self.target, request.canonical());
        Digest::of(text).to_hex()
    }

    fn finish(
        &self,
        layer: WheelLayer,
        folders: Vec<PathBuf>,
        key: String,
        inputs: &Inputs,
        before: Option<Before>,
    ) -> Dependencies {
        let are_lost = matches!(before, Some(Before::Lost));
        let is_live = self.is_live(&layer) && !are_lost;
        let path = if is_live { DeployPath::Fast } else { DeployPath::Full };
        if let Ok(manifest) = layer.manifest() {
            let key = manifest.digest().to_hex();
            self.cx.cache().remember(LAYERS, &key, manifest.as_bytes());
        }
        let reason = match path {
            DeployPath::Fast => {
                let since = extension(self.head, SINCE).and_then(Value::as_u64);
                let since = since.unwrap_or_else(|| self.head.generation());
                format!("deps unchanged since generation {since}")
            }
            DeployPath::Full => {
                let before = before.map_or_else(|| self.live_layer(), Ok);
                reason(&before.unwrap_or(Before::Lost), &layer, &inputs.request)
            }
        };
        Dependencies {
            layer,
            folders,
            path,
            reason,
            are_lost,
            resolved_at: None,
            lock: None,
            notes: inputs.notes.clone(),
            origins: Vec::new(),
            inputs: key,
        }
    }
}

/// Returns the addresses from which other machines can download the wheels. Addresses with credentials
/// are never passed on.
fn origins(pins: &[Pin], wheels: &[Wheel]) -> Vec<(Digest, String)> {
    let pairs = pins.iter().zip(wheels).filter(|(pin, _)| pin.wheel().is_some());
    let wheels = pairs.map(|(pin, wheel)| (wheel.digest, &pin.file().address));
    let public = wheels.filter(|(_, address)| !address.is_file() && !address.has_credentials());
    public.map(|(digest, address)| (digest, address.to_string())).collect()
}

/// Returns the wheel of a pin, if the lock records its digest.
fn locked_wheel(pin: &Pin) -> Option<Wheel> {
    let extras = pin.extras().iter().map(ToString::to_string).collect();
    let digest = Digest::new(pin.file().sha256?);
    Some(Wheel::new(pin.wheel()?.clone(), digest, extras))
}

/// Returns the path, size and modification time of a required file on this machine.
fn file_stamp(requirement: &Requirement) -> Option<String> {
    let path = Address::parse(requirement.url()?).ok()?.to_path()?;
    let file = std::fs::metadata(&path).ok()?;
    Some(format!("{} {} {:?}", path.display(), file.len(), file.modified().ok()?))
}

/// Makes the live versions preferences, except for projects whose own lock has one.
fn prefer(mut request: Request, layer: &WheelLayer) -> Request {
    for name in layer.wheels.iter().map(|wheel| &wheel.name) {
        if request.preference(name.project()).is_none() {
            request = request.prefer(name.project().clone(), name.version().clone());
        }
    }
    request
}
