//! The manifests of a release and of its layers.

use std::collections::{BTreeMap, BTreeSet};

use pinnace_build::{LocalDistribution, Metadata, Process, Wheel};
use pinnace_store::{Digest, Manifest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

/// A runnable state of a project, identified by its digest. The record of its deployment holds the author, the time
/// and the reason.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The platform, as a [`Target`](pinnace_wheel::Target) is written.
    pub platform: String,
    /// The layers in the order of merging: source before dependencies.
    pub layers: Vec<Layer>,
    /// The processes by name.
    #[serde(default)]
    pub processes: BTreeMap<String, Process>,
    /// The names of the environment variables that it needs. Their values are never stored.
    #[serde(default)]
    pub environment: BTreeSet<String>,
    /// The query that the supervisor makes once the release is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The digests of the files that it is exported as.
    pub exports: Exports,
}

/// An input of a release: source files or wheels.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The display name.
    pub name: String,
    /// The kind of its contents.
    pub kind: LayerKind,
    /// The digest of the manifest of its contents.
    #[serde(with = "text")]
    pub digest: Digest,
    /// For files: the import roots; the empty path is the layer's own folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
    /// For files: the distribution that `importlib.metadata` finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<LocalDistribution>,
}

/// The kind of a layer's contents.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// Source files: its manifest is a [`Tree`](crate::Tree).
    Files,
    /// Dependencies: its manifest is a [`WheelLayer`].
    Wheels,
}

/// The files that a release is exported as, so that later versions write the same bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Exports {
    /// The boot code: a [`Runtime`](pinnace_pex::Runtime).
    #[serde(with = "text")]
    pub runtime: Digest,
    /// The SHA-256 of `deps.pex`, as bare digits: the store need not have the file.
    #[serde(with = "digits")]
    pub deps: Digest,
    /// The SHA-256 of `source.pex`, likewise.
    #[serde(with = "digits")]
    pub source: Digest,
}

/// The dependencies of a release: a platform, and the exact wheels for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct WheelLayer {
    /// The platform.
    pub platform: String,
    /// The wheels, sorted by name.
    pub wheels: Vec<Wheel>,
    /// Projects with overridden versions: requirements on them need not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// Excluded projects: requirements on them need not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

const RELEASE: &str = "release";
const WHEELS: &str = "wheels";

impl Release {
    /// Creates a release without processes.
    pub fn new(platform: impl Into<String>, layers: Vec<Layer>, exports: Exports) -> Self {
        let (processes, environment, metadata) = Default::default();
        Self { platform: platform.into(), layers, processes, environment, metadata, exports }
    }

    /// Returns the manifest of the release.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Manifest`] if it is too large.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        encode(RELEASE, self)
    }

    /// Parses the manifest of a release.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Manifest`] if it is of another kind, or has keys that this version does not know.
    pub fn parse(manifest: &Manifest) -> Result<Self, Error> {
        decode(RELEASE, manifest)
    }

    /// Returns the source layers, the project's own first.
    pub fn sources(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| layer.kind == LayerKind::Files)
    }

    /// Returns the layer of dependencies, if the release has one.
    pub fn dependencies(&self) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.kind == LayerKind::Wheels)
    }
}

impl Layer {
    /// Creates a source layer with these import roots.
    pub fn of_files(name: impl Into<String>, digest: Digest, imports: Vec<String>) -> Self {
        Self { name: name.into(), kind: LayerKind::Files, digest, imports, distribution: None }
    }

    /// Creates a layer of dependencies.
    pub fn of_wheels(name: impl Into<String>, digest: Digest) -> Self {
        let (imports, distribution) = Default::default();
        Self { name: name.into(), kind: LayerKind::Wheels, digest, imports, distribution }
    }
}

impl WheelLayer {
    /// Creates a layer of wheels for a platform. The wheels may come in any order.
    pub fn new(platform: impl Into<String>, mut wheels: Vec<Wheel>) -> Self {
        wheels.sort();
        let (overridden, excluded) = Default::default();
        Self { platform: platform.into(), wheels, overridden, excluded }
    }

