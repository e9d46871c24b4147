//! What of a project is shipped, and what stays at home.

use std::{fmt, path::Path};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::{Error, ErrorKind};

/// What is shipped besides what ignore files say: patterns as of a `.gitignore`, from the project's folder.
#[derive(Clone, Debug)]
pub struct Rules {
    include: Option<Gitignore>,
    exclude: Option<Gitignore>,
}

/// Why something is not shipped.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// An ignore file says so.
    Ignored {
        /// The pattern.
        pattern: String,
        /// The file that has it.
        file: String,
    },
    /// The project's settings say so.
    Excluded {
        /// The pattern.
        pattern: String,
    },
    /// It looks like a secret. Those never ship, whatever is said.
    Secret,
    /// It is a tool's own: version control, caches, environments.
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

/// Names that belong to tools.
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
/// Names of secrets, and how such names begin or end.
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
/// Files of variables that are meant to be shared.
const SAMPLES: [&str; 4] = [".dist", ".example", ".sample", ".template"];

impl Rules {
    /// These patterns.
    ///
    /// # Errors
    ///
    /// If one is no pattern.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, Error> {
        Ok(Self { include: patterns(include)?, exclude: patterns(exclude)? })
    }

    /// Whether anything is shipped that an ignore file leaves out.
    pub(crate) fn includes_something(&self) -> bool {
        self.include.is_some()
    }

    /// Whether it is shipped whatever ignore files say.
    pub(crate) fn includes(&self, path: &str, is_folder: bool) -> bool {
        let matched = self.include.as_ref().map(|one| one.matched(path, is_folder).is_ignore());
        matched == Some(true)
    }

    /// Why it is not shipped, whatever ignore files say.
    pub(crate) fn leaves_out(&self, path: &str, is_folder: bool) -> Option<Reason> {
        let name = path.rsplit('/').next().unwrap_or_default();
        if is_secret(name) {
            return Some(Reason::Secret);
        }
        let is_bytecode = name.ends_with(".pyc") || name.ends_with(".pyo");
        // What was built of the project is no part of it.
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

/// The ignore file at a path, if there is one; its patterns are from `folder`.
pub(crate) fn ignore_file(file: &Path, folder: &Path) -> Option<Gitignore> {
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    // As git has it, what cannot be understood matches nothing.
    let _ = builder.add(file);
    builder.build().ok().filter(|rules| !rules.is_empty())
}

fn patterns(lines: &[String]) -> Result<Option<Gitignore>, Error> {
    if lines.is_empty() {
        return Ok(None);
    }
    let refuse = |path: &str, error: ignore::Error| ErrorKind::Unfit {
        path: path.to_owned(),
        reason: format!("this is no pattern: {error}"),
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
    fn secrets_and_what_tools_make_stay_at_home() {
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
