//! Generated wheels, PEX files made from them, and the interpreter that runs the files.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use pinnace_archive::{ArchivePath, Mode, Writer};
use pinnace_pex::{EntryPoint, FolderLayout, PexBuilder, PexInfo, ReadSeek, WheelFiles, Written};
use pinnace_wheel::{Interpreter, MemoryCache, Target, WheelName};

/// Returns the platform of the tests: `python3` on PATH.
pub(crate) fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let run = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .unwrap();
        let path = String::from_utf8(run.stdout).unwrap();
        let interpreter =
            Interpreter::probe(path.trim().as_ref(), &MemoryCache::default()).unwrap();
        interpreter.target().clone()
    })
}

/// Returns the path of the interpreter.
pub(crate) fn python() -> PathBuf {
    let run = Command::new("python3")
        .args(["-c", "import os, sys; print(os.path.realpath(sys.executable))"])
        .output()
        .unwrap();
    PathBuf::from(String::from_utf8(run.stdout).unwrap().trim())
}

#[expect(clippy::disallowed_methods, reason = "a test moves what it made")]
pub(crate) fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

/// In-memory wheels.
#[derive(Default)]
pub(crate) struct Wheels(pub(crate) BTreeMap<[u8; 32], Vec<u8>>);

impl WheelFiles for Wheels {
    fn open(&self, sha256: &[u8; 32]) -> io::Result<Box<dyn ReadSeek>> {
        let bytes = self.0.get(sha256).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
}

/// A folder with a builder of a PEX file.
pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) builder: PexBuilder,
    pub(crate) wheels: Wheels,
    pub(crate) names: Vec<(WheelName, [u8; 32])>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, builder: PexBuilder::new(), wheels: Wheels::default(), names: Vec::new() }
    }

    /// Adds user code.
    pub(crate) fn code(mut self, path: &str, code: &str) -> Self {
        self.builder.add_bytes(path, code.as_bytes()).unwrap();
        self
    }

    pub(crate) fn entry(mut self, entry: &str) -> Self {
        self.builder.set_entry_point(EntryPoint::parse(entry).unwrap());
        self
    }

    /// Changes `PEX-INFO`.
    pub(crate) fn info(mut self, change: impl FnOnce(&mut PexInfo)) -> Self {
        change(self.builder.info_mut());
        self
    }

    /// Adds a wheel with these files. RECORD and the rest of `.dist-info` are generated.
    pub(crate) fn wheel(mut self, name: &str, files: &[(&str, &str)]) -> Self {
        let bytes = wheel(name, files);
        let sha256 = pinnace_archive::sha256(&bytes);
        self.add_wheel(name, sha256, bytes);
        self
    }

    pub(crate) fn add_wheel(&mut self, name: &str, sha256: [u8; 32], bytes: Vec<u8>) {
        self.names.push((name.parse().unwrap(), sha256));
        self.wheels.0.insert(sha256, bytes);
    }

    pub(crate) fn write(&self) -> (PathBuf, Written) {
        let path = self.folder.path().join("app.pex");
        let mut bytes = Vec::new();
        let written = self.complete().write(&mut bytes, &self.wheels, 2).unwrap();
        write_executable(&path, &bytes);
        (path, written)
    }

    /// Writes the file as a folder of this layout.
    pub(crate) fn write_folder(&self, shape: FolderLayout) -> PathBuf {
        let path = self.folder.path().join(format!("{shape:?}"));
        fs::create_dir(&path).unwrap();
        self.complete().write_folder(&path, shape, &self.wheels).unwrap();
        path
    }

    /// Returns the builder with the wheels, for the interpreter of the tests.
    pub(crate) fn complete(&self) -> PexBuilder {
        let mut builder = self.builder.clone();
        builder.add_platform(target(), self.names.iter().map(|(name, sha256)| (name, *sha256)));
        builder
    }

    /// Returns a command that runs the file with these arguments, in a folder and with a cache of
    /// its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let (path, _) = self.write();
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PEX_ROOT", self.cache())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Runs the file twice, cold and warm, and expects equal results.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let cold = Ran::of(self.command(arguments).output().unwrap());
        let warm = Ran::of(self.command(arguments).output().unwrap());
        assert_eq!(cold, warm, "cold and warm start differ");
        warm
    }
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Returns the output after checking that the run succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }
}

pub(crate) fn wheel(name: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let parsed: WheelName = name.parse().unwrap();
    let info =
        format!("{}-{}.dist-info", parsed.project().as_str().replace('-', "_"), parsed.version());
    let mut members: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, text)| (path.replace("{info}", &info), text.as_bytes().to_vec()))
        .collect();
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {}\nVersion: {}\n",
        parsed.project(),
        parsed.version()
    );
    members.insert(format!("{info}/METADATA"), metadata.into_bytes());
    members
        .insert(format!("{info}/WHEEL"), b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_vec());
    let record: String = members
        .iter()
        .map(|(path, bytes)| {
            format!("{path},sha256={},{}\n", base64(&pinnace_archive::sha256(bytes)), bytes.len())
        })
        .collect();
    members.insert(format!("{info}/RECORD"), format!("{record}{info}/RECORD,,\n").into_bytes());
    zip(&members)
}

pub(crate) fn zip(members: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (path, bytes) in members {
        let mode = if path.contains("scripts/") { Mode::Executable } else { Mode::File };
        writer.bytes(&ArchivePath::parse(path).unwrap(), mode, bytes).unwrap();
    }
    writer.finish().unwrap().0
}

/// Encodes bytes as in RECORD: URL-safe base64 without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    bits.chunks(6)
        .map(|six| {
            let value = (0..6).fold(0, |value, at| value << 1 | six.get(at).copied().unwrap_or(0));
            char::from(DIGITS[usize::from(value)])
        })
        .collect()
}

/// Writes a program through another process. If this process opened the file, a child started by a
/// parallel test could inherit the descriptor. The kernel refuses to execute a file that is open
/// for writing.
pub(crate) fn write_executable(path: &Path, bytes: &[u8]) {
    let mut shell = Command::new("sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(bytes).unwrap();
    assert!(shell.wait().unwrap().success());
}

/// Runs a command with this standard input.
pub(crate) fn with_input(mut command: Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// Returns all files below a folder, as paths relative to it.
pub(crate) fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
