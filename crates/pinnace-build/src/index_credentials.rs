//! Credentials for indexes, from netrc and from the `keyring` program.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use pinnace_wheel::{Address, Credentials, Netrc};

use crate::{Env, Error, ErrorKind};

type UserAndPassword = (String, String);

/// A source of credentials for indexes whose addresses have none.
#[derive(Debug)]
pub struct IndexCredentials {
    netrc: Netrc,
    keyring: Keyring,
    /// The answers of the `keyring` program by host, since it is slow.
    known: Mutex<BTreeMap<String, Option<UserAndPassword>>>,
}

/// A keyring provider, in the terms of pip.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Keyring {
    /// Do not query a keyring.
    #[default]
    Disabled,
    /// Query the `keyring` program.
    Subprocess,
}

impl FromStr for Keyring {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "disabled" | "auto" | "import" => Ok(Self::Disabled),
            "subprocess" => Ok(Self::Subprocess),
            name => Err(ErrorKind::UnknownKeyring { name: name.to_owned() }.into()),
        }
    }
}

impl Keyring {
    /// Returns the provider that is configured for pip or uv (`PIP_KEYRING_PROVIDER`, `UV_KEYRING_PROVIDER`).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::UnknownKeyring`] if a variable names another provider.
    pub fn configured(env: &Env) -> Result<Self, Error> {
        let names = ["PIP_KEYRING_PROVIDER", "UV_KEYRING_PROVIDER"];
        let name = names.iter().find_map(|name| env.variable(name));
        name.map_or(Ok(Self::default()), str::parse)
    }
}

impl IndexCredentials {
    /// Reads the netrc file: `NETRC`, else `~/.netrc`.
    pub fn read(env: &Env, keyring: Keyring) -> Self {
        Self { netrc: netrc(env), keyring, known: Mutex::default() }
    }

    fn ask_keyring(&self, address: &Address) -> Option<UserAndPassword> {
        let host = address.host()?.to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(host.clone()).or_insert_with(|| keyring(&host)).clone()
    }
}

impl Credentials for IndexCredentials {
    fn find(&self, address: &Address) -> Option<UserAndPassword> {
        if address.has_credentials() || address.is_file() {
            return None;
        }
        match (self.netrc.find(address), self.keyring) {
            (None, Keyring::Subprocess) => self.ask_keyring(address),
            (found, _) => found,
        }
    }
}

fn netrc(env: &Env) -> Netrc {
    let file = match env.variable("NETRC") {
        Some(file) => Some(env.folder.join(file)),
        None => env.variable("HOME").map(|home| env.folder.join(home).join(".netrc")),
    };
    let text = file.and_then(|file| fs::read_to_string(file).ok());
    text.map(|text| Netrc::parse(&text)).unwrap_or_default()
}

/// Queries the `keyring` program. Indexes accept a token as the password of the user `__token__`.
fn keyring(host: &str) -> Option<UserAndPassword> {
    let user = "__token__";
    let output = Command::new("keyring")
        .args(["get", host, user])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let password = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!password.is_empty()).then(|| (user.to_owned(), password))
}
