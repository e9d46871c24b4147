//! The state of services on disk, which outlives the agent.

use std::{
    collections::VecDeque,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use pinnace_store::{Access, Durability, PendingFile};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::revision::Revision;
use crate::{Attempt, Error};

/// The folder of a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceDir(PathBuf);

/// The release that was ready last. A starting agent launches it without asking the store.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct LastGood {
    format: u32,
    pub(crate) generation: u64,
    /// The digest of the release; `None` if the service is out of use.
    pub(crate) release: Option<String>,
    /// The generation of the deployment that was tried last, ready or not.
    pub(crate) tried: u64,
    /// The identity of that deployment.
    pub(crate) mark: Option<String>,
}

impl LastGood {
    pub(crate) fn new(revision: Option<Revision>, tried: u64, mark: Option<String>) -> Self {
        let generation = revision.map_or(tried, |revision| revision.generation);
        let release = revision.map(|revision| revision.release.to_string());
        Self { format: FORMAT, generation, release, tried, mark }
    }
}

/// The metadata that a release gave, and the circumstances.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KnownMetadata {
    pub(crate) generation: u64,
    /// The digest of the variables that the release saw.
    pub(crate) variables: String,
    pub(crate) value: Value,
}

const FORMAT: u32 = 1;
const LAST_GOOD: &str = "proven.json";
const ATTEMPTS: &str = "attempts.json";
const METADATA: &str = "metadata.json";
const GROUPS: &str = "groups";
const PORT: &str = "port.json";
/// The home folder of the service's processes.
const HOME: &str = "home";

impl ServiceDir {
    /// Opens the folder of a service, and creates it if it is missing.
    pub(crate) fn open(data: &Path, service: &str) -> Result<Self, Error> {
        let folder = Self::root(data).join(service);
        for inner in [HOME, GROUPS] {
            let inner = folder.join(inner);
            fs::create_dir_all(&inner).map_err(Error::at("create the folder", &inner))?;
        }
        Ok(Self(folder))
    }

    /// Lists the services that have a folder, in order of their names.
    pub(crate) fn services(data: &Path) -> Vec<String> {
        let entries = fs::read_dir(Self::root(data)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn root(data: &Path) -> PathBuf {
        data.join("services")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.0.join(HOME)
    }

    /// Returns the folder that records the service's process groups.
    pub(crate) fn groups(&self) -> PathBuf {
        self.0.join(GROUPS)
    }

    /// Returns the folders of process groups of all services.
    pub(crate) fn all_groups(data: &Path) -> Vec<PathBuf> {
        Self::services(data).iter().map(|name| Self::root(data).join(name).join(GROUPS)).collect()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("service.log")
    }

    pub(crate) fn last_good(&self) -> Option<LastGood> {
        self.read(LAST_GOOD).filter(|last: &LastGood| last.format == FORMAT)
    }

    /// Records the release that is live and the deployment that was tried, durably.
    pub(crate) fn save_last_good(&self, last: &LastGood) -> Result<(), Error> {
        self.write(LAST_GOOD, last, Durability::Durable)
    }

    pub(crate) fn attempts(&self) -> VecDeque<Attempt> {
        self.read(ATTEMPTS).unwrap_or_default()
    }

    pub(crate) fn save_attempts(&self, attempts: &VecDeque<Attempt>) {
        // The history informs people; nothing depends on it.
        let _ = self.write(ATTEMPTS, attempts, Durability::Volatile);
    }

    pub(crate) fn metadata(&self) -> Option<KnownMetadata> {
        self.read(METADATA)
    }

    pub(crate) fn save_metadata(&self, metadata: &KnownMetadata) -> Result<(), Error> {
        self.write(METADATA, metadata, Durability::Volatile)
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.read(PORT)
    }

    pub(crate) fn save_port(&self, port: u16) -> Result<(), Error> {
        self.write(PORT, &port, Durability::Volatile)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.0.join(name)).ok()?).ok()
    }

    fn write(
        &self,
        name: &str,
        value: &impl Serialize,
        durability: Durability,
    ) -> Result<(), Error> {
        let path = self.0.join(name);
        let bytes =
            serde_json::to_vec(value).map_err(|error| Error::at("write", &path)(error.into()))?;
        let mut file = PendingFile::create(&path, Access::ReadWrite, durability)?;
        file.write_all(&bytes).map_err(Error::at("write", &path))?;
        Ok(file.commit()?)
    }
}
