use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{Address, Error};

/// The configured indexes and certificates, found where pip and uv find them.
///
/// Discovery performs no I/O: the caller passes the environment variables and the texts of
/// configuration files. The order of precedence is `PIP_*`, then `UV_*`, then pip's configuration files.
///
/// ```
/// use std::collections::BTreeMap;
/// use pinnace_wheel::Settings;
///
/// let variables = BTreeMap::from([(
///     "PIP_INDEX_URL".to_owned(),
///     "https://pypi.example/simple".to_owned(),
/// )]);
/// let settings = Settings::discover(&variables, &[])?;
/// assert_eq!(settings.index.unwrap().to_string(), "https://pypi.example/simple");
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The index that is asked last, if one is configured.
    pub index: Option<Address>,
    /// The indexes that are asked before it.
    pub extra: Vec<Address>,
    /// Pages and folders whose links are candidates too: URLs, or paths as the user wrote them.
    pub find_links: Vec<String>,
    /// True if no index is to be asked.
    pub no_index: bool,
    /// A file of certificates (PEM) to trust in addition to those of the system.
    pub certificates: Option<PathBuf>,
}

impl Settings {
    /// Discovers the settings. `files` are the texts of pip's configuration files, as
    /// [`pip_configuration_files`] lists them.
    ///
    /// # Errors
    ///
    /// Returns an error if a configured index is not a URL.
    pub fn discover(variables: &BTreeMap<String, String>, files: &[String]) -> Result<Self, Error> {
        let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let configured = |key: &str| files.iter().rev().find_map(|text| configured(text, key));
        let index = variable("PIP_INDEX_URL")
            .or_else(|| variable("UV_DEFAULT_INDEX"))
            .or_else(|| variable("UV_INDEX_URL"))
            .or_else(|| configured("index-url"));
        let extra = variable("PIP_EXTRA_INDEX_URL")
            .or_else(|| variable("UV_INDEX"))
            .or_else(|| variable("UV_EXTRA_INDEX_URL"))
            .or_else(|| configured("extra-index-url"));
        let certificates = ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
            .into_iter()
            .find_map(variable)
            .or_else(|| configured("cert"));
        let find_links = variable("PIP_FIND_LINKS")
            .or_else(|| variable("UV_FIND_LINKS").map(|list| list.replace(',', " ")))
            .or_else(|| configured("find-links"));
        let no_index = variable("PIP_NO_INDEX")
            .or_else(|| variable("UV_NO_INDEX"))
            .or_else(|| configured("no-index"));
        Ok(Self {
            find_links: find_links
                .iter()
                .flat_map(|list| list.split_whitespace().map(str::to_owned))
                .collect(),
            no_index: no_index.is_some_and(|value| is_true(&value)),
            index: index.as_deref().map(address).transpose()?,
            extra: extra
                .iter()
                .flat_map(|list| list.split_whitespace())
                .map(address)
                .collect::<Result<_, _>>()?,
            certificates: certificates.map(PathBuf::from),
        })
    }
}

/// Returns the paths of pip's configuration files, from the weakest to the strongest.
pub fn pip_configuration_files(variables: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    if let Some(only) = variable("PIP_CONFIG_FILE").filter(|file| *file == "/dev/null") {
        return vec![only.into()];
    }
    let mut files: Vec<PathBuf> = variable("XDG_CONFIG_DIRS")
        .map_or("/etc/xdg", String::as_str)
        .split(':')
        .map(|folder| Path::new(folder).join("pip/pip.conf"))
        .collect();
    files.push("/etc/pip.conf".into());
    if let Some(home) = variable("HOME").map(Path::new) {
        let config = variable("XDG_CONFIG_HOME").map_or(home.join(".config"), PathBuf::from);
        files.extend([home.join(".pip/pip.conf"), config.join("pip/pip.conf")]);
    }
    files.extend(variable("VIRTUAL_ENV").map(|folder| Path::new(folder).join("pip.conf")));
    files.extend(variable("PIP_CONFIG_FILE").map(PathBuf::from));
    files
}

/// Parses a truth value by the rules of `distutils`, which pip still follows.
fn is_true(value: &str) -> bool {
    ["1", "true", "yes", "on", "y", "t"].contains(&value.to_ascii_lowercase().as_str())
}

/// Parses the address of an index. uv allows a name in front: `internal=https://…`.
fn address(text: &str) -> Result<Address, Error> {
    let named = text.split_once('=').filter(|(name, _)| !name.contains(['/', ':', '?']));
    Address::parse(named.map_or(text, |(_, url)| url))
}

/// Returns a key of a pip configuration file: from the `[install]` section, or else from `[global]`.
fn configured(text: &str, key: &str) -> Option<String> {
    let of_section = |wanted: &str| section_value(text, wanted, key);
    of_section("install").or_else(|| of_section("global"))
}

/// Returns the value of a key in a section. Reads the INI dialect of Python's `configparser`, as
/// far as pip's files use it: continuation lines are indented, comments start with `#` or `;`.
fn section_value(text: &str, wanted: &str, key: &str) -> Option<String> {
    let mut section = String::new();
    let mut value: Option<String> = None;
    let mut continues = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if let (true, Some(value)) = (continues, &mut value) {
                value.push(' ');
                value.push_str(trimmed);
            }
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            continues = false;
        } else if let Some((name, text)) = trimmed.split_once(['=', ':']) {
            let name = name.trim().to_ascii_lowercase().replace('_', "-");
            continues = section == wanted && name == key;
            if continues {
                value = Some(text.trim().to_owned());
            }
        }
    }
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
