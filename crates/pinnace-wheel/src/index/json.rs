//! Pages in JSON: PEP 691, with the additions of PEP 592, 658, 700 and 714.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::entry::Entry;
use crate::timestamp;

#[derive(Deserialize)]
struct Page<'a, F> {
    #[serde(borrow)]
    meta: Meta<'a>,
    files: Vec<F>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "api-version")]
    api_version: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Row<'a> {
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    hashes: Hashes<'a>,
    #[serde(borrow, default)]
    requires_python: Option<Text<'a>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    upload_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    yanked: Option<Yanked<'a>>,
    #[serde(borrow, default)]
    core_metadata: Option<CoreMetadata<'a>>,
    /// The names of this key before PEP 714. Large indexes send the old and the new ones.
    #[serde(borrow, default)]
    data_dist_info_metadata: Option<CoreMetadata<'a>>,
    #[serde(borrow, default)]
    dist_info_metadata: Option<CoreMetadata<'a>>,
}

/// A string, borrowed from the page unless it contains escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The hashes of a file, reduced to SHA-256. A map of all hashes would take most of the memory of a page.
#[derive(Default, Deserialize)]
struct Hashes<'a> {
    #[serde(borrow, default)]
    sha256: Option<Text<'a>>,
}

/// The `yanked` key. It is deserialized by hand: an untagged enum would buffer the value first,
/// which takes twice the time.
enum Yanked<'a> {
    Flag(bool),
    Reason(Cow<'a, str>),
}

enum CoreMetadata<'a> {
    Flag(bool),
    Hashes(Hashes<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Yanked<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagOrReason;
        impl<'de> Visitor<'de> for FlagOrReason {
            type Value = Yanked<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a reason")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Yanked::Flag(flag))
            }

            fn visit_borrowed_str<E>(self, reason: &'de str) -> Result<Self::Value, E> {
                Ok(Yanked::Reason(reason.into()))
            }

            fn visit_str<E>(self, reason: &str) -> Result<Self::Value, E> {
                Ok(Yanked::Reason(reason.to_owned().into()))
            }
        }
        deserializer.deserialize_any(FlagOrReason)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CoreMetadata<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagOrHashes;
        impl<'de> Visitor<'de> for FlagOrHashes {
            type Value = CoreMetadata<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or hashes")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(CoreMetadata::Flag(flag))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
                Hashes::deserialize(MapAccessDeserializer::new(map)).map(CoreMetadata::Hashes)
            }
        }
        deserializer.deserialize_any(FlagOrHashes)
    }
}

/// Returns the files of a page. Leaves out malformed rows and keeps the rest of the page.
///
/// # Errors
///
/// Returns a message if the page is not JSON of API version 1.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let (meta, rows) = match serde_json::from_slice::<Page<'_, Row<'_>>>(bytes) {
        Ok(page) => (page.meta, page.files),
        Err(error) => {
            // Only now is the slower parse, row by row, worth its time.
            let page: Page<'_, &RawValue> =
                serde_json::from_slice(bytes).map_err(|_| error.to_string())?;
            let rows = page.files.iter().filter_map(|row| serde_json::from_str(row.get()).ok());
            (page.meta, rows.collect())
        }
    };
    if meta.api_version.split('.').next() != Some("1") {
        let version = meta.api_version;
        return Err(format!("unsupported API version {version}; version 1 is supported"));
    }
    Ok(rows.into_iter().map(entry).collect())
}

fn entry(row: Row<'_>) -> Entry<'_> {
    Entry {
        name: row.filename.0,
        url: row.url.0,
        sha256: row.hashes.sha256.map(|text| text.0),
        size: row.size,
        requires_python: row.requires_python.map(|text| text.0),
        uploaded_at: row.upload_time.and_then(|text| timestamp::parse(&text.0)),
        yanked: match row.yanked {
            None | Some(Yanked::Flag(false)) => None,
            Some(Yanked::Flag(true)) => Some("".into()),
            Some(Yanked::Reason(reason)) => Some(reason),
        },
        metadata_sha256: match row
            .core_metadata
            .or(row.data_dist_info_metadata)
            .or(row.dist_info_metadata)
        {
            Some(CoreMetadata::Hashes(hashes)) => {
                Some(hashes.sha256.map_or_else(|| "".into(), |text| text.0))
            }
            Some(CoreMetadata::Flag(true)) => Some("".into()),
            Some(CoreMetadata::Flag(false)) | None => None,
        },
    }
}
