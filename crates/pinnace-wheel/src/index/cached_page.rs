//! The format of a cached index page: a head that lists the versions, and a body that is read one
//! release at a time. A page may list ten thousand files, of which the resolver reads about ten.
//!
//! ```text
//! u64le length of the head
//! head: "pinnace-page 2" TAB fetched-at TAB project TAB "present" or "absent" LF
//!       then newest first: version TAB offset TAB length LF
//! body: per file: name TAB sha256 TAB size TAB requires-python TAB uploaded-at TAB yanked TAB
//!       metadata-sha256 TAB url LF
//! ```
//!
//! An absent field is written `-`; a present one starts with `=`.

use std::{borrow::Cow, fmt, fmt::Write as _, sync::Arc};

use super::entry::{self, Entry};
use crate::{
    Address, Error, ErrorKind, File, Project, ProjectName, ReadAt, Version, project::ReleaseFiles,
};

const MAGIC: &str = "pinnace-page 2";
/// The size limit of a head in bytes, which is also that of a whole page. The head of a page with
/// 100,000 versions takes 4 MB.
const LARGEST_HEAD: u64 = 64 << 20;

/// A page in the cache.
struct CachedPage {
    source: Box<dyn ReadAt>,
    body: u64,
    project: ProjectName,
    /// The base of relative URLs. Files on the same origin borrow its credentials.
    address: Address,
}

pub(super) struct Opened {
    pub(super) fetched_at: u64,
    pub(super) project: Option<Project>,
}

/// A page in its cached form, with the secrecy that decides whether it may be written to disk.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) secrecy: Secrecy,
}

/// The secrecy of addresses: secret if one carries credentials or a signature of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Secrecy {
    Public,
    Secret,
}

/// Encodes the answer that an index has no such project.
pub(super) fn encode_absent(fetched_at: u64, name: &ProjectName) -> Vec<u8> {
    join(&format!("{MAGIC}\t{fetched_at}\t{name}\tabsent\n"), "")
}

