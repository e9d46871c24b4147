use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::Digest;

/// A canonical list of digests: one meaning, one byte sequence, one digest.
///
/// A manifest is a JSON object (RFC 8259) with sorted keys, no spaces, and no numbers but integers.
/// It has `format` (1) and `kind`, and the kind defines its other keys. A reference is any text
/// that is a digest, `sha256:` and 64 lower-case digits, at any depth. A store can therefore follow
/// manifests of kinds that it does not know.
///
/// ```
/// use pinnace_store::Manifest;
/// use serde_json::json;
///
/// let digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// let manifest = Manifest::new("greeting", json!({ "text": digest }))?;
/// assert_eq!(
///     manifest.as_bytes(),
///     format!(r#"{{"format":1,"kind":"greeting","text":"{digest}"}}"#).as_bytes(),
/// );
/// assert_eq!(manifest.references().into_iter().next(), Some(digest.parse()?));
/// assert_eq!(Manifest::parse(manifest.as_bytes().to_vec())?, manifest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    keys: Map<String, Value>,
    bytes: Vec<u8>,
}

/// An error in the bytes of a manifest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The bytes are malformed, or not in canonical form.
    #[error("not a manifest: {reason}")]
    Malformed {
        /// The reason.
        reason: String,
    },
    /// The manifest has a format that is newer than this version.
    #[error("this manifest has the format {format}, and this version knows 1: use a newer pinnace")]
    Newer {
        /// The format of the manifest.
        format: u64,
    },
}

/// The format of manifests.
const FORMAT: u64 = 1;
/// The size limit of a manifest in bytes.
pub(crate) const LARGEST: u64 = 64 << 20;

impl Manifest {
    /// Creates a manifest of a kind from the keys of a JSON object.
    ///
    /// # Errors
    ///
    /// Returns an error if `keys` is not an object, has `format` or `kind`, or has a number that is
    /// not an integer.
    pub fn new(kind: &str, keys: Value) -> Result<Self, ManifestError> {
        let Value::Object(mut keys) = keys else { return malformed("it is not an object") };
        if keys.contains_key("format") || keys.contains_key("kind") {
            return malformed("`format` and `kind` are reserved");
        }
        keys.insert("format".to_owned(), FORMAT.into());
        keys.insert("kind".to_owned(), kind.into());
        let bytes = encode(&keys)?;
        Ok(Self { keys, bytes })
    }

    /// Parses a manifest.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not a manifest, of a newer format, or not canonical.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > LARGEST {
            return malformed("it is too large");
        }
        let keys: Map<String, Value> = match serde_json::from_slice(&bytes) {
            Ok(keys) => keys,
            Err(error) => return malformed(&error.to_string()),
        };
        match keys.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(format) if format > FORMAT => return Err(ManifestError::Newer { format }),
            _ => return malformed("it has no `format`"),
        }
        if !keys.get("kind").is_some_and(Value::is_string) {
            return malformed("it has no `kind`");
        }
        if encode(&keys)? == bytes {
            Ok(Self { keys, bytes })
        } else {
            malformed("it is not canonical")
        }
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        self.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.keys.get(key)
    }

    /// Returns the canonical bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the digest of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Returns all digests that the manifest refers to.
    pub fn references(&self) -> BTreeSet<Digest> {
        let mut found = BTreeSet::new();
        self.keys.values().for_each(|value| collect(value, &mut found));
        found
    }
}

fn collect(value: &Value, found: &mut BTreeSet<Digest>) {
    match value {
        Value::String(text) if text.starts_with("sha256:") => {
            found.extend(text.parse::<Digest>().ok().filter(|digest| digest.to_string() == *text));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(keys) => keys.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn encode(keys: &Map<String, Value>) -> Result<Vec<u8>, ManifestError> {
    if keys.values().any(has_fraction) {
        return malformed("it contains a number that is not an integer");
    }
    serde_json::to_vec(keys).or_else(|error| malformed(&error.to_string()))
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(keys) => keys.values().any(has_fraction),
        _ => false,
    }
}

fn malformed<T>(reason: &str) -> Result<T, ManifestError> {
    Err(ManifestError::Malformed { reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_form() {
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "invalid type"),
            (r#"{"kind":"x"}"#, "no `format`"),
            (r#"{"format":1}"#, "no `kind`"),
            (r#"{"format":2,"kind":"x"}"#, "newer pinnace"),
            (r#"{"format":1, "kind":"x"}"#, "not canonical"),
            (r#"{"kind":"x","format":1}"#, "not canonical"),
            (r#"{"format":1,"kind":"x","kind":"x"}"#, "not canonical"),
            (r#"{"a":1.5,"format":1,"kind":"x"}"#, "not an integer"),
            (r#"{"a":"\u0041","format":1,"kind":"x"}"#, "not canonical"),
        ] {
            let error = Manifest::parse(text.into()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn references_are_found_at_any_depth() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let keys = serde_json::json!({ "x": [{ "y": digest }], "upper": format!("sha256:{}", "A".repeat(64)), "short": "sha256:ab" });
        let manifest = Manifest::new("x", keys).unwrap();
        assert_eq!(manifest.references().len(), 1);
    }
}
