//! Speaking to an agent.

mod backend;
mod rollout;

use std::{fmt, io::Read, sync::Arc, time::Duration};

use pinnace_store::Digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ureq::{
    Body, SendBody,
    http::{Method, Request, Response, StatusCode},
    tls::{RootCerts, TlsConfig},
};

use crate::{AgentStatus, Attempt, Error, ErrorKind, Platforms, ServiceStatus, route::OWN};

pub use backend::RemoteBackend;

/// An agent that is spoken to over HTTP. It blocks, and is used from any number of threads.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: Option<Arc<str>>,
    http: ureq::Agent,
}

/// What an agent answers of a generation, or of a restart.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Answered {
    /// What became of it; `None` if that is not known yet.
    pub attempt: Option<Attempt>,
    /// Where the service answers.
    pub address: Option<String>,
    /// The generation that is live.
    pub generation: Option<u64>,
    /// The release that is live.
    #[serde(default)]
    pub release: Option<String>,
    /// What a release that is being started is waited for.
    #[serde(default)]
    pub waiting: Option<String>,
}

/// Variables that an agent does not have.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Lacking {
    /// Their names.
    pub lacking: Vec<String>,
    /// Where the agent takes them from, in words.
    pub place: String,
}

/// A wheel, and where the world has it.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    digest: String,
    url: String,
}

const CONNECT: Duration = Duration::from_secs(5);
/// How long an agent may say nothing: it syncs what it was sent, or starts a service anew.
const SILENCE: Duration = Duration::from_secs(600);
/// No answer that is no object is larger.
const LARGEST: u64 = 256 << 20;

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Offer {
    /// The wheel of this digest is at this URL.
    pub fn new(digest: &Digest, url: impl Into<String>) -> Self {
        Self { digest: digest.to_string(), url: url.into() }
    }
}

impl Client {
    /// The agent at a URL (`http://host:port`, or `https://` where something in front of it speaks TLS), shown this
    /// token.
    ///
    /// # Errors
    ///
    /// If it is no such URL.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, Error> {
        let given = url.trim_end_matches('/');
        let rest = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
        // Secrets in a URL would be shown with it.
        let Some(_) = rest.filter(|rest| !rest.is_empty() && !rest.contains(['@', '/', '?', '#']))
        else {
            let reason = "`http://HOST:PORT` or `https://HOST` is expected".to_owned();
            let origin = if url.contains('@') { "the agent's URL" } else { url };
            return Err(ErrorKind::Malformed { origin: origin.to_owned(), reason }.into());
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let http = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .user_agent(concat!("pinnace/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { url: given.to_owned(), token: token.map(Arc::from), http })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The store that it has, for those who have no key to it.
    pub fn backend(&self) -> RemoteBackend {
        RemoteBackend::new(self.clone())
    }

    /// What it is, and what it does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unreachable`], or [`ErrorKind::Refused`].
    pub fn status(&self) -> Result<AgentStatus, Error> {
        self.json(self.get("v1/agent")?)
    }

    /// What releases it can run.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn platforms(&self) -> Result<Platforms, Error> {
        self.json(self.get("v1/platforms")?)
    }

    /// What becomes of a generation, which is this release, as far as that is known after this time. That it is asked for makes
    /// the agent look.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn attempt(
        &self,
        service: &str,
        generation: u64,
        release: Option<&Digest>,
        wait: Duration,
    ) -> Result<Answered, Error> {
        let wait = wait.as_millis();
        let release = release.map_or_else(String::new, |release| format!("&release={release}"));
        let path = format!("v1/services/{service}/attempts/{generation}?wait={wait}{release}");
        self.json(self.get(&path)?)
    }

    /// A service.
    ///
    /// # Errors
    ///
    /// As [`Self::status`]; if it does not run there.
    pub fn service(&self, service: &str) -> Result<ServiceStatus, Error> {
        self.json(self.get(&format!("v1/services/{service}"))?)
    }

    /// Which of these variables the agent does not have for a service, and where it takes them from.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn lacking(&self, service: &str, names: &[String]) -> Result<Lacking, Error> {
        self.post(&format!("v1/services/{service}/lacking"), &names)
    }

    /// Starts new processes of what is live, and tells how that went.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn restart(&self, service: &str) -> Result<Answered, Error> {
        let path = format!("v1/services/{service}/restart");
        self.json(self.call(Method::POST, &path, SendBody::none())?)
    }

    /// The last lines that the processes of a service said, and with `Follow::Yes` those that come.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn logs(
        &self,
        service: &str,
        lines: usize,
        follow: Follow,
    ) -> Result<Box<dyn Read>, Error> {
        let follow = follow == Follow::Yes;
        let path = format!("v1/services/{service}/logs?lines={lines}&follow={follow}");
        Ok(Box::new(self.get(&path)?.into_body().into_reader()))
    }

    /// What the live release says of what it is made of.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn metadata(&self, service: &str) -> Result<serde_json::Value, Error> {
        self.json(self.get(&format!("v1/services/{service}/metadata"))?)
    }

    /// Lets it take what it lacks of these wheels from where they are; returns those that it still lacks.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub fn offer(&self, wheels: &[Offer]) -> Result<Vec<Digest>, Error> {
        let lacking: Vec<String> = self.post("v1/wheels", &wheels)?;
        Ok(lacking.iter().filter_map(|digest| digest.parse().ok()).collect())
    }

    fn get(&self, path: &str) -> Result<Response<Body>, Error> {
        self.call(Method::GET, path, SendBody::none())
    }

    fn post<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T, Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| self.unreachable(&error))?;
        self.json(self.call(Method::POST, path, SendBody::from_reader(&mut &*bytes))?)
    }

    /// An answer, whatever its status.
    fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Result<Response<Body>, Error> {
        let mut request =
            Request::builder().method(method).uri(format!("{}{OWN}/{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|error| self.unreachable(&error))?;
        self.http.run(request).map_err(|error| self.unreachable(&error))
    }

    /// An answer that is no refusal.
    fn call(
        &self,
        method: Method,
        path: &str,
        body: SendBody<'_>,
    ) -> Result<Response<Body>, Error> {
        let answer = self.ask(method, path, &[], body)?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(self.refused(answer)),
        }
    }

    fn json<T: DeserializeOwned>(&self, answer: Response<Body>) -> Result<T, Error> {
        let body = answer.into_body().into_with_config().limit(LARGEST).reader();
        let read = serde_json::from_reader(std::io::BufReader::new(body));
        read.map_err(|error| self.unreachable(&format!("what answers there is no agent: {error}")))
    }

    fn refused(&self, answer: Response<Body>) -> Error {
        #[derive(Deserialize)]
        struct Said {
            error: String,
        }
        let status = answer.status();
        let said: Option<Said> = self.json(answer).ok();
        let reason = match said {
            Some(said) => said.error,
            None if status == StatusCode::NOT_FOUND => "what answers there is no agent".to_owned(),
            None => status.to_string(),
        };
        ErrorKind::Refused { url: self.url.clone(), status: status.as_u16(), reason }.into()
    }

    fn unreachable(&self, reason: &dyn fmt::Display) -> Error {
        let (url, reason) = (self.url.clone(), reason.to_string());
        ErrorKind::Unreachable { url, reason }.into()
    }
}

/// Whether lines that come are waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Follow {
    /// Until the agent stops.
    Yes,
    /// What was said is enough.
    No,
}
