//! A web site in memory, as the test double of the network.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    sync::Mutex,
};

use pinnace_test::sha256_hex;
use pinnace_wheel::{
    Address, ByteRange, Cache, Event, Fetch, FetchError, GetRequest, Index, IndexOptions,
    IndexParts, Members, MemoryCache, MemoryWheels, Progress, ReadAt, Response,
};

type Page = (u16, String, Vec<u8>);

#[derive(Default)]
pub(crate) struct Site {
    /// The pages by path: status, content type and body.
    pages: Mutex<BTreeMap<String, Page>>,
    /// Failures that replace the next responses: a status, or 0 for a broken connection.
    pub(crate) trouble: Mutex<Vec<u16>>,
    /// The byte counts after which the next bodies break off. Such responses have an entity tag.
    pub(crate) breaks: Mutex<Vec<u64>>,
    pub(crate) log: Mutex<Vec<String>>,
    /// The address to which every response claims to be redirected.
    pub(crate) redirect: Mutex<Option<Address>>,
    pub(crate) cache: MemoryCache,
    pub(crate) wheels: MemoryWheels,
}

impl Site {
    pub(crate) fn put(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) {
        self.answer(path, 200, content_type, body);
    }

    pub(crate) fn answer(
        &self,
        path: &str,
        status: u16,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) {
        let page = (status, content_type.to_owned(), body.into());
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// Serves a wheel in the only form that `WholeFile` reads, and returns its digest.
    pub(crate) fn wheel(&self, name: &str, requires: &[&str]) -> String {
        let (project, rest) = name.split_once('-').unwrap();
        let version = rest.split('-').next().unwrap();
        let mut metadata = format!("Name: {project}\nVersion: {version}\n");
        requires.iter().for_each(|text| metadata.push_str(&format!("Requires-Dist: {text}\n")));
        self.put(&format!("/files/{name}"), "application/octet-stream", metadata.as_bytes());
        sha256_hex(metadata.as_bytes())
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    pub(crate) fn index(&self, bases: &[&str], now: u64) -> Index<'_> {
        let bases = bases.iter().map(|base| Address::parse(base).unwrap()).collect();
        self.index_with(IndexOptions::new(bases, now))
    }

    pub(crate) fn index_with(&self, options: IndexOptions) -> Index<'_> {
        self.index_on(self, options)
    }

    /// Returns an index that fetches through another network.
    pub(crate) fn index_through<'a>(&'a self, fetch: &'a dyn Fetch, base: &str) -> Index<'a> {
        self.index_on(fetch, IndexOptions::new(vec![Address::parse(base).unwrap()], 1))
    }

    fn index_on<'a>(&'a self, fetch: &'a dyn Fetch, options: IndexOptions) -> Index<'a> {
        let parts = IndexParts {
            fetch,
            cache: &self.cache,
            wheels: &self.wheels,
            members: &WholeFile,
            progress: self,
            credentials: None,
        };
        Index::new(parts, options)
    }
}

impl Fetch for Site {
    fn fetch(&self, request: &GetRequest<'_>) -> Result<Response, FetchError> {
        let url = request.address.with_credentials();
        let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap_or_default());
        let part = request.part.map_or(String::new(), |part| format!(" {part}"));
        self.log.lock().unwrap().push(format!("{path}{part}"));
        let trouble = self.trouble.lock().unwrap().pop();
        let (status, content_type, body) = match trouble {
            Some(0) => return Err(FetchError::new("connection reset")),
            Some(status) => (status, String::new(), Vec::new()),
            None => self.pages.lock().unwrap().get(&path).cloned().unwrap_or((
                404,
                String::new(),
                Vec::new(),
            )),
        };
        let (status, content_range, body) = match (status, request.part) {
            (200, Some(ByteRange::Last(length))) => {
                let start = body.len().saturating_sub(length as usize);
                (
                    206,
                    Some(format!("bytes {start}-{}/{}", body.len() - 1, body.len())),
                    body[start..].to_vec(),
                )
            }
            (200, Some(ByteRange::From(offset))) if request.if_range == Some("\"tag\"") => (
                206,
                Some(format!("bytes {offset}-{}/{}", body.len() - 1, body.len())),
                body[offset as usize..].to_vec(),
            ),
            _ => (status, None, body),
        };
        let breaks = if status == 404 { None } else { self.breaks.lock().unwrap().pop() };
        let body: Box<dyn Read + Send> = match breaks {
            Some(length) => Box::new(Cursor::new(body).take(length).chain(Broken)),
            None => Box::new(Cursor::new(body)),
        };
        Ok(Response {
            status,
            content_type,
            redirected_to: self.redirect.lock().unwrap().clone(),
            content_length: None,
            content_range,
            entity_tag: breaks.map(|_| "\"tag\"".to_owned()),
            retry_after: Some(0),
            body,
        })
    }
}

/// A reader of a connection that was reset.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::ConnectionReset.into())
    }
}

impl Progress for Site {
    fn event(&self, _event: Event<'_>) {}
}

/// A stand-in for a zip reader: the whole file is the `METADATA`.
struct WholeFile;

impl Members for WholeFile {
    fn read(
        &self,
        zip: &dyn ReadAt,
        _wanted: &dyn Fn(&str) -> bool,
        _limit: u64,
    ) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let mut bytes = vec![0; zip.size()? as usize];
        zip.read_exact_at(&mut bytes, 0)?;
        Ok(Some(bytes))
    }
}

#[test]
fn the_memory_cache_keeps_buckets_apart() {
    let cache = MemoryCache::default();
    cache.put("a", "k", b"1");
    assert!(cache.get("b", "k").is_none());
    assert_eq!(cache.get("a", "k").unwrap().size().unwrap(), 1);
}