    /// Returns the manifest of the layer.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Manifest`] if it is too large.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        encode(WHEELS, self)
    }

    /// Parses the manifest of a layer of wheels.
    ///
    /// # Errors
    ///
    /// See [`Release::parse`].
    pub fn parse(manifest: &Manifest) -> Result<Self, Error> {
        decode(WHEELS, manifest)
    }
}

impl Exports {
    /// Creates exports from their digests.
    pub fn new(runtime: Digest, deps: Digest, source: Digest) -> Self {
        Self { runtime, deps, source }
    }
}

fn encode(kind: &'static str, value: &impl Serialize) -> Result<Manifest, Error> {
    let refuse = |reason: &dyn std::fmt::Display| ErrorKind::Manifest {
        digest: Digest::new([0; 32]),
        kind,
        reason: reason.to_string(),
    };
    let keys = serde_json::to_value(value).map_err(|error| refuse(&error))?;
    Ok(Manifest::new(kind, keys).map_err(|error| refuse(&error))?)
}

fn decode<T: DeserializeOwned>(kind: &'static str, manifest: &Manifest) -> Result<T, Error> {
    let refuse = |reason: String| ErrorKind::Manifest { digest: manifest.digest(), kind, reason };
    if manifest.kind() != kind {
        return Err(refuse(format!("it is of the kind `{}`", manifest.kind())).into());
    }
    let keys: Map<String, Value> =
        serde_json::from_slice(manifest.as_bytes()).map_err(|error| refuse(error.to_string()))?;
    let own = keys.into_iter().filter(|(key, _)| key != "format" && key != "kind").collect();
    Ok(serde_json::from_value(Value::Object(own))
        .map_err(|error| refuse(format!("{error}; a newer pinnace may know more")))?)
}

/// Digests as text, such as `sha256:…`, which the store counts as references.
mod text {
    use pinnace_store::Digest;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(digest)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(input: D) -> Result<Digest, D::Error> {
        String::deserialize(input)?.parse().map_err(de::Error::custom)
    }
}

/// Digests as bare digits, which the store does not count as references.
mod digits {
    use pinnace_store::Digest;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&digest.to_hex())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(input: D) -> Result<Digest, D::Error> {
        format!("sha256:{}", String::deserialize(input)?).parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn release() -> Release {
        let digest = |byte| Digest::new([byte; 32]);
        let mut source = Layer::of_files("shop", digest(1), vec!["src".to_owned()]);
        source.distribution = Some(LocalDistribution::new("shop", "1", "Name: shop\n", ""));
        let layers = vec![source, Layer::of_wheels("deps", digest(2))];
        let exports = Exports::new(digest(3), digest(4), digest(5));
        let mut release = Release::new("manylinux_2_36_x86_64-cp311", layers, exports);
        let web = Process::new(vec!["python".to_owned(), "-m".to_owned(), "shop".to_owned()]);
        release.processes.insert("web".to_owned(), web);
        release.environment.insert("KEY".to_owned());
        release
    }

    fn wheel(name: &str, content: u8, extras: Vec<String>) -> Wheel {
        Wheel::new(name.parse().unwrap(), Digest::new([content; 32]), extras)
    }

    #[test]
    fn releases_are_read_as_they_were_written() {
        let release = release();
        let manifest = release.manifest().unwrap();
        assert_eq!(Release::parse(&manifest).unwrap(), release);
        // The digests of exports are no references.
        assert_eq!(manifest.references().len(), 3);
        let wheels = WheelLayer::new(
            "x",
            vec![
                wheel("b-1-py3-none-any.whl", 1, vec![]),
                wheel("a-1-py3-none-any.whl", 2, vec!["x".to_owned()]),
            ],
        );
        assert_eq!(wheels.wheels[0].name.project().as_str(), "a");
        assert_eq!(WheelLayer::parse(&wheels.manifest().unwrap()).unwrap(), wheels);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let mut keys = serde_json::to_value(release()).unwrap();
        keys["layers"][0]["kind"] = json!("other");
        let error = Release::parse(&Manifest::new(RELEASE, keys.clone()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("unknown variant `other`"), "{error}");
        assert!(Release::parse(&Manifest::new("wheels", keys).unwrap()).is_err());
    }
}
