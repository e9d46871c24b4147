//! What every verb that resolves stands on: the network, the cache, the terminal, and Ctrl-C.

use std::{
    io::Read,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use pinnace_pex::ZipMembers;
use pinnace_wheel::{
    Address, Fetch, FileFetch, GetRequest, HttpFetch, HttpOptions, Index, IndexOptions, IndexParts,
    Python, Settings,
};

use crate::{
    Failure,
    arguments::IndexArguments,
    credentials::Keys,
    environment::Environment,
    inputs::Wanted,
    interrupt::Interrupt,
    platforms,
    progress::{Output, Reporter},
    storage::Storage,
};

pub(crate) struct Session<'e> {
    pub(crate) environment: &'e Environment,
    pub(crate) interrupt: Interrupt,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) storage: Storage,
    pub(crate) started: Instant,
    settings: Settings,
    /// Made when an index is asked first: the certificates of the system take a while to read.
    fetch: Arc<OnceLock<FileFetch<Arc<HttpFetch>>>>,
    keys: Keys,
}

impl<'e> Session<'e> {
    pub(crate) fn start(
        environment: &'e Environment,
        index: &IndexArguments,
        output: Output,
    ) -> Result<Self, Failure> {
        let fetch: Arc<OnceLock<FileFetch<Arc<HttpFetch>>>> = Arc::default();
        let stopped = Arc::clone(&fetch);
        let interrupt = Interrupt::listen(move || {
            if let Some(fetch) = stopped.get() {
                fetch.0.stop();
            }
        })?;
        let session = Self::under(environment, index, output, interrupt)?;
        Ok(Self { fetch, ..session })
    }

    /// The same, where somebody listens for Ctrl-C already.
    pub(crate) fn under(
        environment: &'e Environment,
        index: &IndexArguments,
        output: Output,
        interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        let started = Instant::now();
        let settings =
            Settings::discover(&environment.variables, &environment.pip_configuration())?;
        let keys = Keys::read(environment, index.keyring_provider.as_deref())?;
        Ok(Self {
            environment,
            reporter: Arc::new(Reporter::new(output, interrupt.clone())),
            interrupt,
            storage: Storage::open(&environment.cache_folder()?)?,
            started,
            settings,
            fetch: Arc::default(),
            keys,
        })
    }

    /// The indexes that are asked for what is wanted.
    pub(crate) fn index(
        &self,
        given: &IndexArguments,
        wanted: &Wanted,
        python: Option<&str>,
    ) -> Result<Index<'_>, Failure> {
        let mut options = IndexOptions::new(Vec::new(), self.environment.now);
        options.offline = given.offline;
        let folder = &self.environment.folder;
        let linked = given.find_links.iter().map(|text| platforms::address(text, folder));
        options.find_links = linked.collect::<Result<_, _>>()?;
        options.find_links.extend(wanted.index.find_links.iter().cloned());
        if options.find_links.is_empty() {
            options.find_links = self.configured_links()?;
        }
        options.routes = wanted.routes.clone();
        let no_index = wanted.index.no_index || self.settings.no_index;
        if !given.no_index && (!no_index || given.index_url.is_some()) {
            options.indexes = self.indexes(given, wanted, python)?;
        }
        let parts = IndexParts {
            fetch: self.fetch()?,
            cache: &self.storage,
            wheels: &self.storage,
            members: &ZipMembers,
            progress: &*self.reporter,
            credentials: Some(&self.keys),
        };
        Ok(Index::new(parts, options))
    }

    fn fetch(&self) -> Result<&FileFetch<Arc<HttpFetch>>, Failure> {
        if let Some(fetch) = self.fetch.get() {
            return Ok(fetch);
        }
        let options = http_options(self.environment, &self.settings)?;
        Ok(self.fetch.get_or_init(|| FileFetch(Arc::new(HttpFetch::new(options)))))
    }

    /// Folders that are configured but not there are passed over, as pip does.
    fn configured_links(&self) -> Result<Vec<Address>, Failure> {
        let folder = &self.environment.folder;
        let there = |text: &&String| text.contains("://") || folder.join(text).exists();
        let links = self.settings.find_links.iter().filter(there);
        links.map(|text| platforms::address(text, folder)).collect()
    }

    /// The flag, then what the inputs say, then what is configured, then what the interpreter's own
    /// pip asks.
    fn indexes(
        &self,
        given: &IndexArguments,
        wanted: &Wanted,
        python: Option<&str>,
    ) -> Result<Vec<Address>, Failure> {
        let mut indexes: Vec<Address> = match given.extra_index_url.as_slice() {
            [] if !wanted.index.extra.is_empty() => wanted.index.extra.clone(),
            [] => self.settings.extra.clone(),
            urls => urls.iter().map(|url| Address::parse(url)).collect::<Result<_, _>>()?,
        };
        indexes.push(match (&given.index_url, &wanted.index.index, &self.settings.index) {
            (Some(url), ..) => Address::parse(url)?,
            (None, Some(address), _) | (None, None, Some(address)) => address.clone(),
            (None, None, None) if wanted.needs_no_index() => return Ok(indexes),
            (None, None, None) => {
                // A version that is named for a platform elsewhere need not be here.
                let python = python.filter(|text| text.parse::<Python>().is_err());
                let interpreter = platforms::interpreter(python, self.environment, &self.storage)?;
                interpreter.default_index(&self.storage)?
            }
        });
        Ok(indexes)
    }
}

/// Reads what is at a URL, for an agent that takes wheels from where they are.
pub(crate) struct Reading {
    fetch: HttpFetch,
}

impl Reading {
    pub(crate) fn new(environment: &Environment) -> Result<Self, Failure> {
        let settings =
            Settings::discover(&environment.variables, &environment.pip_configuration())?;
        let mut options = http_options(environment, &settings)?;
        options.connect_timeout = Some(PATIENCE);
        Ok(Self { fetch: HttpFetch::new(options) })
    }
}

impl pinnace_agent::Fetch for Reading {
    fn fetch(&self, url: &str) -> Result<Option<Box<dyn Read + Send>>, String> {
        let Some(address) = Address::parse(url).ok().filter(|address| !address.is_file()) else {
            return Ok(None);
        };
        let answer = self
            .fetch
            .fetch(&GetRequest::new(&address, "*/*"))
            .map_err(|error| error.to_string())?;
        Ok((answer.status == 200).then_some(answer.body))
    }
}

/// An agent that does not reach the world says so soon: it is sent what it lacks.
const PATIENCE: Duration = Duration::from_secs(3);

fn http_options(environment: &Environment, settings: &Settings) -> Result<HttpOptions, Failure> {
    let variable = |names: [&str; 4]| {
        names.iter().find_map(|name| environment.variable(name)).map(str::to_owned)
    };
    let mut options = HttpOptions::default();
    options.user_agent = concat!("pinnace/", env!("CARGO_PKG_VERSION")).to_owned();
    options.http_proxy = variable(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
    options.https_proxy = variable(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
    options.no_proxy = variable(["no_proxy", "NO_PROXY", "", ""]);
    if let Some(file) = &settings.certificates {
        let pem = std::fs::read(file).map_err(|error| {
            Failure::job(format!("cannot read the certificates `{}`: {error}", file.display()))
        })?;
        options.certificates = Some(pem);
    }
    Ok(options)
}
