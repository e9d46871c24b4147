//! The page of one project: from the cache while it is fresh, otherwise from the first index that
//! has it.

use std::{collections::BTreeSet, io::Read, sync::Arc};

use super::{
    Index,
    cached_page::{self, Secrecy},
    entry::Entry,
    html, json, retry,
};
use crate::{Address, ByteRange, Error, ErrorKind, Event, File, Project, ProjectName, Response};

/// The `Accept` header. JSON comes first; HTML is the format that every index supports (PEP 691,
/// "Version + Format Selection").
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
     application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// The size in bytes above which pages are read one at a time. The largest known page has 12 MB.
const LARGE: u64 = 16 << 20;
/// The size limit of a page in bytes.
const LARGEST: u64 = 64 << 20;

/// The cache bucket; its number is the version of the encoding.
const BUCKET: &str = "pages-2";

pub(super) fn project(
    index: &Index<'_>,
    name: &ProjectName,
) -> Result<Option<Arc<Project>>, Error> {
    let found = match index.options.routes.get(name) {
        Some(only) => of_index(index, name, only)?,
        None => first_of_all(index, name)?,
    };
    let linked = linked(index, name)?;
    let project = match found {
        None if linked.is_empty() => return Ok(None),
        Some(project) if linked.is_empty() => project,
        found => with_links(linked, found)?,
    };
    index.parts.progress.event(Event::ProjectRead(name));
    Ok(Some(Arc::new(project)))
}

fn first_of_all(index: &Index<'_>, name: &ProjectName) -> Result<Option<Project>, Error> {
    for base in &index.options.indexes {
        if let Some(project) = of_index(index, name, base)? {
            return Ok(Some(project));
        }
    }
    Ok(None)
}

fn of_index(
    index: &Index<'_>,
    name: &ProjectName,
    base: &Address,
) -> Result<Option<Project>, Error> {
    let address = base.project_page(name.as_str());
    match cached(index, name, &address) {
        Some(project) => Ok(project),
        None => fetch(index, name, &address),
    }
}

/// Returns the files of a project that the `--find-links` pages list.
fn linked(index: &Index<'_>, name: &ProjectName) -> Result<Vec<File>, Error> {
    let mut files = Vec::new();
    for address in &index.options.find_links {
        let entries = index.links.get_or_make(address.clone(), || links(index, address))?;
        files.extend(entries.iter().filter_map(|entry| entry.file(address, name)));
    }
    Ok(files)
}

