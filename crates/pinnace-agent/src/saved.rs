//! What an agent remembers of a service across its own end.

use std::{
    collections::VecDeque,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use pinnace_store::{Access, Digest, Durability, PendingFile};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, status::Attempt};

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
    /// The newest generation that was tried, proven or not.
    pub(crate) tried: u64,
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
const PORT: &str = "port.json";
/// Where a process has what it takes for the home of its user.
const HOME: &str = "home";

impl Folder {
    /// The folder of a service, made if need be.
    pub(crate) fn open(data: &Path, service: &str) -> Result<Self, Error> {
        let folder = Self::all(data).join(service);
        let home = folder.join(HOME);
        fs::create_dir_all(&home).map_err(Error::at("create the folder", &home))?;
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

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("service.log")
    }

    pub(crate) fn proven(&self) -> Option<Proven> {
        self.read(PROVEN).filter(|proven: &Proven| proven.format == FORMAT)
    }

    /// Remembers that a release has proven itself, and what was tried.
    pub(crate) fn prove(
        &self,
        generation: u64,
        release: Option<&Digest>,
        tried: u64,
    ) -> Result<(), Error> {
        let release = release.map(Digest::to_string);
        let proven = Proven { format: FORMAT, generation, release, tried };
        self.write(PROVEN, &proven, Durability::Durable)
    }

    pub(crate) fn attempts(&self) -> VecDeque<Attempt> {
        self.read(ATTEMPTS).unwrap_or_default()
    }

    pub(crate) fn remember(&self, attempts: &VecDeque<Attempt>) {
        // What was tried is worth knowing, and nothing stands on it.
        let _ = self.write(ATTEMPTS, attempts, Durability::Remade);
    }

    pub(crate) fn metadata(&self) -> Option<KeptMetadata> {
        self.read(METADATA)
    }

    pub(crate) fn keep_metadata(&self, metadata: &KeptMetadata) -> Result<(), Error> {
        self.write(METADATA, metadata, Durability::Remade)
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.read(PORT)
    }

    pub(crate) fn keep_port(&self, port: u16) -> Result<(), Error> {
        self.write(PORT, &port, Durability::Remade)
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
