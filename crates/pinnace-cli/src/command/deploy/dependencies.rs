//! The dependencies of a project: from a lock, from what is live, or resolved.

use std::path::{Path as FilePath, PathBuf};

use pinnace_deploy::{
    Contents, Live, LocalBuilder, Trust, Wheel as ShippedWheel, WheelSet, read_project,
};
use pinnace_store::{Digest, Manifest};
use pinnace_wheel::{Address, Index, Pin, Pyproject, Request, Requirement, Target, WheelName};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Job,
    reason::{Before, reason},
    report::Path,
};
use crate::{
    Failure,
    arguments::InputArguments,
    choose::{Chooser, Chosen, Wheel, check},
    inputs::{Wanted, inputs_of, lock_of},
    supply::{self, Supply},
};

/// The exact wheels that a release is made of, and how they were come by.
pub(crate) struct Dependencies {
    pub(crate) set: WheelSet,
    /// Projects whose code is here and goes to the source.
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) path: Path,
    pub(crate) reason: String,
    /// Whether the store has lost those that were live.
    pub(crate) are_lost: bool,
    /// When they were resolved, in seconds since 1970.
    pub(crate) resolved_at: Option<u64>,
    pub(crate) notes: Vec<String>,
    /// The lock that says what they are.
    pub(crate) lock: Option<PathBuf>,
    /// Where the world has those wheels that were fetched or looked for now.
    pub(crate) origins: Vec<(Digest, String)>,
    /// What the inputs come to: the same gives the same wheels.
    inputs: String,
}

/// Wheels that are here.
struct Got {
    set: WheelSet,
    /// What the user should know of them.
    notes: Vec<String>,
    /// Where the world has them.
    origins: Vec<(Digest, String)>,
}

/// What a deployment record remembers of how its dependencies were come by.
const INPUTS: &str = "inputs";
const RESOLVED_AT: &str = "resolved_at";
const SINCE: &str = "deps_since";
/// Remembers which wheels a manifest means, by its digest.
const SETS: &str = "wheels-1";

impl Dependencies {
    pub(crate) fn of(job: &Job<'_>, live: &Live, target: &Target) -> Result<Self, Failure> {
        let mut inputs = inputs_of(&job.folder, job.settings, &job.backends)?;
        let lock = lock_of(&job.folder, inputs.package.as_deref());
        // Only a workspace has members.
        let is_workspace = lock.as_ref().is_some_and(|file| file.ends_with("uv.lock"));
        inputs.package = inputs.package.filter(|_| is_workspace);
        let wanted = match lock {
            Some(_) => Wanted::default(),
            None => {
                Wanted::read(&inputs, &job.arguments.solve, job.session.environment, &job.backends)?
            }
        };
        let reading = Reading { job, live, target, inputs: &inputs, wanted };
        match (&lock, reading.wanted.request.is_empty()) {
            (Some(file), _) => {
                let dependencies = reading.locked(file)?;
                Ok(Self { lock: Some(file.clone()), ..dependencies })
            }
            (None, true) => Ok(reading.nothing()),
            (None, false) => reading.resolved(),
        }
    }

    /// What the record of this deploy remembers.
    pub(crate) fn remembered(&self, live: &Live) -> Map<String, Value> {
        let since = match self.path {
            Path::Fast => extension(live, SINCE).and_then(Value::as_u64),
            Path::Full => None,
        };
        let mut kept = Map::new();
        kept.insert(INPUTS.to_owned(), self.inputs.clone().into());
        kept.insert(SINCE.to_owned(), since.unwrap_or(live.generation() + 1).into());
        if let Some(at) = self.resolved_at {
            kept.insert(RESOLVED_AT.to_owned(), at.into());
        }
        kept
    }
}

fn extension<'l>(live: &'l Live, key: &str) -> Option<&'l Value> {
    live.step.as_ref()?.extensions.get(key)
}

