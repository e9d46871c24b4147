//! The page of one project: from the cache while it is fresh, else from the first index that has it.

use std::{io::Read, sync::Arc};

use super::{Index, kept, parse_html, parse_json, retry};
use crate::{Address, Error, ErrorKind, Event, File, Part, Project, ProjectName, Response};

/// JSON first; HTML is what every index speaks (PEP 691, "Version + Format Selection").
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, \
     application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// The largest page known has 12 MB; beyond this it is no page.
const LARGEST: u64 = 256 << 20;

/// The version is that of the kept form.
const BUCKET: &str = "pages-1";

pub(super) fn project(
    index: &Index<'_>,
    name: &ProjectName,
) -> Result<Option<Arc<Project>>, Error> {
    for base in &index.options.indexes {
        let address = base.project_page(name.as_str());
        let found = match cached(index, name, &address) {
            Some(project) => project,
            None => fetch(index, name, &address)?,
        };
        if let Some(project) = found {
            index.parts.progress.event(Event::ProjectRead(name));
            return Ok(Some(Arc::new(project)));
        }
    }
    Ok(None)
}

/// `Some(None)` is a fresh answer that there is no such project.
fn cached(index: &Index<'_>, name: &ProjectName, address: &Address) -> Option<Option<Project>> {
    let page = index.parts.cache.get(BUCKET, &address.to_string())?;
    let page = kept::open(page, name, address)?;
    let age = index.options.now.checked_sub(page.fetched_at);
    let fresh = age.is_some_and(|age| age < index.options.time_to_live.as_secs());
    (fresh || index.options.offline).then_some(page.project)
}

fn fetch(
    index: &Index<'_>,
    name: &ProjectName,
    address: &Address,
) -> Result<Option<Project>, Error> {
    index.check_online(address)?;
    let project = retry::with_retries(index, address, || {
        let response = retry::get(index, address, ACCEPT, None::<Part>)?;
        match response.status {
            200 => {
                // Read before waiting: a body that nobody reads holds up all others on its
                // connection (RFC 9113, section 5.2).
                let is_json = response.content_type.contains("json");
                let mut base = response.redirected_to.clone().unwrap_or_else(|| address.clone());
                base.borrow_credentials(address);
                let bytes = read(response, address)?;
                let _room = index.pages.enter();
                let files = parse(bytes, is_json, name, &base)?;
                Ok(Some(keep(index, name, address, files)))
            }
            404 | 410 => Ok(None),
            status => Err(retry::refused(address, status, response.retry_after)),
        }
    })?;
    // An absent project may appear at any moment, so only an answer that decides between several
    // indexes is worth remembering.
    if project.is_none() && index.options.indexes.len() > 1 {
        let bytes = kept::encode(index.options.now, name, None)?;
        index.parts.cache.put(BUCKET, &address.to_string(), &bytes);
    }
    Ok(project)
}

/// Puts a page into the cache, and takes it from there: what is not looked at stays on disk.
fn keep(index: &Index<'_>, name: &ProjectName, address: &Address, files: Vec<File>) -> Project {
    let project = Project::new(files);
    if project.releases().is_empty() {
        // Likely a portal or an index in the making, not an answer to remember.
        return project;
    }
    let Ok(bytes) = kept::encode(index.options.now, name, Some(&project)) else { return project };
    index.parts.cache.put(BUCKET, &address.to_string(), &bytes);
    cached(index, name, address).flatten().unwrap_or(project)
}

fn read(response: Response, address: &Address) -> Result<Vec<u8>, retry::Failure> {
    let expected = response.content_length.unwrap_or_default().min(LARGEST);
    let mut bytes = Vec::with_capacity(expected as usize + 1);
    response
        .body
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| retry::broken(address, error))?;
    if bytes.len() as u64 > LARGEST {
        let reason = format!("it is larger than {LARGEST} bytes");
        return Err(Error::from(ErrorKind::Page { url: address.to_string(), reason }).into());
    }
    Ok(bytes)
}

fn parse(
    bytes: Vec<u8>,
    is_json: bool,
    name: &ProjectName,
    address: &Address,
) -> Result<Vec<File>, Error> {
    let parse = if is_json { parse_json } else { parse_html };
    parse(&bytes, address, name)
        .map_err(|reason| ErrorKind::Page { url: address.to_string(), reason }.into())
}
