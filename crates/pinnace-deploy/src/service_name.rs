use std::{fmt, str::FromStr};

use pinnace_store::RefName;

use crate::{Error, ErrorKind};

/// The name of a service: letters, digits and `._-`.
///
/// ```
/// use pinnace_deploy::ServiceName;
///
/// let service: ServiceName = "shop".parse()?;
/// assert_eq!(service.wanted().as_str(), "wanted/shop");
/// assert!("../shop".parse::<ServiceName>().is_err());
/// # Ok::<(), pinnace_deploy::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServiceName {
    wanted: RefName,
}

impl ServiceName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        self.wanted.wanted_service().unwrap_or_default()
    }

    /// Returns the ref that deployers update: `wanted/NAME`.
    pub fn wanted(&self) -> &RefName {
        &self.wanted
    }

    /// Returns the ref in which an agent reports its status: `live/NAME/AGENT`. Returns `None` if the agent's name
    /// cannot be part of a ref.
    pub fn live(&self, agent: &str) -> Option<RefName> {
        RefName::live(self.as_str(), agent).ok()
    }

    /// Returns the service of a ref of the form `wanted/NAME`.
    pub fn of_wanted(name: &RefName) -> Option<Self> {
        name.wanted_service()?.parse().ok()
    }
}

impl FromStr for ServiceName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let refused = || ErrorKind::ServiceName { name: name.to_owned() };
        let wanted = RefName::wanted(name).map_err(|_| refused())?;
        Ok(Self { wanted })
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
