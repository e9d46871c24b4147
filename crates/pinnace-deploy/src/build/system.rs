//! What a source says of how it is built: `[build-system]` (PEP 517, PEP 518).

use std::path::Path;

use serde::Deserialize;

use crate::{Error, ErrorKind, project::read};

/// A build backend, and what must be there for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) struct BuildSystem {
    /// What it requires, as the source says it.
    pub(super) requires: Vec<String>,
    #[serde(default = "legacy_backend")]
    pub(super) build_backend: String,
    /// Where in the source the backend itself is.
    #[serde(default)]
    pub(super) backend_path: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    build_system: Option<BuildSystem>,
}

fn legacy_backend() -> String {
    "setuptools.build_meta:__legacy__".to_owned()
}

impl BuildSystem {
    /// What the source in a folder says; without a word of it setuptools, as PEP 517 has it.
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("pyproject.toml");
        let text = read(&path)?.unwrap_or_default();
        let refuse = |reason: &str| -> Error {
            let origin = "pyproject.toml".to_owned();
            ErrorKind::Settings { origin, reason: reason.to_owned() }.into()
        };
        let document: Document = toml::from_str(&text).map_err(|error| refuse(error.message()))?;
        let system = document.build_system.unwrap_or_else(|| Self {
            requires: vec!["setuptools>=40.8.0".to_owned()],
            build_backend: legacy_backend(),
            backend_path: Vec::new(),
        });
        let leaves = |part: &String| Path::new(part).is_absolute() || part.contains("..");
        match system.backend_path.iter().any(leaves) {
            true => Err(refuse("`backend-path` leads out of the source")),
            false => Ok(system),
        }
    }
}
