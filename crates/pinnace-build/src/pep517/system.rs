//! The `[build-system]` table of a source (PEP 517, PEP 518).

use std::path::Path;

use serde::Deserialize;

use crate::{Error, ErrorKind, project::read_text};

/// A build backend and its requirements.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) struct BuildSystem {
    /// The requirements, unparsed.
    pub(super) requires: Vec<String>,
    #[serde(default = "legacy_backend")]
    pub(super) build_backend: String,
    /// The folders of an in-tree backend.
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
    /// Reads the table of the source in a folder. The default backend is setuptools (PEP 517).
    pub(super) fn of(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("pyproject.toml");
        let text = read_text(&path)?.unwrap_or_default();
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
        if system.backend_path.iter().any(leaves) {
            return Err(refuse("`backend-path` leads out of the source"));
        }
        Ok(system)
    }
}
