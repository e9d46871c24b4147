//! Checks that a host can run a release.

use pinnace_wheel::{Compatibility, Python, Target, Version};

use crate::{Error, ErrorKind, Host, HostPlatforms, ServiceName, WheelLayer};

/// The checks that a release can run on a host, before anything is uploaded.
#[derive(Clone, Debug)]
pub(crate) struct HostChecks {
    name: String,
    platforms: Vec<Target>,
    services: Vec<String>,
}

impl HostChecks {
    /// Asks a host for its platforms and services.
    pub(crate) fn ask(host: &dyn Host) -> Result<Self, Error> {
        let HostPlatforms { platforms, services } = host.platforms().map_err(ErrorKind::Host)?;
        let platforms = platforms.iter().map(|platform| platform.parse());
        Ok(Self { name: host.name(), platforms: platforms.collect::<Result<_, _>>()?, services })
    }

    /// Returns the host's platform for a version of Python, or its default platform.
    pub(crate) fn target(&self, python: Option<&str>) -> Result<Target, Error> {
        let parse = |name: &str| {
            let local = |_| Error::from(ErrorKind::LocalInterpreter { name: name.to_owned() });
            name.parse::<Python>().map_err(local)
        };
        let wanted = python.map(parse).transpose()?;
        let is_wanted = |target: &&Target| {
            wanted.as_ref().is_none_or(|python| minor(python.version()) == minor(target.python()))
        };
        let found = self.platforms.iter().find(is_wanted).cloned();
        Ok(found.ok_or_else(|| ErrorKind::HostHasNoPython {
            host: self.name.clone(),
            version: wanted.as_ref().map(|python| python.version().to_string()),
            platforms: self.shown(),
        })?)
    }

    /// Checks that the host runs a service.
    pub(crate) fn service(&self, service: &ServiceName) -> Result<(), Error> {
        let services = &self.services;
        if services.is_empty() || services.iter().any(|name| name == service.as_str()) {
            return Ok(());
        }
        let (host, service) = (self.name.clone(), service.to_string());
        Err(ErrorKind::HostRunsOthers { host, service, services: services.clone() }.into())
    }

    /// Checks that the host has a release's version of Python, and that all wheels are compatible with it.
    pub(crate) fn release(&self, target: &Target, layer: &WheelLayer) -> Result<(), Error> {
        let is_like = |own: &&Target| minor(own.python()) == minor(target.python());
        let Some(platform) = self.platforms.iter().find(is_like) else {
            let (host, target) = (self.name.clone(), target.to_string());
            return Err(
                ErrorKind::HostOtherPlatform { host, target, platforms: self.shown() }.into()
            );
        };
        let fits = |name| matches!(platform.rank(name), Compatibility::Compatible(_));
        let Some(misfit) = layer.wheels.iter().find(|wheel| !fits(&wheel.name)) else {
            return Ok(());
        };
        let (host, wheel) = (self.name.clone(), misfit.name.to_string());
        Err(ErrorKind::HostMisfit { host, wheel, platform: platform.to_string() }.into())
    }

    fn shown(&self) -> Vec<String> {
        self.platforms.iter().map(ToString::to_string).collect()
    }
}

fn minor(version: &Version) -> Vec<u64> {
    version.release().iter().take(2).copied().collect()
}
