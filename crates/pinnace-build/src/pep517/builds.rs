//! Builds of wheels from source distributions, checked and cached.

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

use super::{
    builder::{BuildRequest, Builder},
    check::Check,
    key::Key,
    sdist,
    shared::{CachePolicy, Shared},
};
use crate::{Cache, Error, ErrorKind, Wheel};

/// A wheel that was built and checked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct BuiltWheel {
    /// The wheel, which is in the cache.
    pub wheel: Wheel,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// A cached builder: it downloads source distributions from an index, builds each once, and checks the wheel.
#[derive(Clone)]
pub struct Builds<'a> {
    builder: &'a dyn Builder,
    index: &'a Index<'a>,
    cache: &'a Cache,
    target: &'a Target,
    shared: Option<Shared<'a>>,
}

/// The cache buckets of built wheels and of their metadata, by build key.
const BUILT: &str = "built-1";
const METADATA: &str = "built-metadata-1";

impl<'a> Builds<'a> {
    /// Creates a cached builder for a platform. Sources come from the index, through the cache.
    pub fn new(
        builder: &'a dyn Builder,
        index: &'a Index<'a>,
        cache: &'a Cache,
        target: &'a Target,
    ) -> Self {
        Self { builder, index, cache, target, shared: None }
    }

    /// Shares builds with a team through a store: downloads wheels that others built, and uploads new ones.
    /// `record` names the user.
    #[must_use]
    pub fn sharing(mut self, store: &'a Store, record: Deployment, policy: CachePolicy) -> Self {
        self.shared = Some(Shared { store, record, policy });
        self
    }

