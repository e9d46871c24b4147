//! The client of an agent.

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

use crate::{
    AgentStatus, Attempt, Error, ErrorKind, Platforms, ServiceStatus,
    wire::{OfferedWheel, PREFIX},
};

pub use backend::RemoteBackend;

/// A client of an agent over HTTP. It blocks, and any number of threads may share it.
#[derive(Clone)]
pub struct Client {
    url: String,
    token: Option<Arc<str>>,
    http: ureq::Agent,
}

/// The result of a rollout or a restart.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct RolloutStatus {
    /// The attempt; `None` if it is not over.
    pub attempt: Option<Attempt>,
    /// The address of the service.
    pub address: Option<String>,
    /// The live generation.
    pub generation: Option<u64>,
    /// The live release.
    #[serde(default)]
    pub release: Option<String>,
    /// The readiness check that the launch waits for.
    #[serde(default)]
    pub waiting: Option<String>,
}

/// The environment variables that an agent has no value for.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MissingVariables {
    /// Their names.
    #[serde(rename = "lacking")]
    pub names: Vec<String>,
    /// The place where the agent reads them, in words.
    #[serde(rename = "place")]
    pub location: String,
}

/// A public wheel that an agent can download itself.
#[derive(Clone, Debug)]
pub struct Offer(OfferedWheel);

const CONNECT: Duration = Duration::from_secs(5);
/// The time that an agent may take for a response: it syncs an object, or launches a service.
const SILENCE: Duration = Duration::from_secs(600);
/// The size limit of a JSON response, in bytes.
const LARGEST: u64 = 256 << 20;

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Offer {
    /// Creates an offer of the wheel with this digest at this URL.
    pub fn new(digest: &Digest, url: impl Into<String>) -> Self {
        Self(OfferedWheel { digest: digest.to_string(), url: url.into() })
    }
}

impl Client {
    /// Creates a client of the agent at a URL (`http://host:port`, or `https://` for an agent behind a TLS proxy), with a
    /// token.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Malformed`] if the URL has another form.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, Error> {
        let given = url.trim_end_matches('/');
        let rest = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
        // A URL is shown in messages, with the secrets in it.
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

    /// Returns the URL of the agent.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the agent's store as a backend. It needs no credentials of the store.
    pub fn backend(&self) -> RemoteBackend {
        RemoteBackend::new(self.clone())
    }

    /// Returns the state of the agent.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unreachable`] or [`ErrorKind::Refused`].
    pub fn status(&self) -> Result<AgentStatus, Error> {
        self.json(self.get("v1/agent")?)
    }

    /// Returns the platforms and services that the agent runs.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn platforms(&self) -> Result<Platforms, Error> {
        self.json(self.get("v1/platforms")?)
    }

    /// Waits for the attempt of a generation with this release, up to `wait`. The request makes the agent check the store.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn wait_for_attempt(
        &self,
        service: &str,
        generation: u64,
        release: Option<&Digest>,
        wait: Duration,
    ) -> Result<RolloutStatus, Error> {
        let wait = wait.as_millis();
        let release = release.map_or_else(String::new, |release| format!("&release={release}"));
        let path = format!("v1/services/{service}/attempts/{generation}?wait={wait}{release}");
        self.json(self.get(&path)?)
    }

    /// Returns the state of a service.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status), and [`ErrorKind::Refused`] if the agent does not run the service.
    pub fn service(&self, service: &str) -> Result<ServiceStatus, Error> {
        self.json(self.get(&format!("v1/services/{service}"))?)
    }

    /// Returns the variables that the agent has no value of for a service.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn missing_variables(
        &self,
        service: &str,
        names: &[String],
    ) -> Result<MissingVariables, Error> {
        self.post(&format!("v1/services/{service}/lacking"), &names)
    }

    /// Launches the live release again, and waits for the attempt.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn restart(&self, service: &str) -> Result<RolloutStatus, Error> {
        let path = format!("v1/services/{service}/restart");
        self.json(self.call(Method::POST, &path, SendBody::none())?)
    }

    /// Returns the last lines of a service's log, and with `Follow::Yes` the next ones as they are written.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
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

    /// Returns the metadata of the live release.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn metadata(&self, service: &str) -> Result<serde_json::Value, Error> {
        self.json(self.get(&format!("v1/services/{service}/metadata"))?)
    }

    /// Lets the agent download the wheels that its store lacks; returns those that are still missing.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`status`](Self::status).
    pub fn offer(&self, wheels: &[Offer]) -> Result<Vec<Digest>, Error> {
        let wheels: Vec<&OfferedWheel> = wheels.iter().map(|offer| &offer.0).collect();
        let missing: Vec<String> = self.post("v1/wheels", &wheels)?;
        Ok(missing.iter().filter_map(|digest| digest.parse().ok()).collect())
    }

    fn get(&self, path: &str) -> Result<Response<Body>, Error> {
        self.call(Method::GET, path, SendBody::none())
    }

    fn post<T: DeserializeOwned>(&self, path: &str, value: &impl Serialize) -> Result<T, Error> {
        let bytes = serde_json::to_vec(value).map_err(|error| self.unreachable(&error))?;
        self.json(self.call(Method::POST, path, SendBody::from_reader(&mut &*bytes))?)
    }

    /// Sends a request; returns the response of any status.
    fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: SendBody<'_>,
    ) -> Result<Response<Body>, Error> {
        let mut request =
            Request::builder().method(method).uri(format!("{}{PREFIX}/{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|error| self.unreachable(&error))?;
        self.http.run(request).map_err(|error| self.unreachable(&error))
    }

    /// Sends a request; returns the response if it is no refusal.
    fn call(
        &self,
        method: Method,
        path: &str,
        body: SendBody<'_>,
    ) -> Result<Response<Body>, Error> {
        let answer = self.send(method, path, &[], body)?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(answer)) }
    }

    fn json<T: DeserializeOwned>(&self, answer: Response<Body>) -> Result<T, Error> {
        let body = answer.into_body().into_with_config().limit(LARGEST).reader();
        let read = serde_json::from_reader(std::io::BufReader::new(body));
        read.map_err(|error| self.unreachable(&format!("what answers there is no agent: {error}")))
    }

    fn refused(&self, answer: Response<Body>) -> Error {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        let status = answer.status();
        let refusal: Option<Refusal> = self.json(answer).ok();
        let reason = match refusal {
            Some(refusal) => refusal.error,
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

/// The choice between the lines so far and a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Follow {
    /// Streams lines until the agent stops.
    Yes,
    /// Returns the lines so far.
    No,
}
