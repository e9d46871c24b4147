use std::{fmt, sync::OnceLock, time::Instant};

use pinnace_pex::ZipMembers;
use pinnace_wheel::{
    Address, FileFetch, HttpOptions, Index, IndexOptions, IndexParts, Python, Settings, Silent,
};

use crate::{
    Cache, Env, Error, IndexCredentials, IndexSpec, Keyring, Network, Progress,
    index_sources::{IndexSources, Lookups, address},
    interpreters::interpreter,
    network::Opened,
};

/// The context of builds and deployments: environment, cache, network, credentials, progress and cancellation.
///
/// A context can be shared by any number of builds and deployments.
///
/// ```
/// use pinnace_build::{Cache, Context, Env};
///
/// # let folder = tempfile::tempdir()?;
/// let (env, cache) = (Env::new(folder.path()), Cache::open(folder.path())?);
/// let cx = Context::new(&env, &cache)?;
/// assert_eq!(cx.env().threads, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Context<'a> {
    env: &'a Env,
    cache: &'a Cache,
    progress: &'a dyn Progress,
    network: Network,
    settings: Settings,
    credentials: IndexCredentials,
    opened: OnceLock<FileFetch<Opened>>,
    started: Instant,
}

impl<'a> Context<'a> {
    /// Creates a context without progress reports, whose network is HTTP. Reads pip's configuration files and the
    /// netrc file.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration of pip or uv is malformed.
    pub fn new(env: &'a Env, cache: &'a Cache) -> Result<Self, Error> {
        let started = Instant::now();
        let settings = Settings::discover(&env.variables, &env.pip_configuration())?;
        let credentials = IndexCredentials::read(env, Keyring::configured(env)?);
        let (network, opened) = Default::default();
        let progress = &Silent;
        Ok(Self { env, cache, progress, network, settings, credentials, opened, started })
    }

    /// Sets the observer, which can also cancel the work.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Sets the network.
    #[must_use]
    pub fn with_network(mut self, network: Network) -> Self {
        (self.network, self.opened) = (network, OnceLock::new());
        self
    }

    /// Sets the keyring to query for credentials.
    #[must_use]
    pub fn with_keyring(mut self, keyring: Keyring) -> Self {
        self.credentials = IndexCredentials::read(self.env, keyring);
        self
    }

    /// Returns the snapshot of the environment.
    pub fn env(&self) -> &'a Env {
        self.env
    }

    /// Returns the cache.
    pub fn cache(&self) -> &'a Cache {
        self.cache
    }

    /// Returns the observer.
    pub fn progress(&self) -> &'a dyn Progress {
        self.progress
    }

    /// Returns the creation time of the context, from which timings count.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Returns true once the caller has cancelled the work.
    pub fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }

    /// Opens the indexes: those of the caller, else those of the inputs, else the configured ones.
    pub(crate) fn index(
        &self,
        spec: &IndexSpec,
        sources: &IndexSources,
        python: Option<&str>,
    ) -> Result<Index<'_>, Error> {
        let mut options = IndexOptions::new(Vec::new(), self.env.now);
        options.offline = spec.offline;
        options.find_links = self.find_links(spec, sources)?;
        options.routes = sources.routes.clone();
        let no_index = sources.choice.no_index || self.settings.no_index;
        if !spec.no_index && (!no_index || spec.index_url.is_some()) {
            options.indexes = self.indexes(spec, sources, python)?;
        }
        let parts = IndexParts {
            fetch: self.fetch()?,
            cache: self.cache,
            wheels: self.cache,
            members: &ZipMembers,
            progress: self.progress,
            credentials: Some(&self.credentials),
        };
        Ok(Index::new(parts, options))
    }

    fn fetch(&self) -> Result<&FileFetch<Opened>, Error> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = self.network.open(|| http_options_with(self.env, &self.settings))?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn find_links(&self, spec: &IndexSpec, sources: &IndexSources) -> Result<Vec<Address>, Error> {
        let folder = &self.env.folder;
        let named = spec.find_links.iter().map(|text| address(text, folder));
        let mut links: Vec<Address> = named.collect::<Result<_, _>>()?;
        links.extend(sources.choice.find_links.iter().cloned());
        if !links.is_empty() {
            return Ok(links);
        }
        // Missing folders in the configuration are skipped, as pip does.
        let exists = |text: &&String| text.contains("://") || folder.join(text).exists();
        let links = self.settings.find_links.iter().filter(exists);
        links.map(|text| address(text, folder)).collect()
    }

    /// Returns the addresses of the caller, else of the inputs, else of the configuration, else of the
    /// interpreter's own pip.
    fn indexes(
        &self,
        spec: &IndexSpec,
        sources: &IndexSources,
        python: Option<&str>,
    ) -> Result<Vec<Address>, Error> {
        let mut indexes: Vec<Address> = match spec.extra_index_urls.as_slice() {
            [] if !sources.choice.extra.is_empty() => sources.choice.extra.clone(),
            [] => self.settings.extra.clone(),
            urls => urls.iter().map(|url| Address::parse(url)).collect::<Result<_, _>>()?,
        };
        indexes.push(match (&spec.index_url, &sources.choice.index, &self.settings.index) {
            (Some(url), ..) => Address::parse(url)?,
            (None, Some(address), _) | (None, None, Some(address)) => address.clone(),
            (None, None, None) if sources.lookups == Lookups::None => return Ok(indexes),
            (None, None, None) => {
                // The Python version of a platform elsewhere need not be installed here.
                let python = python.filter(|text| text.parse::<Python>().is_err());
                let interpreter = interpreter(python, self.env, self.cache)?;
                interpreter.default_index(self.cache)?
            }
        });
        Ok(indexes)
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("cache", self.cache).finish_non_exhaustive()
    }
}

/// Returns the options of an HTTP client: the proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), and
/// the certificates from the configuration of pip or uv.
///
/// # Errors
///
/// Returns an error if the configuration is malformed, or the certificates cannot be read.
pub fn http_options(env: &Env) -> Result<HttpOptions, Error> {
    http_options_with(env, &Settings::discover(&env.variables, &env.pip_configuration())?)
}

fn http_options_with(env: &Env, settings: &Settings) -> Result<HttpOptions, Error> {
    let variable =
        |names: &[&str]| names.iter().find_map(|name| env.variable(name)).map(str::to_owned);
    let mut options = HttpOptions::default();
    options.user_agent = concat!("pinnace/", env!("CARGO_PKG_VERSION")).to_owned();
    options.http_proxy = variable(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]);
    options.https_proxy = variable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]);
    options.no_proxy = variable(&["no_proxy", "NO_PROXY"]);
    if let Some(file) = &settings.certificates {
        let read = std::fs::read(file);
        options.certificates = Some(read.map_err(Error::at("read the certificates", file))?);
    }
    Ok(options)
}
