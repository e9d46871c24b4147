//! Pages in JSON: PEP 691, with the additions of PEP 592, 658, 700 and 714.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{Address, Artifact, File, ProjectName};

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    meta: Meta<'a>,
    #[serde(borrow)]
    files: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "api-version")]
    api_version: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    hashes: Hashes<'a>,
    #[serde(borrow, default)]
    requires_python: Option<Cow<'a, str>>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    yanked: Option<Yanked<'a>>,
    #[serde(borrow, default, alias = "data-dist-info-metadata", alias = "dist-info-metadata")]
    core_metadata: Option<CoreMetadata<'a>>,
}

/// Of all hashes only this one counts; a map of them would take most of the memory of a page.
#[derive(Default, Deserialize)]
struct Hashes<'a> {
    #[serde(borrow, default)]
    sha256: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Yanked<'a> {
    Flag(bool),
    #[serde(borrow)]
    Reason(Cow<'a, str>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CoreMetadata<'a> {
    #[expect(dead_code, reason = "it says that a file exists, which is tried anyway")]
    Flag(bool),
    #[serde(borrow)]
    Hashes(Hashes<'a>),
}

/// The files of a page. Files with names that mean nothing here (eggs, installers) are left out.
///
/// # Errors
///
/// If the page is no JSON of API version 1.
pub fn parse_json(
    bytes: &[u8],
    address: &Address,
    project: &ProjectName,
) -> Result<Vec<File>, String> {
    let page: Page<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if page.meta.api_version.split('.').next() != Some("1") {
        let version = page.meta.api_version;
        return Err(format!("it has API version {version}, and this program knows version 1"));
    }
    Ok(page.files.into_iter().filter_map(|entry| file(entry, address, project)).collect())
}

fn file(entry: Entry<'_>, address: &Address, project: &ProjectName) -> Option<File> {
    let artifact = Artifact::parse(&entry.filename, project).ok()?;
    let mut file = File::new(artifact, address.join(&entry.url)?);
    file.sha256 = entry.hashes.sha256.and_then(|hex| parse_sha256(&hex));
    file.size = entry.size;
    file.requires_python = entry.requires_python.map(Cow::into_owned);
    file.yanked = match entry.yanked {
        None | Some(Yanked::Flag(false)) => None,
        Some(Yanked::Flag(true)) => Some(String::new()),
        Some(Yanked::Reason(reason)) => Some(reason.into_owned()),
    };
    file.metadata_sha256 = match entry.core_metadata {
        Some(CoreMetadata::Hashes(hashes)) => hashes.sha256.and_then(|hex| parse_sha256(&hex)),
        _ => None,
    };
    Some(file)
}

/// 64 hexadecimal digits.
pub(super) fn parse_sha256(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
