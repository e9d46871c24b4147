//! Pages in JSON: PEP 691, with the additions of PEP 592, 658, 700 and 714.

use std::borrow::Cow;

use serde::Deserialize;
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
    #[serde(borrow, default, alias = "data-dist-info-metadata", alias = "dist-info-metadata")]
    core_metadata: Option<CoreMetadata<'a>>,
}

/// A string that is borrowed from the page unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Of all hashes only this one counts; a map of them would take most of the memory of a page.
#[derive(Default, Deserialize)]
struct Hashes<'a> {
    #[serde(borrow, default)]
    sha256: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Yanked<'a> {
    Flag(bool),
    #[serde(borrow)]
    Reason(Text<'a>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CoreMetadata<'a> {
    Flag(bool),
    #[serde(borrow)]
    Hashes(Hashes<'a>),
}

/// The files of a page. A malformed row is left out, not the page.
///
/// # Errors
///
/// If the page is no JSON of API version 1.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let (meta, rows) = match serde_json::from_slice::<Page<'_, Row<'_>>>(bytes) {
        Ok(page) => (page.meta, page.files),
        Err(error) => {
            // Only then is it worth the time to take the page apart row by row.
            let page: Page<'_, &RawValue> =
                serde_json::from_slice(bytes).map_err(|_| error.to_string())?;
            let rows = page.files.iter().filter_map(|row| serde_json::from_str(row.get()).ok());
            (page.meta, rows.collect())
        }
    };
    if meta.api_version.split('.').next() != Some("1") {
        let version = meta.api_version;
        return Err(format!("it has API version {version}, and this program knows version 1"));
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
            Some(Yanked::Reason(reason)) => Some(reason.0),
        },
        metadata_sha256: match row.core_metadata {
            Some(CoreMetadata::Hashes(hashes)) => {
                Some(hashes.sha256.map_or_else(|| "".into(), |text| text.0))
            }
            Some(CoreMetadata::Flag(true)) => Some("".into()),
            Some(CoreMetadata::Flag(false)) | None => None,
        },
    }
}