struct Reading<'a> {
    job: &'a Job<'a>,
    live: &'a Live,
    target: &'a Target,
    inputs: &'a InputArguments,
    wanted: Wanted,
}

impl Reading<'_> {
    fn nothing(self) -> Dependencies {
        let set = WheelSet::new(self.target.to_string(), Vec::new());
        let folders = self.wanted.folders.clone();
        self.finish(set, folders, String::new(), None, Vec::new(), None)
    }

    /// The files that a lock names; what is live need not be fetched.
    fn locked(self, file: &FilePath) -> Result<Dependencies, Failure> {
        let mut chosen = self.chooser().locked(file, self.target)?;
        // A lock may be of more than can be read here, and then says all the same what it is.
        let (job, environment) = (self.job, self.job.session.environment);
        let wanted = Wanted::read(self.inputs, &job.arguments.solve, environment, &job.backends);
        if let Ok(wanted) = wanted {
            chosen.check_lock(file, &wanted, self.target)?;
        }
        let own = &self.job.folder;
        let elsewhere = chosen.left_alone.iter().filter(|folder| folder.path != *own);
        let mut notes: Vec<String> = chosen.notes.clone();
        notes.extend(elsewhere.map(|folder| {
            let (name, path) = (&folder.project, folder.path.display());
            format!("`{name}` in `{path}` is no package, and does not ship")
        }));
        let known: Option<Vec<ShippedWheel>> = chosen.pins.iter().map(shipped).collect();
        let got = match known.map(|wheels| self.set(wheels, &chosen)) {
            Some(set) if self.is_live(&set) => Got { set, notes: Vec::new(), origins: Vec::new() },
            _ => self.fetched(&chosen)?,
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        notes.extend(got.notes);
        let origins = got.origins;
        let finished = self.finish(got.set, chosen.folders, name, None, notes, None);
        Ok(Dependencies { origins, ..finished })
    }

    /// The wheels that are live, if they come of the same inputs; else the newest that will do.
    fn resolved(self) -> Result<Dependencies, Failure> {
        let arguments = self.job.arguments;
        let key = self.key();
        let is_known = extension(self.live, INPUTS).and_then(Value::as_str) == Some(&key);
        let before = self.live_set()?;
        if is_known
            && !arguments.full
            && !arguments.upgrade
            && let Before::Set(set) = before
        {
            let at = extension(self.live, RESOLVED_AT).and_then(Value::as_u64);
            let folders = self.wanted.folders.clone();
            return Ok(self.finish(set, folders, key, at, Vec::new(), None));
        }
        if arguments.locked {
            return Err(Failure::job(
                "what the project requires is not what is live, and `--locked` resolves nothing",
            )
            .hint(
                "deploy without `--locked`, or lock: `pinnace lock --project . -o pylock.toml`",
            ));
        }
        let session = self.job.session;
        let mut preferring = Wanted { request: self.wanted.request.clone(), ..Wanted::default() };
        if let Before::Set(before) = &before
            && !arguments.upgrade
        {
            preferring.request = prefer(preferring.request, before);
        }
        let python = self.job.arguments.platform.python();
        let index = session.index(&arguments.index, &self.wanted, python)?;
        let builder = self.builder(&index);
        let supply = self.supply(&index, builder.as_ref());
        let chooser = Chooser { wanted: &preferring, ..self.chooser() };
        let mut chosen = chooser.choose(&supply)?;
        chosen.folders.clone_from(&self.wanted.folders);
        let Got { set, notes, origins } = self.download(&supply, &chosen)?;
        let notes = chosen.notes.iter().cloned().chain(notes).collect();
        let now = session.environment.now;
        let finished = self.finish(set, chosen.folders, key, Some(now), notes, Some(before));
        Ok(Dependencies { origins, ..finished })
    }

    fn chooser(&self) -> Chooser<'_> {
        Chooser {
            inputs: self.inputs,
            is_of_project: true,
            is_intransitive: self.job.arguments.solve.no_deps,
            wanted: &self.wanted,
        }
    }

    fn fetched(&self, chosen: &Chosen) -> Result<Got, Failure> {
        let arguments = self.job.arguments;
        let python = arguments.platform.python();
        let session = self.job.session;
        let index = match (chosen.needs_build(), read_project(&self.job.folder)?) {
            // What backends require comes from somewhere, although nothing is resolved.
            (true, project) => {
                let project = project.map_or_else(|| Pyproject::parse("", ""), Ok)?;
                let wanted = Wanted::for_backend(&project, session.environment)?;
                session.index(&arguments.index, &wanted, python)?
            }
            (false, _) => session.index(&arguments.index, &self.wanted, python)?,
        };
        let builder = self.builder(&index);
        self.download(&self.supply(&index, builder.as_ref()), chosen)
    }

    fn builder<'i>(&'i self, index: &'i Index<'i>) -> Option<LocalBuilder<'i>> {
        let python = self.job.arguments.platform.python();
        let python = python.or(self.job.settings.python.as_deref());
        supply::builder(self.job.session, index, &self.wanted.request, self.target, python)
    }

    /// What is built is kept in the store for the team, unless nothing shall be published.
    fn supply<'i>(
        &'i self,
        index: &'i Index<'i>,
        builder: Option<&'i LocalBuilder<'i>>,
    ) -> Supply<'i> {
        let supply = Supply::new(self.job.session, index, builder, self.target);
        let trust = if self.job.arguments.full { Trust::Nothing } else { Trust::Known };
        match self.job.arguments.dry_run {
            true => supply,
            false => supply.sharing(&self.job.store.store, self.job.record(), trust),
        }
    }

    /// The wheels on this machine, and checked as a whole.
    fn download(&self, supply: &Supply<'_>, chosen: &Chosen) -> Result<Got, Failure> {
        let session = self.job.session;
        let (wheels, notes) = supply.wheels(&chosen.pins)?;
        let machine = session.storage.machine();
        check(chosen, &wheels, self.target, machine, session.environment.threads)?;
        let shipped = chosen.pins.iter().zip(&wheels).map(|(pin, wheel)| {
            let extras = pin.extras().iter().map(ToString::to_string).collect();
            ShippedWheel::new(wheel.name.as_str(), Digest::new(wheel.sha256), extras)
        });
        let origins = origins(&chosen.pins, &wheels);
        Ok(Got { set: self.set(shipped.collect(), chosen), notes, origins })
    }

    fn set(&self, wheels: Vec<ShippedWheel>, chosen: &Chosen) -> WheelSet {
        let mut set = WheelSet::new(self.target.to_string(), wheels);
        (set.overridden, set.excluded) = chosen.overridden_and_excluded();
        set
    }

    fn is_live(&self, set: &WheelSet) -> bool {
        let live = self.live.release.as_ref().and_then(|release| release.dependencies());
        let own = set.manifest().map(|manifest| manifest.digest());
        live.is_some_and(|layer| own.is_ok_and(|own| own == layer.digest))
    }

    /// The wheels of the live release.
    fn live_set(&self) -> Result<Before, Failure> {
        let (digest, release) = (self.live.digest(), self.live.release.as_ref());
        let (digest, release) = match (digest, release) {
            (None, _) => return Ok(Before::Nothing),
            (Some(_), None) => return Ok(Before::Lost),
            (Some(digest), Some(release)) => (digest, release),
        };
        let Some(layer) = release.dependencies() else {
            return Ok(Before::Set(WheelSet::new(release.platform.clone(), Vec::new())));
        };
        let machine = self.job.machine;
        let known = machine.known(SETS, &layer.digest.to_hex());
        let known = known.and_then(|bytes| Manifest::parse(bytes).ok());
        if let Some(known) = known.filter(|known| known.digest() == layer.digest) {
            return Ok(Before::Set(WheelSet::parse(&known)?));
        }
        let fetched = Contents::fetch(&self.job.store.store, &digest);
        match fetched.and_then(|contents| contents.dependencies()) {
            Ok(set) => {
                machine.learn(SETS, &layer.digest.to_hex(), set.manifest()?.as_bytes());
                Ok(Before::Set(set))
            }
            Err(error) if error.is_lost() => Ok(Before::Lost),
            Err(error) => Err(error.into()),
        }
    }

    /// What the inputs come to.
    fn key(&self) -> String {
        let index = &self.job.arguments.index;
        let indexes = (&index.index_url, &index.extra_index_url, &index.find_links, index.no_index);
        let request = &self.wanted.request;
        let files: Vec<String> = request.requirements().filter_map(marks).collect();
        let text = format!("{}\n{}\n{indexes:?}\n{files:?}", self.target, request.canonical());
        Digest::new(Sha256::digest(text).into()).to_hex()
    }

    fn finish(
        self,
        set: WheelSet,
        folders: Vec<PathBuf>,
        inputs: String,
        resolved_at: Option<u64>,
        notes: Vec<String>,
        before: Option<Before>,
    ) -> Dependencies {
        let are_lost = matches!(before, Some(Before::Lost));
        let path = if self.is_live(&set) && !are_lost { Path::Fast } else { Path::Full };
        if let Ok(manifest) = set.manifest() {
            let key = manifest.digest().to_hex();
            self.job.machine.learn(SETS, &key, manifest.as_bytes());
        }
        let reason = match path {
            Path::Fast => {
                let since = extension(self.live, SINCE).and_then(Value::as_u64);
                let since = since.unwrap_or_else(|| self.live.generation());
                format!("deps unchanged since generation {since}")
            }
            Path::Full => {
                let before = before.map_or_else(|| self.live_set(), Ok);
                reason(&before.unwrap_or(Before::Lost), &set, &self.wanted.request)
            }
        };
        let notes = self.wanted.notes.iter().cloned().chain(notes).collect();
        Dependencies {
            set,
            folders,
            path,
            reason,
            are_lost,
            resolved_at,
            lock: None,
            notes,
            origins: Vec::new(),
            inputs,
        }
    }
}

