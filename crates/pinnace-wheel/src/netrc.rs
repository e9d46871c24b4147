//! Credentials from a `.netrc` file, with the syntax of curl and pip.

use std::fmt;

use crate::{Address, Credentials};

/// The entries of a `.netrc` file.
///
/// ```
/// use pinnace_wheel::{Address, Credentials, Netrc};
///
/// let netrc = Netrc::parse("machine pypi.example login anna password s3cret");
/// let address = Address::parse("https://pypi.example/simple")?;
/// assert_eq!(netrc.find(&address), Some(("anna".into(), "s3cret".into())));
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Netrc(Vec<Entry>);

#[derive(Clone, Default)]
struct Entry {
    /// The host; `None` for the default entry, which matches all other hosts.
    machine: Option<String>,
    login: String,
    password: String,
}

impl Netrc {
    /// Parses the text of a `.netrc` file. Skips unknown words, because other programs use the file too.
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut words = words(text).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "machine" => entries.push(Entry { machine: words.next(), ..Entry::default() }),
                "default" => entries.push(Entry::default()),
                "login" | "user" => set(&mut entries, words.next(), |entry| &mut entry.login),
                "password" => set(&mut entries, words.next(), |entry| &mut entry.password),
                "account" => drop(words.next()),
                // A macro ends at the next empty line, and words do not show empty lines.
                "macdef" => break,
                _ => {}
            }
        }
        Self(entries)
    }
}

impl Credentials for Netrc {
    fn find(&self, address: &Address) -> Option<(String, String)> {
        if address.has_credentials() || address.is_file() {
            return None;
        }
        let host = address.host()?;
        let named = self.0.iter().find(|entry| entry.machine.as_deref() == Some(host));
        let entry = named.or_else(|| self.0.iter().find(|entry| entry.machine.is_none()))?;
        Some((entry.login.clone(), entry.password.clone()))
    }
}

/// Leaves out the passwords.
impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Netrc").field("entries", &self.0.len()).finish()
    }
}

fn set(entries: &mut [Entry], value: Option<String>, field: impl Fn(&mut Entry) -> &mut String) {
    if let (Some(entry), Some(value)) = (entries.last_mut(), value) {
        *field(entry) = value;
    }
}

/// Splits a text into words, which are separated by blanks or stand in double quotes. A word that
/// starts with `#` begins a comment.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim_start();
        while !rest.is_empty() && !rest.starts_with('#') {
            let (word, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            words.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    words
}
