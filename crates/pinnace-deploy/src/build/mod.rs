//! Wheels of what has none: source distributions, built and kept.
//!
//! A [`Builder`] turns a folder of source into a wheel, as PEP 517 has it; [`LocalBuilder`] does it on this machine.
//! [`Builds`] stands around one: it unpacks what was downloaded, believes a wheel only after it was
//! [looked at](check), and keeps it by source, platform and builder, on the machine and, where there is a store,
//! for everybody.

mod check;
mod elf;
mod hook;
mod local;
mod project;
mod shared;
mod source;
mod system;

use std::{
    error::Error as StdError,
    fs::{self, File},
    path::{Path, PathBuf},
};

use pinnace_pex::WheelFiles;
use pinnace_store::{Deployment, Digest, PendingFolder, Store};
use pinnace_wheel::{
    Artifact, File as IndexFile, Index, Metadata, Pin, SdistMetadata, SdistName, Target, WheelName,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use local::LocalBuilder;
pub use project::{Ask, Described};
pub use shared::Trust;
pub use source::fuzzing;

use crate::{Error, ErrorKind, Machine, Wheel};
use check::Check;
use shared::Shared;

/// Makes wheels of source.
pub trait Builder: Send + Sync {
    /// What it is known by: what another builder, or this one with other settings, made is not its own.
    fn name(&self) -> String;

    /// The metadata that a wheel of this source would have; `None` if only making the wheel tells.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Build`] if the source does not let it.
    fn metadata(&self, order: &Order<'_>) -> Result<Option<Metadata>, Error>;

    /// Makes a wheel, in the folder that the order names.
    ///
    /// # Errors
    ///
    /// As [`Self::metadata`].
    fn wheel(&self, order: &Order<'_>) -> Result<Product, Error>;
}

/// What is to be built.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Order<'a> {
    /// How messages call it.
    pub what: &'a str,
    /// The source, which the builder may write to.
    pub source: &'a Path,
    /// An empty folder for what comes of it.
    pub out: &'a Path,
    /// What it is for.
    pub target: &'a Target,
}

/// A wheel as it came from a builder. Nobody has looked at it yet.
#[derive(Clone, Debug)]
pub struct Product {
    /// Where it is.
    pub file: PathBuf,
    /// What the user should know of how it was made.
    pub notes: Vec<String>,
}

/// A wheel that was built, and looked at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Built {
    /// The wheel, which is on the machine.
    pub wheel: Wheel,
    /// What the user should know of it.
    pub notes: Vec<String>,
}

/// Builds what has no wheel, once.
#[derive(Clone)]
pub struct Builds<'a> {
    builder: &'a dyn Builder,
    index: &'a Index<'a>,
    machine: &'a Machine,
    target: &'a Target,
    shared: Option<Shared<'a>>,
}

/// What a build is known by.
#[derive(Clone, Copy, Debug)]
struct Key<'a> {
    sdist: Digest,
    target: &'a Target,
    builder: &'a str,
}

impl Key<'_> {
    fn to_hex(self) -> String {
        let text = format!("built 1\n{}\n{}\n{}", self.sdist, self.target, self.builder);
        Digest::new(Sha256::digest(text).into()).to_hex()
    }
}

/// Remembers what builds came to, and what they would require, by their keys.
const BUILT: &str = "built-1";
const METADATA: &str = "built-metadata-1";

impl<'a> Builds<'a> {
    /// Builds for a platform; the index is where the sources come from, through this machine.
    pub fn new(
        builder: &'a dyn Builder,
        index: &'a Index<'a>,
        machine: &'a Machine,
        target: &'a Target,
    ) -> Self {
        Self { builder, index, machine, target, shared: None }
    }

    /// The same, which takes what others have built from a store, and puts there what it builds. `record` says who
    /// that is.
    #[must_use]
    pub fn sharing(mut self, store: &'a Store, record: Deployment, trust: Trust) -> Self {
        self.shared = Some(Shared { store, record, trust });
        self
    }

    /// The wheels of these files on this machine, in their order: what is a source distribution is built.
    ///
    /// # Errors
    ///
    /// If a file cannot be had, or [`ErrorKind::Build`].
    pub fn wheels(&self, pins: &[Pin]) -> Result<Vec<Built>, Error> {
        let files = self.index.download(pins)?;
        let builder = self.builder.name();
        let wheel = |(pin, file): (&Pin, pinnace_wheel::Downloaded)| {
            let digest = Digest::new(file.sha256);
            let mut built = match &file.artifact {
                Artifact::Wheel(name) => {
                    let wheel = Wheel::new(name.as_str(), digest, Vec::new());
                    Built { wheel, notes: Vec::new() }
                }
                Artifact::Sdist(name) => self.wheel(name, &self.key(&builder, digest))?,
            };
            built.wheel.extras = pin.extras().iter().map(ToString::to_string).collect();
            Ok(built)
        };
        pins.iter().zip(files).map(wheel).collect()
    }

    fn key<'k>(&'k self, builder: &'k str, sdist: Digest) -> Key<'k> {
        Key { sdist, target: self.target, builder }
    }

    fn kept(&self, key: &Key<'_>) -> Option<Built> {
        let bytes = self.machine.known(BUILT, &key.to_hex())?;
        let built: Built = serde_json::from_slice(&bytes).ok()?;
        let is_here = self.machine.blobs().contains(&built.wheel.digest).unwrap_or(false);
        is_here.then_some(built)
    }

