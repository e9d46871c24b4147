//! What an agent remembers of a service across its own end.

use std::{
    collections::VecDeque,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use pinnace_store::{Access, Durability, PendingFile};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, raise::Goal, status::Attempt};

/// The folder of a service.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// The release that proved itself last: what an agent starts by itself.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Proven {
    pub(crate) format: u32,
    pub(crate) generation: u64,
    /// Its digest; nothing if the service is out of use.
    pub(crate) release: Option<String>,
    /// The step that was tried last, proven or not: its generation, and what it is known by.
    pub(crate) tried: u64,
    pub(crate) mark: Option<String>,
}

impl Proven {
    pub(crate) fn new(goal: Option<Goal>, tried: u64, mark: Option<String>) -> Self {
        let generation = goal.map_or(tried, |goal| goal.generation);
        let release = goal.map(|goal| goal.release.to_string());
        Self { format: FORMAT, generation, release, tried, mark }
    }
}

/// What a release said of itself, and under which circumstances.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct KeptMetadata {
    pub(crate) generation: u64,
    /// The digest of the variables that it saw.
    pub(crate) variables: String,
    pub(crate) value: Value,
}

const FORMAT: u32 = 1;
const PROVEN: &str = "proven.json";
const ATTEMPTS: &str = "attempts.json";
const METADATA: &str = "metadata.json";
const GROUPS: &str = "groups";
const PORT: &str = "port.json";
/// Where a process has what it takes for the home of its user.
const HOME: &str = "home";

impl Folder {
    /// The folder of a service, made if need be.
    pub(crate) fn open(data: &Path, service: &str) -> Result<Self, Error> {
        let folder = Self::all(data).join(service);
        for inner in [HOME, GROUPS] {
            let inner = folder.join(inner);
            fs::create_dir_all(&inner).map_err(Error::at("create the folder", &inner))?;
        }
        Ok(Self(folder))
    }

    /// The services that are remembered.
    pub(crate) fn services(data: &Path) -> Vec<String> {
        let entries = fs::read_dir(Self::all(data)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    fn all(data: &Path) -> PathBuf {
        data.join("services")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.0.join(HOME)
    }

    /// Where the process groups of the service are remembered.
    pub(crate) fn groups(&self) -> PathBuf {
        self.0.join(GROUPS)
    }

    /// The folders of groups of all services.
    pub(crate) fn all_groups(data: &Path) -> Vec<PathBuf> {
        Self::services(data).iter().map(|name| Self::all(data).join(name).join(GROUPS)).collect()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("service.log")
    }

    pub(crate) fn proven(&self) -> Option<Proven> {
        self.read(PROVEN).filter(|proven: &Proven| proven.format == FORMAT)
    }

    /// Remembers that a release has proven itself, and what was tried.
    pub(crate) fn prove(&self, proven: &Proven) -> Result<(), Error> {
        self.write(PROVEN, proven, Durability::Durable)
    }

    pub(crate) fn attempts(&self) -> VecDeque<Attempt> {
        self.read(ATTEMPTS).unwrap_or_default()
    }

    pub(crate) fn remember(&self, attempts: &VecDeque<Attempt>) {
        // What was tried is worth knowing, and nothing stands on it.
        let _ = self.write(ATTEMPTS, attempts, Durability::Volatile);
    }

    pub(crate) fn metadata(&self) -> Option<KeptMetadata> {
        self.read(METADATA)
    }

    pub(crate) fn keep_metadata(&self, metadata: &KeptMetadata) -> Result<(), Error> {
        self.write(METADATA, metadata, Durability::Volatile)
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.read(PORT)
    }

    pub(crate) fn keep_port(&self, port: u16) -> Result<(), Error> {
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
