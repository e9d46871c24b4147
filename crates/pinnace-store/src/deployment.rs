use std::{collections::BTreeMap, fmt, str::FromStr};

use serde_json::{Map, Value, json};

use crate::{Digest, Key, Manifest, ManifestError, checksummed};

/// The name of a ref: `wanted/SERVICE` for what deployers want, `live/SERVICE/AGENT` for what an
/// agent reports, or any other.
///
/// ```
/// use pinnace_store::RefName;
///
/// let wanted = RefName::wanted("shop")?;
/// assert_eq!((wanted.as_str(), wanted.wanted_service()), ("wanted/shop", Some("shop")));
/// let live = RefName::live("shop", "agent-1")?;
/// assert_eq!((live.as_str(), live.live_agent("shop")), ("live/shop/agent-1", Some("agent-1")));
/// # Ok::<(), pinnace_store::ParseRefNameError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RefName(Key);

/// The folder of the refs that deployers move.
const WANTED: &str = "wanted";
/// The folder of the refs in which agents report.
const LIVE: &str = "live";

/// A deployment of a ref: the release that the ref points to from then on, and why. Deployments are
/// only ever added.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Deployment {
    /// The generation number; the first is 1. [`Store::publish`](crate::Store::publish) sets it.
    pub generation: u64,
    /// The release that the ref points to; `None` takes the ref out of use.
    pub release: Option<Digest>,
    /// The release that the ref pointed to before. [`Store::publish`](crate::Store::publish) sets
    /// it.
    pub previous: Option<Digest>,
    /// The time of the deployment, in seconds since 1970, by the deployer's clock.
    pub at: u64,
    /// The deployer.
    pub by: String,
    /// The Git commit of the release.
    pub git: Option<String>,
    /// The reason for the deployment.
    pub reason: Option<String>,
    /// The durations of its phases, in milliseconds.
    pub timings_ms: BTreeMap<String, u64>,
    /// Data that other programs add.
    pub extensions: Map<String, Value>,
}

impl RefName {
    /// Creates the name of the ref that the deployers of a service move.
    ///
    /// # Errors
    ///
    /// Returns an error if the service cannot be part of a name.
    pub fn wanted(service: &str) -> Result<Self, ParseRefNameError> {
        format!("{WANTED}/{service}").parse()
    }

    /// Creates the name of the ref in which an agent reports on a service.
    ///
    /// # Errors
    ///
    /// Returns an error if the service or the agent cannot be part of a name.
    pub fn live(service: &str, agent: &str) -> Result<Self, ParseRefNameError> {
        format!("{LIVE}/{service}/{agent}").parse()
    }

    /// Returns the service whose deployers move this ref.
    pub fn wanted_service(&self) -> Option<&str> {
        self.as_str().strip_prefix(WANTED)?.strip_prefix('/')
    }

    /// Returns the agent that reports on a service in this ref.
    pub fn live_agent(&self, service: &str) -> Option<&str> {
        let below = self.as_str().strip_prefix(LIVE)?.strip_prefix('/')?;
        below.strip_prefix(service)?.strip_prefix('/')
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the folder of the ref's deployments.
    pub(crate) fn folder(&self) -> String {
        format!("refs/{}/{DEPLOYMENTS}", self.0)
    }

    /// Returns the key of a deployment. The newest deployment comes first in a listing.
    pub(crate) fn deployment_key(&self, generation: u64) -> Key {
        Key::of(format!("{}/{:020}", self.folder(), u64::MAX - generation))
    }

    /// Parses the key of a deployment into the ref and the generation number.
    pub(crate) fn of_deployment_key(key: &Key) -> Option<(Self, u64)> {
        let (name, number) = key.as_str().strip_prefix("refs/")?.rsplit_once('/')?;
        let name = name.strip_suffix(DEPLOYMENTS)?.strip_suffix('/')?;
        let number: u64 = number.parse().ok().filter(|_| number.len() == 20)?;
        let generation = Some(u64::MAX - number).filter(|generation| *generation > 0)?;
        Some((name.parse().ok()?, generation))
    }
}

/// The folder that holds the deployments of a ref. No part of a ref's name is called so.
const DEPLOYMENTS: &str = "@";

impl FromStr for RefName {
    type Err = ParseRefNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<Key>() {
            Ok(key) if !text.contains('@') && text.len() <= 400 => Ok(Self(key)),
            _ => Err(ParseRefNameError(text.chars().take(400).collect())),
        }
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The error for text that is not the name of a ref.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not the name of a ref: `{0}`; use letters, digits and `._-`, with `/` between parts, none of which starts with a dot"
)]
pub struct ParseRefNameError(String);

