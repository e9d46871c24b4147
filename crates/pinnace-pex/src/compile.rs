//! Bytecode, compiled by the interpreter that will load it (PEP 552, unchecked hash). It does not
//! depend on timestamps, so it can be part of an archive.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{BytecodeInfo, Error, ErrorKind, runtime::hex, stored_zip::stored_zip};

const SCRIPT: &str = include_str!("../python/compile.py");

/// An interpreter that compiles modules to bytecode.
#[derive(Clone, Debug)]
pub struct Compiler {
    python: PathBuf,
    tag: String,
    magic: String,
    identity: String,
}

/// The bytecode of the modules of an archive, as an archive of its own.
#[derive(Clone, Debug)]
pub struct Bytecode {
    pub(crate) info: BytecodeInfo,
    pub(crate) bytes: Vec<u8>,
}

/// The check that Python makes of the source before it loads bytecode (PEP 552).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Check {
    /// No check, for sources that never change.
    Never,
    /// A check against the hash of the source.
    Source,
}

impl Check {
    fn flags(self) -> &'static str {
        match self {
            Self::Never => "1",
            Self::Source => "3",
        }
    }
}

impl Compiler {
    /// Asks an interpreter for its bytecode tag, magic number and version.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Compile`] if the interpreter does not run.
    pub fn new(python: &Path) -> Result<Self, Error> {
        let answer = run(python, &["identify"], &[])?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let mut lines = answer.lines().map(str::to_owned);
        match (lines.next(), lines.next(), lines.next()) {
            (Some(tag), Some(magic), Some(identity)) => {
                Ok(Self { python: python.to_owned(), tag, magic, identity })
            }
            _ => Err(refuse(python, "it does not say what it is")),
        }
    }

    /// Returns the exact version of the interpreter, on which the bytecode depends beside the
    /// source. Equal sources and equal identities give equal bytecode.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Compiles the modules of a zip, and skips modules that are not valid code for this
    /// interpreter. One fresh process compiles all modules in the order of their paths. On Python
    /// 3.8 to 3.10, the bytecode of a module depends on the modules that were compiled before it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Compile`] if the interpreter fails.
    pub fn compile(&self, zip: &[u8]) -> Result<Bytecode, Error> {
        Ok(self.bytecode(stored_zip(self.modules(zip, Check::Never)?)?))
    }

    /// Compiles the modules of a zip, and returns paths and bytecode in the order of the paths.
    pub(crate) fn modules(
        &self,
        zip: &[u8],
        check: Check,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let answer = run(&self.python, &["compile", check.flags()], zip)?;
        let mut files =
            files(&answer).ok_or_else(|| refuse(&self.python, "its output is truncated"))?;
        files.sort();
        Ok(files.into_iter().map(|(path, content)| (path, content.to_vec())).collect())
    }

    /// Returns the bytecode for cached bytes that [`Bytecode::bytes`] returned earlier.
    pub fn bytecode(&self, bytes: Vec<u8>) -> Bytecode {
        let sha256 = hex(&pinnace_archive::sha256(&bytes));
        let info = BytecodeInfo { python: self.tag.clone(), magic: self.magic.clone(), sha256 };
        Bytecode { info, bytes }
    }
}

impl Bytecode {
    /// Returns the bytecode of another PEX file, if its digest matches.
    pub(crate) fn check(info: BytecodeInfo, bytes: Vec<u8>, wheel: &str) -> Result<Self, Error> {
        if hex(&pinnace_archive::sha256(&bytes)) == info.sha256 {
            return Ok(Self { info, bytes });
        }
        let reason = "its bytecode has not the SHA-256 in PEX-INFO".to_owned();
        Err(ErrorKind::Malformed { wheel: wheel.to_owned(), reason }.into())
    }

    /// Returns the bytes of the archive.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Parses paths and contents, each preceded by its length.
fn files(mut answer: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut found = Vec::new();
    while !answer.is_empty() {
        let (path, rest) = piece(answer)?;
        let (content, rest) = piece(rest)?;
        found.push((String::from_utf8(path.to_vec()).ok()?, content));
        answer = rest;
    }
    Some(found)
}

fn piece(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn run(python: &Path, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
    let fault = |source: std::io::Error| refuse(python, &source.to_string());
    let mut child = Command::new(python)
        .args(["-s", "-S", "-B", "-c", SCRIPT])
        .args(arguments)
        .env_clear()
        .env("PYTHONHASHSEED", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    // The compiler reads all of its input before it writes any output.
    let sent = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
    let mut answer = Vec::new();
    let read = child.stdout.take().map_or(Ok(0), |mut out| out.read_to_end(&mut answer));
    let output = child.wait_with_output().map_err(fault)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(refuse(python, text.lines().last().unwrap_or("it failed")));
    }
    sent.and(read).map_err(fault)?;
    Ok(answer)
}

fn refuse(python: &Path, reason: &str) -> Error {
    ErrorKind::Compile { python: python.to_owned(), reason: reason.to_owned() }.into()
}
