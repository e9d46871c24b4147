//! The environment variables of services.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind};

/// A source of environment variables. The agent asks it at every launch, and keeps no value.
pub trait Variables: Send + Sync {
    /// Returns the value of a variable for a service; `None` if it has none.
    ///
    /// # Errors
    ///
    /// Returns an error if the source cannot be read.
    fn value(&self, service: &str, name: &str) -> Result<Option<OsString>, Error>;

    /// Returns the place where a value is to be written, in words.
    fn location(&self, service: &str) -> String;
}

/// Variables in a folder: the file `SERVICE/NAME` holds a value, as mounted secrets do; else a line `NAME=value` of
/// `SERVICE.env`.
#[derive(Clone, Debug)]
pub struct VariablesFolder(PathBuf);

/// The size limit of a file, in bytes.
const LARGEST: u64 = 1 << 20;

impl VariablesFolder {
    /// Creates a source in a folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
}

impl Variables for VariablesFolder {
    fn value(&self, service: &str, name: &str) -> Result<Option<OsString>, Error> {
        if let Some(mut bytes) = read(&self.0.join(service).join(name))? {
            // An editor ends a file with a newline that is no part of a secret.
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            return Ok(Some(OsString::from_vec(bytes)));
        }
        Self::value_of_file(&self.0.join(format!("{service}.env")), name)
    }

    fn location(&self, service: &str) -> String {
        let file = self.0.join(format!("{service}.env"));
        format!("a line `NAME=value` of `{}` on the agent's machine", file.display())
    }
}

impl VariablesFolder {
    /// Returns the value of a variable in a file of lines `NAME=value`; `None` if the file lacks it or does not exist.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or has other lines.
    pub fn value_of_file(path: &Path, name: &str) -> Result<Option<OsString>, Error> {
        let Some(bytes) = read(path)? else { return Ok(None) };
        let refuse = |reason: &str| ErrorKind::Malformed {
            origin: path.display().to_string(),
            reason: reason.to_owned(),
        };
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is no UTF-8"))?;
        let values =
            Self::parse(&text).map_err(|line| refuse(&format!("line {line} is no NAME=value")))?;
        Ok(values.get(name).map(OsString::from))
    }
}

impl VariablesFolder {
    /// Parses the variables of a file; returns the number of a malformed line. An error never shows a value.
    pub(crate) fn parse(text: &str) -> Result<BTreeMap<&str, &str>, usize> {
        let mut values = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').ok_or(number + 1)?;
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(number + 1);
            }
            values.insert(name, unquoted(value));
        }
        Ok(values)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::at("read", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(Error::at("read", path))?;
    Ok(Some(bytes))
}

fn unquoted(value: &str) -> &str {
    let quoted = |sign: char| value.strip_prefix(sign)?.strip_suffix(sign);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_names_and_values() {
        let text = "# x\nA=1\nexport B=\"two words\"\nC='='\n\nD=\n";
        let expected = [("A", "1"), ("B", "two words"), ("C", "="), ("D", "")];
        assert_eq!(VariablesFolder::parse(text).unwrap(), expected.into());
        assert_eq!(VariablesFolder::parse("A=1\nB").unwrap_err(), 2);
        assert_eq!(VariablesFolder::parse("A B=1").unwrap_err(), 1);
    }

    #[test]
    fn a_file_of_its_own_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            io::Write::write_all(&mut fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
        };
        write("shop.env", "KEY=a\nOTHER=b\n");
        write("shop/KEY", "secret\n");
        let variables = VariablesFolder::new(folder.path());
        let value = |service, name| variables.value(service, name).unwrap();
        assert_eq!(value("shop", "KEY"), Some("secret".into()));
        assert_eq!(value("shop", "OTHER"), Some("b".into()));
        assert_eq!(value("shop", "NONE"), None);
        assert_eq!(value("other", "KEY"), None);
    }
}
