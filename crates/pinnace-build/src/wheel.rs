use std::{cmp::Ordering, str::FromStr};

use pinnace_store::Digest;
use pinnace_wheel::WheelName;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A selected wheel: its file name, the digest of its bytes, and the requested extras.
///
/// Its JSON form is part of release manifests.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The file name.
    #[serde(deserialize_with = "parse", serialize_with = "name")]
    pub name: WheelName,
    /// The SHA-256 of the bytes.
    #[serde(deserialize_with = "parse", serialize_with = "display")]
    pub digest: Digest,
    /// The requested extras.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<String>,
}

impl Wheel {
    /// Creates a wheel with these requested extras.
    pub fn new(name: WheelName, digest: Digest, extras: Vec<String>) -> Self {
        Self { name, digest, extras }
    }

    /// Returns the name and the SHA-256, by which a PEX file lists wheels.
    pub(crate) fn listed(&self) -> (&WheelName, [u8; 32]) {
        (&self.name, *self.digest.as_bytes())
    }
}

impl Ord for Wheel {
    /// Compares by the text of the name, then by digest and extras: the order in manifests.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |wheel: &Self| (wheel.digest, wheel.extras.clone());
        let names = self.name.as_str().cmp(other.name.as_str());
        names.then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Wheel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn name<S: Serializer>(name: &WheelName, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(name.as_str())
}

fn display<S: Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(digest)
}

fn parse<'d, D: Deserializer<'d>, T: FromStr<Err: std::fmt::Display>>(
    input: D,
) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(de::Error::custom)
}
