//! Local files and folders behind `file:` addresses.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use crate::{Address, ByteRange, Fetch, FetchError, GetRequest, Response};

/// A [`Fetch`] that answers requests for `file:` addresses from the file system and passes all
/// others on.
///
/// A folder is answered as by a file server: with its `index.html`, or else with a page of links to
/// its content.
#[derive(Debug)]
pub struct FileFetch<F>(pub F);

impl<F: Fetch> Fetch for FileFetch<F> {
    fn fetch(&self, get: &GetRequest<'_>) -> Result<Response, FetchError> {
        match get.address.to_path() {
            None if get.address.is_file() => {
                Err(FetchError::new("it is not a path of this system"))
            }
            None => self.0.fetch(get),
            Some(path) => serve(&path, get.part).map_err(FetchError::new),
        }
    }
}

fn serve(path: &Path, part: Option<ByteRange>) -> io::Result<Response> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(response(404, "", 0, Box::new(io::empty())));
        }
        Err(error) => return Err(error),
    };
    if !metadata.is_dir() {
        return file(path, metadata.len(), part);
    }
    let index = path.join("index.html");
    if index.is_file() {
        let length = fs::metadata(&index)?.len();
        return file(&index, length, None);
    }
    let page = listing(path)?;
    Ok(response(200, "text/html", page.len() as u64, Box::new(io::Cursor::new(page))))
}

fn file(path: &Path, size: u64, part: Option<ByteRange>) -> io::Result<Response> {
    let mut file = File::open(path)?;
    let (offset, length) = match part {
        None => {
            return Ok(response(200, "text/html", size, Box::new(file)));
        }
        Some(ByteRange::From(offset)) => (offset.min(size), size.saturating_sub(offset)),
        Some(ByteRange::Last(length)) => (size.saturating_sub(length), length.min(size)),
        Some(ByteRange::Range { offset, length }) => {
            (offset.min(size), length.min(size.saturating_sub(offset)))
        }
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut answer = response(206, "", length, Box::new(file.take(length)));
    let last = (offset + length).saturating_sub(1);
    answer.content_range = Some(format!("bytes {offset}-{last}/{size}"));
    Ok(answer)
}

/// Returns links to all files and folders, sorted by name.
fn listing(folder: &Path) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(mut name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_dir() {
            name.push('/');
        }
        names.push(name);
    }
    names.sort();
    // The page has a base, because the folder's address may lack the final slash.
    let base = Address::of_path(folder).map_err(io::Error::other)?.with_slash();
    let link = |name: &String| format!("<a href=\"./{0}\">{0}</a>\n", escape(name));
    let links: String = names.iter().map(link).collect();
    Ok(format!("<base href=\"{}\">\n{links}", base.with_credentials()))
}

/// Escapes all bytes that are not plain parts of a path, as `%` and two digits (RFC 3986, section
/// 2.1).
fn escape(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/+!".contains(&byte);
    let escaped = name.bytes().map(|byte| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    escaped.collect()
}

fn response(status: u16, kind: &str, length: u64, body: Box<dyn Read + Send>) -> Response {
    Response {
        status,
        redirected_to: None,
        content_type: kind.to_owned(),
        content_length: Some(length),
        content_range: None,
        entity_tag: None,
        retry_after: None,
        body,
    }
}