impl Deployment {
    /// Returns the bytes of the record: a manifest of the kind `deployment` with a checksum
    /// trailer, since the record's key does not contain its digest.
    ///
    /// # Errors
    ///
    /// Returns an error if `extensions` contains a number that is not an integer.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        Ok(checksummed::seal(self.manifest()?.as_bytes()))
    }

    fn manifest(&self) -> Result<Manifest, ManifestError> {
        let digest = |digest: &Option<Digest>| digest.map(|digest| digest.to_string());
        Manifest::new(
            KIND,
            json!({
                "at": self.at,
                "by": self.by,
                "extensions": self.extensions,
                "generation": self.generation,
                "git": self.git,
                "previous": digest(&self.previous),
                "reason": self.reason,
                "release": digest(&self.release),
                "timings_ms": self.timings_ms,
            }),
        )
    }

    /// Parses a record.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a record, damaged, or of a newer format.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let Some(manifest) = checksummed::open(bytes) else {
            let reason = "its checksum does not match".to_owned();
            return Err(ManifestError::Malformed { reason });
        };
        let manifest = Manifest::parse(manifest.to_vec())?;
        let refuse = |key: &str| ManifestError::Malformed {
            reason: format!("`{key}` is missing or has the wrong type"),
        };
        if manifest.kind() != KIND {
            return Err(refuse("kind"));
        }
        let number = |key| manifest.get(key).and_then(Value::as_u64).ok_or_else(|| refuse(key));
        let text = |key| match manifest.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(refuse(key)),
        };
        let digest = |key| {
            let text = text(key)?;
            text.map(|text| text.parse().map_err(|_| refuse(key))).transpose()
        };
        let timings = manifest.get("timings_ms").and_then(Value::as_object);
        let timings = timings.into_iter().flatten();
        Ok(Self {
            generation: number("generation")?,
            release: digest("release")?,
            previous: digest("previous")?,
            at: number("at")?,
            by: text("by")?.unwrap_or_default(),
            git: text("git")?,
            reason: text("reason")?,
            timings_ms: timings
                .filter_map(|(key, value)| Some((key.clone(), value.as_u64()?)))
                .collect(),
            extensions: manifest
                .get("extensions")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        })
    }
}

const KIND: &str = "deployment";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_are_listed_from_the_newest() {
        let name: RefName = "wanted/shop".parse().unwrap();
        assert!(
            name.deployment_key(2) < name.deployment_key(1)
                && name.deployment_key(u64::MAX) < name.deployment_key(10)
        );
        assert_eq!(RefName::of_deployment_key(&name.deployment_key(7)), Some((name, 7)));
        assert_eq!(RefName::of_deployment_key(&"refs/x/1".parse().unwrap()), None);
        for bad in ["", "a@b", "a/../b", "a b"] {
            assert!(bad.parse::<RefName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let deployment = Deployment {
            generation: 3,
            release: Some(Digest::new([1; 32])),
            at: 5,
            by: "me".to_owned(),
            reason: Some("why".to_owned()),
            timings_ms: BTreeMap::from([("build".to_owned(), 12)]),
            extensions: Map::from_iter([("x".to_owned(), json!([1]))]),
            ..Deployment::default()
        };
        let bytes = deployment.to_bytes().unwrap();
        assert_eq!(Deployment::parse(&bytes).unwrap(), deployment);
        assert!(Deployment::parse(br#"{"format":1,"kind":"release"}"#).is_err());
    }
}
