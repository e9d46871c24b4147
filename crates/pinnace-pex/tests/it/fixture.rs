//! PEX files made from generated wheels, and the interpreter that runs the files.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Cursor},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use pinnace_pex::{EntryPoint, FolderLayout, PexBuilder, PexInfo, ReadSeek, WheelFiles, Written};
use pinnace_test::{Folder, Ran, Wheel, write_executable};
use pinnace_wheel::{Interpreter, MemoryCache, Target, WheelName};

/// Returns the platform of the tests: `python3` on PATH.
pub(crate) fn target() -> &'static Target {
    static TARGET: OnceLock<Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let python = pinnace_test::python();
        Interpreter::probe(&python, &MemoryCache::default()).unwrap().target().clone()
    })
}

/// Returns the path of the interpreter, without links.
pub(crate) fn python() -> PathBuf {
    pinnace_test::python().canonicalize().unwrap()
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
    pub(crate) folder: Folder,
    pub(crate) builder: PexBuilder,
    pub(crate) wheels: Wheels,
    pub(crate) names: Vec<(WheelName, [u8; 32])>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
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

    /// Adds a wheel with these files.
    pub(crate) fn wheel(mut self, name: &str, files: &[(&str, &str)]) -> Self {
        self.add_wheel(name, Wheel::named(name).files(files).bytes());
        self
    }

    pub(crate) fn add_wheel(&mut self, name: &str, bytes: Vec<u8>) {
        let sha256 = pinnace_archive::sha256(&bytes);
        self.names.push((name.parse().unwrap(), sha256));
        self.wheels.0.insert(sha256, bytes);
    }

    pub(crate) fn write(&self) -> (PathBuf, Written) {
        let path = self.folder.join("app.pex");
        let mut bytes = Vec::new();
        let written = self.complete().write(&mut bytes, &self.wheels, 2).unwrap();
        write_executable(&path, &bytes);
        (path, written)
    }

    /// Writes the file as a folder of this layout.
    pub(crate) fn write_folder(&self, shape: FolderLayout) -> PathBuf {
        let path = self.folder.join(&format!("{shape:?}"));
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
        self.folder.join("cache")
    }

    /// Runs the file twice, cold and warm, and expects equal results.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let cold = Ran::command(&mut self.command(arguments));
        let warm = Ran::command(&mut self.command(arguments));
        assert_eq!(cold, warm, "cold and warm start differ");
        warm
    }
}