    /// Downloads the files of pins into the cache, and builds source distributions. Returns the wheels in the order
    /// of the pins.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Build`] if a build fails, or an error of the index.
    pub fn wheels(&self, pins: &[Pin]) -> Result<Vec<BuiltWheel>, Error> {
        let files = self.index.download(pins)?;
        let builder = self.builder.name();
        let wheel = |(pin, file): (&Pin, pinnace_wheel::Downloaded)| {
            let digest = Digest::new(file.sha256);
            let mut built = match &file.artifact {
                Artifact::Wheel(name) => {
                    let wheel = Wheel::new(name.clone(), digest, Vec::new());
                    BuiltWheel { wheel, notes: Vec::new() }
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

    fn kept(&self, key: &Key<'_>) -> Option<BuiltWheel> {
        let bytes = self.cache.recall(BUILT, &key.to_hex())?;
        let built: BuiltWheel = serde_json::from_slice(&bytes).ok()?;
        let is_here = self.cache.blobs().contains(&built.wheel.digest).unwrap_or(false);
        is_here.then_some(built)
    }

    fn wheel(&self, name: &SdistName, key: &Key<'_>) -> Result<BuiltWheel, Error> {
        let built = match self.built_before(name, key)? {
            Some(built) => built,
            None => {
                let (wheel, notes) = self.build(name, key)?;
                self.accept(name, key, BuiltWheel { wheel, notes })?
            }
        };
        if let Some(shared) = &self.shared {
            shared.keep_once(key, &built.wheel, self.cache)?;
        }
        Ok(built)
    }

    /// Finds an earlier build in the cache or in the store.
    fn built_before(&self, name: &SdistName, key: &Key<'_>) -> Result<Option<BuiltWheel>, Error> {
        if let Some(built) = self.kept(key) {
            return Ok(Some(built));
        }
        let Some(shared) = &self.shared else { return Ok(None) };
        let found = match shared.find(key, self.cache) {
            Ok(None) => return Ok(None),
            Ok(Some(wheel)) => self.accept(name, key, BuiltWheel { wheel, notes: Vec::new() }),
            Err(error) => Err(error),
        };
        match found {
            Ok(built) => Ok(Some(built)),
            Err(error) if error.is_retryable() => Err(error),
            // A shared wheel that fails the check is built again, and replaced.
            Err(_) => Ok(None),
        }
    }

    /// Checks a wheel, and caches it.
    fn accept(
        &self,
        name: &SdistName,
        key: &Key<'_>,
        built: BuiltWheel,
    ) -> Result<BuiltWheel, Error> {
        let check = self.check(name);
        check.name(&built.wheel.name, (name.project(), name.version()))?;
        let believed = self.cache.recall(METADATA, &key.to_hex());
        let believed = believed.and_then(|bytes| Metadata::parse(&bytes).ok());
        let (metadata, more) = check.contents(&built.wheel, believed.as_ref())?;
        let notes = built.notes.into_iter().chain(more).collect();
        let built = BuiltWheel { wheel: built.wheel, notes };
        self.cache.remember(METADATA, &key.to_hex(), &metadata.encode());
        if let Ok(bytes) = serde_json::to_vec(&built) {
            self.cache.remember(BUILT, &key.to_hex(), &bytes);
        }
        Ok(built)
    }

    fn check<'c>(&'c self, name: &'c SdistName) -> Check<'c> {
        Check { what: name.as_str(), target: self.target, cache: self.cache }
    }

    /// Builds a wheel, and adds it to the cached blobs.
    fn build(&self, name: &SdistName, key: &Key<'_>) -> Result<(Wheel, Vec<String>), Error> {
        let work = self.unpacked(name, key)?;
        let output = self.builder.wheel(&work.request(name, self.target))?;
        let path = &output.file;
        let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let wheel: WheelName = file_name.parse()?;
        self.check(name).name(&wheel, (name.project(), name.version()))?;
        let mut file = File::open(path).map_err(Error::at("open", path))?;
        let digest = self.cache.blobs().put(&mut file)?;
        Ok((Wheel::new(wheel, digest, Vec::new()), output.notes))
    }

    fn unpacked(&self, name: &SdistName, key: &Key<'_>) -> Result<Work, Error> {
        let folder = self.cache.workplace(&key.to_hex())?;
        let (inside, out) =
            (folder.unfinished_path().join("source"), folder.unfinished_path().join("out"));
        for folder in [&inside, &out] {
            fs::create_dir(folder).map_err(Error::at("create the folder", folder))?;
        }
        let file = self.cache.open(key.sdist.as_bytes());
        let file = file.map_err(Error::at("open", Path::new(name.as_str())))?;
        let source = sdist::unpack(name.as_str(), file, &inside)?;
        Ok(Work { _folder: folder, source, out })
    }

    fn describe(&self, file: &IndexFile, name: &SdistName) -> Result<Metadata, Error> {
        let pin = Pin::new(name.project().clone(), file.clone());
        let downloaded = self.index.download(std::slice::from_ref(&pin))?;
        let sdist = downloaded.first().map(|file| Digest::new(file.sha256));
        let lost = || ErrorKind::Build {
            what: name.as_str().to_owned(),
            reason: "the index no longer has it".to_owned(),
            log: String::new(),
        };
        let sdist = sdist.ok_or_else(lost)?;
        let builder = self.builder.name();
        let key = self.key(&builder, sdist);
        let known = || {
            let bytes = self.cache.recall(METADATA, &key.to_hex())?;
            Metadata::parse(&bytes).ok()
        };
        if let Some(metadata) = known() {
            return Ok(metadata);
        }
        let described = match self.built_before(name, &key)? {
            Some(_) => None,
            None => {
                let work = self.unpacked(name, &key)?;
                self.builder.metadata(&work.request(name, self.target))?
            }
        };
        let Some(metadata) = described else {
            let wheel = self.wheel(name, &key)?.wheel;
            return Ok(self.check(name).contents(&wheel, None)?.0);
        };
        self.check(name).metadata(&metadata, (name.project(), name.version()))?;
        self.cache.remember(METADATA, &key.to_hex(), &metadata.encode());
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

/// An unpacked source, which is removed on drop.
struct Work {
    _folder: PendingFolder,
    source: PathBuf,
    out: PathBuf,
}

impl Work {
    fn request<'w>(&'w self, name: &'w SdistName, target: &'w Target) -> BuildRequest<'w> {
        BuildRequest { what: name.as_str(), source: &self.source, out: &self.out, target }
    }
}