/// Encodes a page.
pub(super) fn encode(
    fetched_at: u64,
    name: &ProjectName,
    entries: &[Entry<'_>],
    base: &Address,
) -> Encoded {
    let mut head = format!("{MAGIC}\t{fetched_at}\t{name}\tpresent\n");
    let mut body = String::with_capacity(entries.len() * 256);
    let mut secrecy = Secrecy::Public;
    for (version, files) in entry::by_version(entries, name) {
        let start = body.len();
        for entry in files {
            if write_entry(entry, base, &mut body) == Secrecy::Secret {
                secrecy = Secrecy::Secret;
            }
        }
        let _ = writeln!(head, "{version}\t{start}\t{}", body.len() - start);
    }
    Encoded { bytes: join(&head, &body), secrecy }
}

fn join(head: &str, body: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + head.len() + body.len());
    bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// Opens a cached page. Returns `None` if the bytes are malformed or belong to another project.
pub(super) fn open(
    source: Box<dyn ReadAt>,
    project: &ProjectName,
    address: &Address,
) -> Option<Opened> {
    let mut length = [0; 8];
    source.read_exact_at(&mut length, 0).ok()?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEAD {
        return None;
    }
    let mut head = vec![0; length as usize];
    source.read_exact_at(&mut head, 8).ok()?;
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split('\t');
    if first.next() != Some(MAGIC) {
        return None;
    }
    let fetched_at = first.next()?.parse().ok()?;
    if first.next() != Some(project.as_str()) {
        return None;
    }
    if first.next() == Some("absent") {
        return Some(Opened { fetched_at, project: None });
    }
    let releases: Option<Vec<_>> = lines.map(release).collect();
    let (project, address) = (project.clone(), address.clone());
    let page: Arc<dyn ReleaseFiles> =
        Arc::new(CachedPage { source, body: 8 + length, project, address });
    Some(Opened { fetched_at, project: Some(Project::lazy(&page, releases?)) })
}

fn release(line: &str) -> Option<(Version, u64, u64)> {
    let mut fields = line.split('\t');
    let version = fields.next()?.parse().ok()?;
    Some((version, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

impl ReleaseFiles for CachedPage {
    /// Reads the files of a release. Leaves out files whose names or addresses cannot be used.
    fn files(&self, offset: u64, length: u64) -> Result<Vec<File>, Error> {
        let start = self.body.saturating_add(offset);
        let size = self.source.size().map_err(Error::keep("read a cached page"))?;
        if start.checked_add(length).is_none_or(|end| end > size) {
            return Err(self.damaged());
        }
        let mut bytes = vec![0; length as usize];
        self.source.read_exact_at(&mut bytes, start).map_err(Error::keep("read a cached page"))?;
        let text = String::from_utf8_lossy(&bytes);
        let entries: Option<Vec<Entry<'_>>> = text.lines().map(read_entry).collect();
        let entries = entries.ok_or_else(|| self.damaged())?;
        Ok(entries.iter().filter_map(|entry| entry.file(&self.address, &self.project)).collect())
    }
}

impl CachedPage {
    fn damaged(&self) -> Error {
        let reason = "its cached copy is damaged; remove the cache folder".to_owned();
        ErrorKind::Page { url: self.address.to_string(), reason }.into()
    }
}

impl fmt::Debug for CachedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPage").field("project", &self.project).finish_non_exhaustive()
    }
}

fn read_entry(line: &str) -> Option<Entry<'_>> {
    let mut fields = line.split('\t');
    let name = fields.next()?.into();
    let mut optional = || fields.next().map(|field| field.strip_prefix('='));
    let [sha256, size, requires_python, uploaded_at, yanked, metadata_sha256] =
        [optional()?, optional()?, optional()?, optional()?, optional()?, optional()?];
    Some(Entry {
        name,
        url: fields.next()?.into(),
        sha256: sha256.map(Cow::Borrowed),
        size: size.and_then(|size| size.parse().ok()),
        requires_python: requires_python.map(Cow::Borrowed),
        uploaded_at: uploaded_at.and_then(|time| time.parse().ok()),
        yanked: yanked.map(Cow::Borrowed),
        metadata_sha256: metadata_sha256.map(Cow::Borrowed),
    })
}

fn write_entry(entry: &Entry<'_>, base: &Address, body: &mut String) -> Secrecy {
    body.push_str(&clean(&entry.name));
    push_text(body, &entry.sha256);
    push_number(body, entry.size);
    push_text(body, &entry.requires_python);
    push_number(body, entry.uploaded_at);
    push_text(body, &entry.yanked);
    push_text(body, &entry.metadata_sha256);
    let (url, secrecy) = address(&entry.url, base);
    body.push('\t');
    body.push_str(&clean(&url));
    body.push('\n');
    secrecy
}

fn push_text(body: &mut String, text: &Option<Cow<'_, str>>) {
    match text {
        Some(text) => {
            body.push_str("\t=");
            body.push_str(&clean(text));
        }
        None => body.push_str("\t-"),
    }
}

fn push_number(body: &mut String, number: Option<u64>) {
    // Writing to a `String` does not fail.
    let _ = match number {
        Some(number) => write!(body, "\t={number}"),
        None => write!(body, "\t-"),
    };
}

/// Returns the address of a file without the page's own credentials, and the secrecy of the result.
fn address<'u>(url: &'u str, base: &Address) -> (Cow<'u, str>, Secrecy) {
    let authority = url.split_once("://").map(|(_, rest)| rest.split('/').next());
    match authority.flatten() {
        // A query may hold a signature.
        _ if url.contains('?') => (url.into(), Secrecy::Secret),
        Some(authority) if !authority.contains('@') => (url.into(), Secrecy::Public),
        Some(_) if !base.shares_credentials_with(url) => (url.into(), Secrecy::Secret),
        _ => {
            let joined = base.join(url).map(|address| address.without_credentials());
            (joined.unwrap_or_default().into(), Secrecy::Public)
        }
    }
}

/// Replaces control characters, which would end a field or a line, with blanks.
fn clean(text: &str) -> Cow<'_, str> {
    // Without an early exit the loop checks many bytes at once.
    let has_control = text.bytes().fold(false, |found, byte| found | (byte < 32) | (byte == 127));
    if has_control { text.replace(char::is_control, " ").into() } else { text.into() }
}
