//! The rules that select the files of a project that ship.

use std::{fmt, path::Path};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::{Error, ErrorKind};

/// Include and exclude patterns, as in a `.gitignore` of the project's folder. They complement ignore files.
#[derive(Clone, Debug)]
pub struct Rules {
    include: Option<Gitignore>,
    exclude: Option<Gitignore>,
}

/// A reason why a file does not ship.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// An ignore file matches it.
    Ignored {
        /// The pattern.
        pattern: String,
        /// The ignore file.
        file: String,
    },
    /// The project's settings exclude it.
    Excluded {
        /// The pattern.
        pattern: String,
    },
    /// Its name looks like a secret's. Secrets never ship.
    Secret,
    /// The file belongs to a tool, such as version control, a cache or an environment.
    OfTool,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored { pattern, file } => write!(f, "`{pattern}` in {file}"),
            Self::Excluded { pattern } => write!(f, "`exclude` has `{pattern}`"),
            Self::Secret => f.write_str("it looks like a secret"),
            Self::OfTool => f.write_str("it is a tool's own"),
        }
    }
}

/// The names of files and folders that belong to tools.
const TOOLS: [&str; 15] = [
    ".DS_Store",
    ".cache",
    ".eggs",
    ".git",
    ".hg",
    ".hypothesis",
    ".idea",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    "__pycache__",
    "node_modules",
];
/// The names of secrets, and their prefixes and suffixes.
const SECRETS: [&str; 8] = [
    ".aws",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".ssh",
    "_netrc",
    "credentials.json",
];
const SECRET_STARTS: [&str; 4] = ["id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"];
const SECRET_ENDS: [&str; 5] = [".jks", ".key", ".kdbx", ".p12", ".pfx"];
/// The suffixes of sample variable files, which contain no secrets.
const SAMPLES: [&str; 4] = [".dist", ".example", ".sample", ".template"];

impl Rules {
    /// Creates rules. Files that match `include` ship even if an ignore file matches them; files that match
    /// `exclude` do not ship.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unfit`] if a pattern is malformed.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, Error> {
        Ok(Self { include: patterns(include)?, exclude: patterns(exclude)? })
    }

    /// Returns true if there are include patterns.
    pub(crate) fn includes_something(&self) -> bool {
        self.include.is_some()
    }

    /// Returns true if a path matches an include pattern.
    pub(crate) fn includes(&self, path: &str, is_folder: bool) -> bool {
        let matched = self.include.as_ref().map(|rules| rules.matched(path, is_folder).is_ignore());
        matched == Some(true)
    }

    /// Returns the reason why a path does not ship, apart from ignore files.
    pub(crate) fn leaves_out(&self, path: &str, is_folder: bool) -> Option<Reason> {
        let name = path.rsplit('/').next().unwrap_or_default();
        if is_secret(name) {
            return Some(Reason::Secret);
        }
        let is_bytecode = name.ends_with(".pyc") || name.ends_with(".pyo");
        // A PEX file in the project is a build output.
        let is_built = name.ends_with(".pex");
        if TOOLS.contains(&name)
            || is_bytecode
            || is_built
            || is_folder && name.ends_with(".egg-info")
        {
            return Some(Reason::OfTool);
        }
        match self.exclude.as_ref()?.matched(path, is_folder) {
            ignore::Match::Ignore(glob) => {
                Some(Reason::Excluded { pattern: glob.original().to_owned() })
            }
            _ => None,
        }
    }
}

fn is_secret(name: &str) -> bool {
    let is_sample = SAMPLES.iter().any(|end| name.ends_with(end));
    let is_variables = name == ".env" || name.starts_with(".env.") || name == ".envrc";
    SECRETS.contains(&name)
        || is_variables && !is_sample
        || SECRET_STARTS.iter().any(|start| name.starts_with(start) && !name.ends_with(".pub"))
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

/// Reads the ignore file at a path, if it exists. Its patterns are relative to `folder`.
pub(crate) fn ignore_file(file: &Path, folder: &Path) -> Option<Gitignore> {
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    // Malformed lines match nothing, as in git.
    let _ = builder.add(file);
    builder.build().ok().filter(|rules| !rules.is_empty())
}

fn patterns(lines: &[String]) -> Result<Option<Gitignore>, Error> {
    if lines.is_empty() {
        return Ok(None);
    }
    let refuse = |path: &str, error: ignore::Error| ErrorKind::Unfit {
        path: path.to_owned(),
        reason: format!("malformed pattern: {error}"),
    };
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        builder.add_line(None, line).map_err(|error| refuse(line, error))?;
    }
    Ok(Some(builder.build().map_err(|error| refuse(&lines.join(" "), error))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_files_of_tools_do_not_ship() {
        let rules = Rules::new(&["*".to_owned()], &["docs/".to_owned()]).unwrap();
        for secret in [".env", ".env.local", "a/.netrc", "id_rsa", "x/id_ed25519.old", "server.key"]
        {
            assert_eq!(rules.leaves_out(secret, false), Some(Reason::Secret), "{secret}");
        }
        for tool in ["a/__pycache__", "x.pyc", ".git", "node_modules"] {
            assert_eq!(rules.leaves_out(tool, false), Some(Reason::OfTool), "{tool}");
        }
        for shipped in [".env.example", "id_rsa.pub", "keys.py", "a.pem", "docs"] {
            assert_eq!(rules.leaves_out(shipped, false), None, "{shipped}");
        }
        let pattern = "docs/".to_owned();
        assert_eq!(rules.leaves_out("docs", true), Some(Reason::Excluded { pattern }));
    }
}
