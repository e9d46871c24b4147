//! Pages in HTML: PEP 503, with the additions of PEP 592, 658 and 714. The parser reads only attributes.

use html5gum::{StartTag, Token, Tokenizer};

use super::entry::Entry;
use crate::{Address, address::percent_decode, timestamp};

/// Returns the links of a page, with absolute addresses.
///
/// # Errors
///
/// Returns a message if the page declares a repository version other than 1.
pub(super) fn entries(bytes: &[u8], address: &Address) -> Result<Vec<Entry<'static>>, String> {
    let mut base = address.clone();
    let mut entries = Vec::new();
    for token in Tokenizer::new(bytes) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        match &**tag.name {
            b"base" => base = attribute(&tag, "href").and_then(|to| base.join(&to)).unwrap_or(base),
            b"meta" => check_version(&tag)?,
            b"a" => entries.extend(entry(&tag, &base)),
            _ => {}
        }
    }
    Ok(entries)
}

fn check_version(tag: &StartTag<()>) -> Result<(), String> {
    if attribute(tag, "name").as_deref() != Some("pypi:repository-version") {
        return Ok(());
    }
    let version = attribute(tag, "content").unwrap_or_default();
    match version.split('.').next() {
        Some("1") => Ok(()),
        _ => Err(format!("unsupported repository version {version}; version 1 is supported")),
    }
}

fn entry(tag: &StartTag<()>, base: &Address) -> Option<Entry<'static>> {
    let reference = attribute(tag, "href")?;
    let (path, fragment) = reference.split_once('#').unwrap_or((&reference, ""));
    let name = path.split('?').next()?.rsplit('/').next()?;
    let metadata =
        attribute(tag, "data-core-metadata").or_else(|| attribute(tag, "data-dist-info-metadata"));
    Some(Entry {
        name: percent_decode(name).into(),
        url: base.join(path)?.with_credentials().to_owned().into(),
        sha256: sha256(fragment),
        size: None,
        requires_python: attribute(tag, "data-requires-python").map(Into::into),
        uploaded_at: attribute(tag, "data-upload-time").and_then(|it| timestamp::parse(&it)),
        yanked: attribute(tag, "data-yanked").map(Into::into),
        metadata_sha256: metadata.map(|value| sha256(&value).unwrap_or_default()),
    })
}

fn sha256(text: &str) -> Option<std::borrow::Cow<'static, str>> {
    Some(text.strip_prefix("sha256=")?.to_owned().into())
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}