    fn wheel(&self, name: &SdistName, key: &Key<'_>) -> Result<Built, Error> {
        let built = match self.built_before(name, key)? {
            Some(built) => built,
            None => {
                let (wheel, notes) = self.build(name, key)?;
                self.believe(name, key, Built { wheel, notes })?
            }
        };
        if let Some(shared) = &self.shared {
            shared.keep_once(key, &built.wheel, self.machine)?;
        }
        Ok(built)
    }

    /// What was built before, here or by somebody else.
    fn built_before(&self, name: &SdistName, key: &Key<'_>) -> Result<Option<Built>, Error> {
        if let Some(built) = self.kept(key) {
            return Ok(Some(built));
        }
        let Some(shared) = &self.shared else { return Ok(None) };
        let found = match shared.find(key, self.machine) {
            Ok(None) => return Ok(None),
            Ok(Some(wheel)) => self.believe(name, key, Built { wheel, notes: Vec::new() }),
            Err(error) => Err(error),
        };
        match found {
            Ok(built) => Ok(Some(built)),
            Err(error) if error.is_retryable() => Err(error),
            // What is not what it should be is built here, and takes its place.
            Err(_) => Ok(None),
        }
    }

    /// Looks at a wheel, and remembers it.
    fn believe(&self, name: &SdistName, key: &Key<'_>, built: Built) -> Result<Built, Error> {
        let check = self.check(name);
        check.name(&built.wheel.name.parse()?, (name.project(), name.version()))?;
        let believed = self.machine.known(METADATA, &key.to_hex());
        let believed = believed.and_then(|bytes| Metadata::parse(&bytes).ok());
        let (metadata, more) = check.contents(&built.wheel, believed.as_ref())?;
        let notes = built.notes.into_iter().chain(more).collect();
        let built = Built { wheel: built.wheel, notes };
        self.machine.learn(METADATA, &key.to_hex(), &metadata.encode());
        if let Ok(bytes) = serde_json::to_vec(&built) {
            self.machine.learn(BUILT, &key.to_hex(), &bytes);
        }
        Ok(built)
    }

    fn check<'c>(&'c self, name: &'c SdistName) -> Check<'c> {
        Check { what: name.as_str(), target: self.target, machine: self.machine }
    }

    /// Builds, and puts what came of it on the machine, where nobody knows of it yet.
    fn build(&self, name: &SdistName, key: &Key<'_>) -> Result<(Wheel, Vec<String>), Error> {
        let work = self.unpacked(name, key)?;
        let product = self.builder.wheel(&work.order(name, self.target))?;
        let path = &product.file;
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let wheel: WheelName = file_name.parse()?;
        self.check(name).name(&wheel, (name.project(), name.version()))?;
        let mut file = File::open(path).map_err(Error::at("open", path))?;
        let digest = self.machine.blobs().put(&mut file)?;
        Ok((Wheel::new(wheel.as_str(), digest, Vec::new()), product.notes))
    }

    fn unpacked(&self, name: &SdistName, key: &Key<'_>) -> Result<Work, Error> {
        let folder = self.machine.workplace(&key.to_hex())?;
        let (inside, out) =
            (folder.unfinished_path().join("source"), folder.unfinished_path().join("out"));
        for one in [&inside, &out] {
            fs::create_dir(one).map_err(Error::at("create the folder", one))?;
        }
        let file = self.machine.open(key.sdist.as_bytes());
        let file = file.map_err(Error::at("open", Path::new(name.as_str())))?;
        let source = source::unpack(name.as_str(), file, &inside)?;
        Ok(Work { _folder: folder, source, out })
    }

    fn describe(&self, file: &IndexFile, name: &SdistName) -> Result<Metadata, Error> {
        let pin = Pin::new(name.project().clone(), file.clone());
        let downloaded = self.index.download(std::slice::from_ref(&pin))?;
        let sdist = downloaded.first().map(|one| Digest::new(one.sha256));
        let lost = || ErrorKind::Build {
            what: name.as_str().to_owned(),
            reason: "it is not there any more".to_owned(),
            log: String::new(),
        };
        let sdist = sdist.ok_or_else(lost)?;
        let builder = self.builder.name();
        let key = self.key(&builder, sdist);
        let known = || {
            let bytes = self.machine.known(METADATA, &key.to_hex())?;
            Metadata::parse(&bytes).ok()
        };
        if let Some(metadata) = known() {
            return Ok(metadata);
        }
        let described = match self.built_before(name, &key)? {
            Some(_) => None,
            None => {
                let work = self.unpacked(name, &key)?;
                self.builder.metadata(&work.order(name, self.target))?
            }
        };
        let Some(metadata) = described else {
            let wheel = self.wheel(name, &key)?.wheel;
            return Ok(self.check(name).contents(&wheel, None)?.0);
        };
        self.check(name).metadata(&metadata, (name.project(), name.version()))?;
        self.machine.learn(METADATA, &key.to_hex(), &metadata.encode());
        Ok(metadata)
    }
}

impl std::fmt::Debug for Builds<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builds").field("target", &self.target).finish_non_exhaustive()
    }
}

impl SdistMetadata for Builds<'_> {
    fn metadata(&self, file: &IndexFile) -> Result<Metadata, Box<dyn StdError + Send + Sync>> {
        match &file.artifact {
            Artifact::Sdist(name) => Ok(self.describe(file, name)?),
            Artifact::Wheel(name) => Err(format!("`{name}` is built already").into()),
        }
    }
}

/// A source that is unpacked, until it goes.
struct Work {
    _folder: PendingFolder,
    source: PathBuf,
    out: PathBuf,
}

impl Work {
    fn order<'w>(&'w self, name: &'w SdistName, target: &'w Target) -> Order<'w> {
        Order { what: name.as_str(), source: &self.source, out: &self.out, target }
    }
}
