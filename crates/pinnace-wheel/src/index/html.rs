//! Pages in HTML: PEP 503, with the additions of PEP 592, 658 and 714. Only attributes matter.

use html5gum::{StartTag, Token, Tokenizer};

use super::json::parse_sha256;
use crate::{Address, Artifact, File, ProjectName};

/// The files of a page. Files with names that mean nothing here (eggs, installers) are left out.
///
/// # Errors
///
/// If the page announces a repository version that is not 1.
pub fn parse_html(
    bytes: &[u8],
    address: &Address,
    project: &ProjectName,
) -> Result<Vec<File>, String> {
    let mut base = address.clone();
    let mut files = Vec::new();
    for token in Tokenizer::new(bytes) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        match &**tag.name {
            b"base" => base = attribute(&tag, "href").and_then(|to| base.join(&to)).unwrap_or(base),
            b"meta" => check_version(&tag)?,
            b"a" => files.extend(file(&tag, &base, project)),
            _ => {}
        }
    }
    Ok(files)
}

fn check_version(tag: &StartTag<()>) -> Result<(), String> {
    if attribute(tag, "name").as_deref() != Some("pypi:repository-version") {
        return Ok(());
    }
    let version = attribute(tag, "content").unwrap_or_default();
    match version.split('.').next() {
        Some("1") => Ok(()),
        _ => Err(format!("it has repository version {version}, and this program knows version 1")),
    }
}

fn file(tag: &StartTag<()>, base: &Address, project: &ProjectName) -> Option<File> {
    let reference = attribute(tag, "href")?;
    let (path, fragment) = reference.split_once('#').unwrap_or((&reference, ""));
    let address = base.join(path)?;
    let name = path.split('?').next()?.rsplit('/').next()?;
    let artifact = Artifact::parse(&percent_decode(name), project).ok()?;
    let mut file = File::new(artifact, address);
    file.sha256 = fragment.strip_prefix("sha256=").and_then(parse_sha256);
    file.requires_python = attribute(tag, "data-requires-python");
    file.yanked = attribute(tag, "data-yanked");
    file.metadata_sha256 = attribute(tag, "data-core-metadata")
        .or_else(|| attribute(tag, "data-dist-info-metadata"))
        .and_then(|value| parse_sha256(value.strip_prefix("sha256=")?));
    Some(file)
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// `%2B` is what `+` becomes in the file name of a local version.
fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2)).flatten();
        let escaped = escaped.and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