/// Where the wheels of these files are, as far as they are somewhere that others reach. Credentials stay here.
fn origins(pins: &[Pin], wheels: &[Wheel]) -> Vec<(Digest, String)> {
    let pairs = pins.iter().zip(wheels).filter(|(pin, _)| pin.wheel().is_some());
    let places = pairs.map(|(pin, wheel)| (Digest::new(wheel.sha256), &pin.file().address));
    let open = places.filter(|(_, address)| !address.is_file() && !address.has_credentials());
    open.map(|(digest, address)| (digest, address.to_string())).collect()
}

/// A wheel of a lock, if the lock tells its digest.
fn shipped(pin: &Pin) -> Option<ShippedWheel> {
    let extras = pin.extras().iter().map(ToString::to_string).collect();
    let digest = Digest::new(pin.file().sha256?);
    Some(ShippedWheel::new(pin.wheel()?.as_str(), digest, extras))
}

/// What tells that a file of this machine which is required is not what it was.
fn marks(requirement: &Requirement) -> Option<String> {
    let path = Address::parse(requirement.url()?).ok()?.to_path()?;
    let file = std::fs::metadata(&path).ok()?;
    Some(format!("{} {} {:?}", path.display(), file.len(), file.modified().ok()?))
}

fn prefer(mut request: Request, set: &WheelSet) -> Request {
    let live = set.wheels.iter().filter_map(|wheel| wheel.name.parse::<WheelName>().ok());
    for name in live {
        // What a lock of the project says is stronger.
        if request.preference(name.project()).is_some() {
            continue;
        }
        request = request.prefer(name.project().clone(), name.version().clone());
    }
    request
}