fn links(index: &Index<'_>, address: &Address) -> Result<Arc<Vec<Entry<'static>>>, Error> {
    index.check_online(address)?;
    retry::with_retries(index, address, || {
        let response = retry::get(index, address, "text/html", None::<ByteRange>)?;
        if response.status != 200 {
            return Err(retry::refused(address, response.status, response.retry_after));
        }
        let base = base_of(&response, address);
        let bytes = read(index, response, address)?;
        let entries =
            html::entries(&bytes, &base).map_err(|reason| Error::from(no_page(address, reason)))?;
        Ok(Arc::new(entries))
    })
}

/// Merges linked files into a project. A file that both list comes from the links.
fn with_links(linked: Vec<File>, found: Option<Project>) -> Result<Project, Error> {
    let names: BTreeSet<String> =
        linked.iter().map(|file| file.artifact.file_name().to_owned()).collect();
    let mut files = linked;
    for release in found.as_ref().map(Project::releases).unwrap_or_default() {
        for file in release.files()?.iter() {
            if !names.contains(file.artifact.file_name()) {
                files.push(file.clone());
            }
        }
    }
    Ok(Project::new(files))
}

/// Returns the cached answer if it is fresh. `Some(None)` is the answer that there is no such project.
fn cached(index: &Index<'_>, name: &ProjectName, address: &Address) -> Option<Option<Project>> {
    let page = index.parts.cache.get(BUCKET, &address.to_string())?;
    let page = cached_page::open(page, name, address)?;
    index.is_fresh(page.fetched_at).then_some(page.project)
}

fn fetch(
    index: &Index<'_>,
    name: &ProjectName,
    address: &Address,
) -> Result<Option<Project>, Error> {
    index.check_online(address)?;
    let project = retry::with_retries(index, address, || {
        let response = retry::get(index, address, ACCEPT, None::<ByteRange>)?;
        match response.status {
            200 => {
                // Read the body before waiting: an unread body holds up all others on its
                // connection (RFC 9113, section 5.2).
                let declared_json = response.content_type.contains("json");
                let base = base_of(&response, address);
                let bytes = read(index, response, address)?;
                // Some servers send no content type. No HTML page starts with a brace.
                let is_json = declared_json || bytes.trim_ascii_start().starts_with(b"{");
                let _room = index.pages.enter();
                let entries = parse(&bytes, is_json, &base)
                    .map_err(|reason| Error::from(no_page(address, reason)))?;
                Ok(Some(cache_page(index, name, address, &base, &entries)?))
            }
            404 | 410 => Ok(None),
            status => Err(retry::refused(address, status, response.retry_after)),
        }
    })?;
    // An absent project may appear at any moment. The answer is worth caching only if it decides
    // between several indexes.
    if project.is_none() && index.options.indexes.len() > 1 && !address.is_file() {
        let bytes = cached_page::encode_absent(index.options.now, name);
        index.parts.cache.put(BUCKET, &address.to_string(), &bytes);
    }
    Ok(project)
}

fn base_of(response: &Response, address: &Address) -> Address {
    let mut base = response.redirected_to.clone().unwrap_or_else(|| address.clone());
    base.borrow_credentials(address);
    base
}

/// Writes a page to the cache and opens it from there, so that unread releases stay on disk. Pages
/// whose links carry secrets of their own, and local pages, stay in memory.
fn cache_page(
    index: &Index<'_>,
    name: &ProjectName,
    address: &Address,
    base: &Address,
    entries: &[Entry<'_>],
) -> Result<Project, Error> {
    let encoded = cached_page::encode(index.options.now, name, entries, base);
    if encoded.secrecy == Secrecy::Public && !address.is_file() && !entries.is_empty() {
        index.parts.cache.put(BUCKET, &address.to_string(), &encoded.bytes);
        if let Some(Some(project)) = cached(index, name, address) {
            return Ok(project);
        }
    }
    let opened = cached_page::open(Box::new(encoded.bytes), name, base);
    opened
        .and_then(|opened| opened.project)
        .ok_or_else(|| no_page(address, "it lists too many versions".to_owned()).into())
}

fn read(
    index: &Index<'_>,
    mut response: Response,
    address: &Address,
) -> Result<Vec<u8>, retry::Failure> {
    let expected = response.content_length.unwrap_or_default().min(1 << 20);
    let mut bytes = Vec::with_capacity(expected as usize + 1);
    let mut read = |limit: u64| {
        let taken = (&mut response.body).take(limit).read_to_end(&mut bytes);
        taken.map(|n| n as u64).map_err(|error| retry::broken(address, error))
    };
    if read(LARGE)? == LARGE {
        let _alone = index.large.enter();
        if read(LARGEST - LARGE + 1)? > LARGEST - LARGE {
            let reason = format!("it is larger than {LARGEST} bytes");
            return Err(Error::from(no_page(address, reason)).into());
        }
    }
    Ok(bytes)
}

fn parse<'b>(bytes: &'b [u8], is_json: bool, base: &Address) -> Result<Vec<Entry<'b>>, String> {
    if is_json { json::entries(bytes) } else { html::entries(bytes, base) }
}

fn no_page(address: &Address, reason: String) -> ErrorKind {
    ErrorKind::Page { url: address.to_string(), reason }
}

/// Returns the project of a page in JSON or HTML, for fuzzing and benchmarks.
///
/// # Errors
///
/// Returns the message of the parser, or a message if the encoded page cannot be read back.
pub fn parse_page(
    bytes: &[u8],
    is_json: bool,
    address: &Address,
    project: &ProjectName,
) -> Result<Project, String> {
    let entries = parse(bytes, is_json, address)?;
    let encoded = cached_page::encode(0, project, &entries, address);
    let opened = cached_page::open(Box::new(encoded.bytes), project, address);
    opened.and_then(|opened| opened.project).ok_or_else(|| "it cannot be read back".to_owned())
}
