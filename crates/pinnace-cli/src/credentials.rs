//! User and password for indexes: from netrc, and from the `keyring` program where that is wanted.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use pinnace_wheel::{Address, Credentials, Netrc};

use crate::{Failure, environment::Environment};

type UserAndPassword = (String, String);

/// Where credentials are looked for, beside the addresses themselves.
#[derive(Debug)]
pub(crate) struct Keys {
    netrc: Netrc,
    keyring: Keyring,
    /// What the program said, by host: it is slow.
    known: Mutex<BTreeMap<String, Option<UserAndPassword>>>,
}

#[derive(Clone, Copy, Debug)]
enum Keyring {
    Disabled,
    Subprocess,
}

impl Keys {
    pub(crate) fn read(environment: &Environment, keyring: Option<&str>) -> Result<Self, Failure> {
        let configured = ["PIP_KEYRING_PROVIDER", "UV_KEYRING_PROVIDER"];
        let configured = configured.iter().find_map(|name| environment.variable(name));
        let keyring = match keyring.or(configured) {
            None | Some("disabled" | "auto" | "import") => Keyring::Disabled,
            Some("subprocess") => Keyring::Subprocess,
            Some(other) => {
                let message = format!("`{other}` is no keyring provider");
                return Err(Failure::usage(message).hint("there are `disabled` and `subprocess`"));
            }
        };
        Ok(Self { netrc: netrc(environment), keyring, known: Mutex::default() })
    }

    fn ask_keyring(&self, address: &Address) -> Option<UserAndPassword> {
        let host = address.host()?.to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(host.clone()).or_insert_with(|| keyring(&host)).clone()
    }
}

impl Credentials for Keys {
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

fn netrc(environment: &Environment) -> Netrc {
    let file = match environment.variable("NETRC") {
        Some(file) => Some(environment.folder.join(file)),
        None => {
            environment.variable("HOME").map(|home| environment.folder.join(home).join(".netrc"))
        }
    };
    let text = file.and_then(|file| fs::read_to_string(file).ok());
    text.map(|text| Netrc::parse(&text)).unwrap_or_default()
}

/// `__token__` is the user for whom indexes take a token as password.
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
