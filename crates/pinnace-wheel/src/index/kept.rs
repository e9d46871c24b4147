//! The form in which pages are kept: a head with the versions, and a body that is read a release at
//! a time. A page may list ten thousand files, of which a solver looks at ten.
//!
//! ```text
//! u64le length of the head
//! head: "pinnace-page 1" TAB fetched-at TAB project TAB "present" or "absent" LF
//!       then newest first: version TAB offset TAB length LF
//! body: per file: name TAB sha256 TAB size TAB requires-python TAB yanked TAB metadata-sha256 TAB url LF
//! ```
//!
//! A field that is absent is `-`; one that is present has `=` in front.

use std::{fmt, sync::Arc};

use super::json::parse_sha256;
use crate::{Address, Artifact, Error, ErrorKind, File, Project, ProjectName, ReadAt, Version};

const MAGIC: &str = "pinnace-page 1";
/// A head of 100,000 versions has 4 MB.
const LARGEST_HEAD: u64 = 16 << 20;

/// A page in the cache.
pub(crate) struct KeptPage {
    source: Box<dyn ReadAt>,
    body: u64,
    project: ProjectName,
    /// Lends its credentials to the addresses of files, which are kept without any.
    address: Address,
}

pub(super) struct Opened {
    pub(super) fetched_at: u64,
    pub(super) project: Option<Project>,
}

/// Writes a page; `None` says that the index has no such project.
pub(super) fn encode(
    fetched_at: u64,
    name: &ProjectName,
    project: Option<&Project>,
) -> Result<Vec<u8>, Error> {
    let state = if project.is_some() { "present" } else { "absent" };
    let mut head = format!("{MAGIC}\t{fetched_at}\t{name}\t{state}\n");
    let mut body = String::new();
    for release in project.map(Project::releases).unwrap_or_default() {
        let start = body.len();
        release.files()?.iter().for_each(|file| encode_file(file, &mut body));
        head.push_str(&format!("{}\t{start}\t{}\n", release.version(), body.len() - start));
    }
    let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(body.as_bytes());
    Ok(bytes)
}

/// Opens a kept page; `None` if it is not one.
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
    let page = Arc::new(KeptPage { source, body: 8 + length, project, address });
    Some(Opened { fetched_at, project: Some(Project::kept(&page, releases?)) })
}

fn release(line: &str) -> Option<(Version, u64, u64)> {
    let mut fields = line.split('\t');
    let version = fields.next()?.parse().ok()?;
    Some((version, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

impl KeptPage {
    pub(crate) fn files(&self, offset: u64, length: u64) -> Result<Vec<File>, Error> {
        let start = self.body.saturating_add(offset);
        let size = self.source.size().map_err(Error::keep("read a cached page"))?;
        if start.checked_add(length).is_none_or(|end| end > size) {
            return Err(self.damaged());
        }
        let mut bytes = vec![0; length as usize];
        self.source.read_exact_at(&mut bytes, start).map_err(Error::keep("read a cached page"))?;
        let text = String::from_utf8_lossy(&bytes);
        let files: Option<Vec<File>> = text.lines().map(|line| self.decode_file(line)).collect();
        files.ok_or_else(|| self.damaged())
    }

    fn damaged(&self) -> Error {
        let reason = "its cached copy is damaged; remove the cache folder".to_owned();
        ErrorKind::Page { url: self.address.to_string(), reason }.into()
    }

    fn decode_file(&self, line: &str) -> Option<File> {
        let mut fields = line.split('\t');
        let name = fields.next()?;
        let mut optional = || fields.next().map(|field| field.strip_prefix('='));
        let sha256 = optional()?;
        let size = optional()?;
        let requires_python = optional()?;
        let yanked = optional()?;
        let metadata_sha256 = optional()?;
        let mut address = Address::parse(fields.next()?).ok()?;
        address.borrow_credentials(&self.address);
        let mut file = File::new(Artifact::parse(name, &self.project).ok()?, address);
        file.sha256 = sha256.and_then(parse_sha256);
        file.size = size.and_then(|size| size.parse().ok());
        file.requires_python = requires_python.map(str::to_owned);
        file.yanked = yanked.map(str::to_owned);
        file.metadata_sha256 = metadata_sha256.and_then(parse_sha256);
        Some(file)
    }
}

impl fmt::Debug for KeptPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPage").field("project", &self.project).finish_non_exhaustive()
    }
}

fn encode_file(file: &File, body: &mut String) {
    let clean = |text: &str| text.replace(char::is_control, " ");
    let hex = |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let fields = [
        file.sha256.as_ref().map(hex),
        file.size.map(|size| size.to_string()),
        file.requires_python.clone(),
        file.yanked.clone(),
        file.metadata_sha256.as_ref().map(hex),
    ];
    let mut line = clean(file.artifact.file_name());
    for field in fields {
        line.push('\t');
        match field {
            Some(value) => line.push_str(&format!("={}", clean(&value))),
            None => line.push('-'),
        }
    }
    body.push_str(&format!("{line}\t{}\n", file.address.without_credentials()));
}
