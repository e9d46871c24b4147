use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    Address, Cache, Error, ErrorKind, Implementation, Platform, Python, Target,
    cache::{get_sealed, put_sealed},
};

/// A Python interpreter on this machine.
///
/// The interpreter describes itself when it is run once. The answer is cached under the identity of
/// its binary.
#[derive(Clone, Debug)]
pub struct Interpreter {
    path: PathBuf,
    target: Target,
    identity: String,
}

const DESCRIBE: &str = include_str!("../python/describe.py");
const DEFAULT_INDEX: &str = include_str!("../python/default_index.py");
/// The name of the cache bucket. Its number is the version of the scripts' output.
const BUCKET: &str = "interpreters-2";

#[derive(Deserialize)]
struct Description {
    implementation: String,
    system: String,
    version: String,
    abi: String,
    platform: Option<String>,
    markers: BTreeMap<String, String>,
}

impl Interpreter {
    /// Describes the interpreter at `path`, by running it or from the cache.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Interpreter`] if it cannot be run, or if it is not CPython or PyPy 3.8
    /// or newer.
    pub fn probe(path: &Path, cache: &dyn Cache) -> Result<Self, Error> {
        let identity = identity(path)?;
        let output = cached(cache, &format!("describe {identity}"), || run(path, DESCRIBE))?;
        let description: Description = serde_json::from_str(&output)
            .map_err(|_| refuse(path, "it does not answer like a Python".to_owned()))?;
        let target = description.target(path)?;
        Ok(Self { path: path.to_owned(), target, identity })
    }

    /// Returns the interpreter's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the target that the interpreter is.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the index that the interpreter's own pip uses by default. Without pip, the answer
    /// comes from the pip that its `ensurepip` carries.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Interpreter`] if it has neither.
    pub fn default_index(&self, cache: &dyn Cache) -> Result<Address, Error> {
        let key = format!("index {}", self.identity);
        let output = cached(cache, &key, || run(&self.path, DEFAULT_INDEX)).map_err(|error| {
            refuse(
                &self.path,
                format!(
                    "cannot ask its pip for the default index ({}); set one with `--index-url`",
                    reason(&error)
                ),
            )
        })?;
        Address::parse(output.trim())
    }
}

impl Description {
    fn target(self, path: &Path) -> Result<Target, Error> {
        let implementation = match self.implementation.as_str() {
            "cpython" => Implementation::CPython,
            "pypy" => Implementation::PyPy,
            other => {
                let reason =
                    format!("unsupported implementation {other}; CPython and PyPy are supported");
                return Err(refuse(path, reason));
            }
        };
        let platform: Platform = match self.platform.as_deref().map(str::parse) {
            Some(Ok(platform)) => platform,
            _ => {
                let what = self.platform.unwrap_or_else(|| "unknown".to_owned());
                let reason = format!("unsupported platform {what} on {}", self.system);
                return Err(refuse(path, reason));
            }
        };
        let python = Python::new(implementation, self.version.parse()?)?.with_abi(&self.abi);
        let mut target = Target::new(python, &platform);
        for (name, value) in &self.markers {
            target = target.with_marker(&format!("{name}={value}"))?;
        }
        match target.python().release() {
            [3, minor, ..] if *minor >= 8 => Ok(target),
            _ => Err(refuse(
                path,
                format!(
                    "unsupported Python {}; 3.8 is the oldest supported version",
                    target.python()
                ),
            )),
        }
    }
}

/// Returns the cache key of an interpreter: its path, the binary behind it, and that binary's size
/// and modification time. The path is part of the key because it determines the virtual
/// environment.
fn identity(path: &Path) -> Result<String, Error> {
    let fail = |error: std::io::Error| refuse(path, error.to_string());
    let real = path.canonicalize().map_err(fail)?;
    let metadata = real.metadata().map_err(fail)?;
    let modified = metadata.modified().ok().and_then(|time| {
        time.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_nanos())
    });
    let path = std::path::absolute(path).map_err(fail)?;
    Ok(format!("{}\n{}\n{}\n{modified:?}", path.display(), real.display(), metadata.len()))
}

fn cached(
    cache: &dyn Cache,
    key: &str,
    make: impl FnOnce() -> Result<String, Error>,
) -> Result<String, Error> {
    let stored = get_sealed(cache, BUCKET, key, 1 << 16);
    if let Some(text) = stored.and_then(|bytes| String::from_utf8(bytes).ok()) {
        return Ok(text);
    }
    let text = make()?;
    put_sealed(cache, BUCKET, key, text.as_bytes());
    Ok(text)
}

/// Runs a script with `-I`, so that neither the environment nor the current folder has an effect.
fn run(path: &Path, script: &str) -> Result<String, Error> {
    let output = Command::new(path)
        .args(["-I", "-c", script])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| refuse(path, error.to_string()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last: String =
            errors.lines().next_back().unwrap_or("nothing").chars().take(120).collect();
        return Err(refuse(
            path,
            format!("it is not a working Python 3.8 or newer; its last line of output: {last}"),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn refuse(path: &Path, reason: String) -> Error {
    ErrorKind::Interpreter { path: path.to_owned(), reason }.into()
}

fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Interpreter { reason, .. } => reason.clone(),
        _ => error.to_string(),
    }
}
