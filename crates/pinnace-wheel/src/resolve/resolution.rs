use std::collections::BTreeSet;

use crate::{ExtraName, File, MarkerVariable, ProjectName, Version, WheelName};

/// A set of files, one per project, that satisfies a request.
#[derive(Clone, Debug)]
pub struct Resolution {
    pub(super) pins: Vec<Pin>,
    pub(super) locals: Vec<LocalPin>,
    pub(super) warnings: Vec<String>,
    pub(super) markers_read: Vec<MarkerVariable>,
}

/// A pin: the file chosen for a project.
#[derive(Clone, Debug)]
pub struct Pin {
    pub(super) project: ProjectName,
    pub(super) file: File,
    pub(super) extras: Vec<ExtraName>,
    pub(super) requires: Vec<String>,
    pub(super) by_address: bool,
    /// The allowed digests, which count if the index does not tell the file's own. An empty set
    /// allows any digest.
    pub(super) hashes: BTreeSet<[u8; 32]>,
}

/// A local project that the request needs. Its code is on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalPin {
    /// The project.
    pub project: ProjectName,
    /// Its version.
    pub version: Version,
    /// The path of its folder, as given in the request.
    pub path: String,
}

impl Resolution {
    /// Returns the pins, sorted by project name.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// Returns the local projects.
    pub fn locals(&self) -> &[LocalPin] {
        &self.locals
    }

    /// Replaces the pins with copies that carry more metadata, such as digests.
    #[must_use]
    pub fn with_pins(mut self, pins: Vec<Pin>) -> Self {
        self.pins = pins;
        self
    }

    /// Returns the warnings for the user, such as pinned files that were yanked and extras that do
    /// not exist.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the marker variables that the resolver read. For a target with equal values of these
    /// variables and equal tags, the resolution is the same.
    pub fn markers_read(&self) -> &[MarkerVariable] {
        &self.markers_read
    }
}

impl Pin {
    /// Creates a pin for a file that was chosen earlier, such as a file of a lock.
    pub fn new(project: ProjectName, file: File) -> Self {
        let (extras, requires, hashes) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { project, file, extras, requires, by_address: false, hashes }
    }

    /// Sets the requested extras.
    #[must_use]
    pub fn with_extras(mut self, extras: Vec<ExtraName>) -> Self {
        self.extras = extras;
        self
    }

    /// Returns true if the request allows a file with this SHA-256.
    pub(crate) fn allows(&self, sha256: &[u8; 32]) -> bool {
        self.hashes.is_empty() || self.hashes.contains(sha256)
    }

    /// Sets the SHA-256 of the file.
    #[must_use]
    pub(crate) fn with_sha256(mut self, sha256: [u8; 32]) -> Self {
        self.file.sha256 = Some(sha256);
        self
    }

    /// Returns the project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        self.file.artifact.version()
    }

    /// Returns the wheel's name, or `None` for a source distribution, which must be built first.
    pub fn wheel(&self) -> Option<&WheelName> {
        self.file.artifact.wheel()
    }

    /// Returns the file as listed by the index.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the requested extras.
    pub fn extras(&self) -> &[ExtraName] {
        &self.extras
    }

    /// Returns the `Requires-Dist` headers. The slice is empty if the metadata was not read.
    pub fn requires(&self) -> &[String] {
        &self.requires
    }

    /// Returns true if the request named the file's address, not just its project.
    pub fn is_by_address(&self) -> bool {
        self.by_address
    }
}
