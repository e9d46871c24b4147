use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use pinnace_archive::{ArchivePath, Mode, Summary};
use pinnace_wheel::{MarkerVariable, Requirement, Target, WheelName};

use crate::{
    EntryPoint, Error, ErrorKind, OwnInfo, PexInfo, PlatformInfo, ScriptTarget, WheelFiles,
    error::archive,
    info::FORMAT,
    member::{Member, Members, digest, insert},
    runtime::{self, Import},
    sources, write,
};

/// Collects what goes into a PEX file, and writes it.
///
/// The same wheels, files and settings give the same bytes, in whatever order they were added.
#[derive(Clone, Debug, Default)]
pub struct PexBuilder {
    info: PexInfo,
    /// The first line, where it is not to be the shell script that starts fastest.
    line: Option<String>,
    platforms: Vec<PlatformInfo>,
    wheels: BTreeMap<String, [u8; 32]>,
    files: BTreeMap<String, (Mode, Source)>,
    left_out: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// What [`PexBuilder::write`] wrote.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// The archive.
    pub archive: Summary,
    /// The key under which a machine unpacks the file.
    pub key: [u8; 32],
    /// Whether it is so large that `python FILE` works from Python 3.13 on only; `./FILE` works
    /// with all.
    pub is_large: bool,
}

/// The names that the format keeps for itself.
const RESERVED: [&str; 5] = [".bootstrap", ".deps", "PEX-INFO", "__main__.py", "__pex__"];

/// A file of user code given to `--exe` goes by this name, as with the pex tool.
const EXECUTABLE: &str = "__pex_executable__";

impl PexBuilder {
    /// An empty PEX file, for no platform yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a platform and the wheels for it, each by the SHA-256 of its bytes. A start takes those
    /// of the first platform that its interpreter is of.
    pub fn add_platform<'w>(
        &mut self,
        target: &Target,
        wheels: impl IntoIterator<Item = (&'w WheelName, [u8; 32])>,
    ) {
        let release = target.python().release().iter().take(2).map(u64::to_string);
        let implementation = target.markers().get(MarkerVariable::ImplementationName);
        let mut names = Vec::new();
        for (wheel, sha256) in wheels {
            self.wheels.insert(wheel.as_str().to_owned(), sha256);
            names.push(wheel.as_str().to_owned());
        }
        names.sort();
        self.platforms.push(PlatformInfo {
            name: target.to_string(),
            implementation: implementation.unwrap_or("cpython").to_owned(),
            python: release.collect::<Vec<_>>().join("."),
            wheels: names,
        });
    }

    /// What the file says about itself: settings of its start, for one thing.
    pub fn info_mut(&mut self) -> &mut PexInfo {
        &mut self.info
    }

    /// Leaves a file out of the folders that are added from now on: the output itself, which may
    /// lie in one of them.
    pub fn leave_out(&mut self, file: &Path) {
        let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
        self.left_out.extend(folder.zip(file.file_name()).map(|(folder, name)| folder.join(name)));
    }

    /// Notes what was asked for, without addresses; the wheels are added by themselves.
    pub fn set_requirements(&mut self, requirements: &[Requirement]) {
        let asked = requirements.iter().cloned().map(Requirement::without_url);
        self.info.requirements = asked.map(|one| one.to_string()).collect();
        self.info.requirements.sort();
    }

    /// Adds all files below a folder, so that its packages are at the top.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or held, or stands there already.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        for found in sources::collect(folder)? {
            if self.is_left_out(&found.file) {
                continue;
            }
            self.add(found.path, found.mode, Source::File(found.file))?;
        }
        Ok(())
    }

    /// Adds the packages and modules of a project: those in `src`, if it has that folder, else those
    /// at its top. What else lies there (settings, tests, other tools' files) stays out.
    ///
    /// # Errors
    ///
    /// As [`Self::add_folder`].
    pub fn add_project(&mut self, folder: &Path) -> Result<(), Error> {
        let source = folder.join("src");
        if source.is_dir() {
            return self.add_folder(&source);
        }
        for found in sources::collect_modules(folder)? {
            self.add(found.path, found.mode, Source::File(found.file))?;
        }
        Ok(())
    }

    /// Adds a file of user code from memory.
    ///
    /// # Errors
    ///
    /// If the path is unsafe, reserved, or there already.
    pub fn add_bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.add(path.to_owned(), Mode::File, Source::Bytes(bytes.to_vec()))
    }

    /// Runs a Python file that is not part of a package.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn set_executable(&mut self, file: &Path) -> Result<(), Error> {
        let mode = sources::mode(file)?;
        self.add(format!("{EXECUTABLE}.py"), mode, Source::File(file.to_owned()))?;
        self.info.entry_point = Some(EXECUTABLE.to_owned());
        Ok(())
    }

    /// Runs a module or a function.
    pub fn set_entry_point(&mut self, entry_point: EntryPoint) {
        self.info.entry_point = Some(entry_point.to_string());
    }

    /// Runs a script of a distribution, as [`find_script`](crate::find_script) found it.
    pub fn set_script(&mut self, script: ScriptTarget) {
        match script {
            ScriptTarget::EntryPoint(entry_point) => self.set_entry_point(entry_point),
            ScriptTarget::File(name) => self.info.script = Some(name),
        }
    }

    /// Starts with this line, and not with the shell script that starts fastest; `#!` may be left
    /// out.
    ///
    /// # Errors
    ///
    /// If it is more than one line, or empty.
    pub fn set_shebang(&mut self, line: &str) -> Result<(), Error> {
        let line = line.strip_prefix("#!").unwrap_or(line).trim();
        if line.is_empty() || line.chars().any(char::is_control) {
            let (path, reason) = (format!("#!{line}"), "a shebang is one line".to_owned());
            return Err(ErrorKind::Unfit { path, reason }.into());
        }
        self.line = Some(format!("#!{line}\n"));
        Ok(())
    }

    /// Writes the file; wheels are opened and measured on `threads` threads ahead of the writer.
    ///
    /// # Errors
    ///
    /// If a wheel or a source cannot be read, or `out` fails. What was written is then no PEX file.
    pub fn write<W: Write>(
        &self,
        out: W,
        wheels: &dyn WheelFiles,
        threads: usize,
    ) -> Result<Written, Error> {
        let (members, key) = self.members()?;
        let import = write::import(&members, wheels)?;
        let prefix = self.prefix(&key, import);
        let archive = write::zip(out, prefix.as_bytes(), &members, wheels, threads)?;
        Ok(Written { archive, key, is_large: import == Import::Zip64 })
    }

    fn add(&mut self, path: String, mode: Mode, source: Source) -> Result<(), Error> {
        let unfit =
            |reason: &str| ErrorKind::Unfit { path: path.clone(), reason: reason.to_owned() };
        let top = path.split('/').next().unwrap_or_default();
        if RESERVED.contains(&top) {
            return Err(unfit("a PEX file has that name itself; rename it, or leave it out").into());
        }
        ArchivePath::parse(&path).map_err(archive)?;
        if self.files.contains_key(&path) {
            return Err(unfit("it was added twice").into());
        }
        self.files.insert(path, (mode, source));
        Ok(())
    }

    fn is_left_out(&self, file: &Path) -> bool {
        let name = file.file_name();
        self.left_out.iter().filter(|left_out| left_out.file_name() == name).any(|left_out| {
            file.parent().and_then(|folder| folder.canonicalize().ok()).as_deref()
                == left_out.parent()
        })
    }

    fn prefix(&self, key: &[u8; 32], import: Import) -> String {
        match &self.line {
            Some(line) => line.clone(),
            None => runtime::shell(key, &self.info, &self.interpreters(), import),
        }
    }

    /// The names of the interpreters that the file is for.
    fn interpreters(&self) -> Vec<String> {
        let mut names = Vec::new();
        for platform in &self.platforms {
            let kind = if platform.implementation == "pypy" { "pypy" } else { "python" };
            let name = format!("{kind}{}", platform.python);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// All members, and their key. It covers all of them but `__main__.py`, which carries it, and
    /// in `PEX-INFO` all but itself.
    fn members(&self) -> Result<(Members, [u8; 32]), Error> {
        let mut members = Members::new();
        let tools = self.info.includes_tools.then_some(runtime::TOOLS);
        for (name, code) in runtime::BOOTSTRAP.into_iter().chain(tools) {
            let path = format!(".bootstrap/{name}");
            insert(&mut members, &path, Mode::File, Member::Code(code.to_vec()))?;
        }
        let import = Member::Bytes(runtime::IMPORT.to_vec());
        insert(&mut members, "__pex__/__init__.py", Mode::File, import)?;
        for (name, sha256) in &self.wheels {
            let member = Member::Wheel { name: name.clone(), sha256: *sha256 };
            insert(&mut members, &format!(".deps/{name}"), Mode::File, member)?;
        }
        for (path, (mode, source)) in &self.files {
            let member = match source {
                Source::Bytes(bytes) => Member::Bytes(bytes.clone()),
                Source::File(file) => Member::measure(file.clone())?,
            };
            insert(&mut members, path, *mode, member)?;
        }
        let mut info = self.completed(&members);
        let without_key = Member::Bytes(info.encode()?);
        insert(&mut members, "PEX-INFO", Mode::File, without_key)?;
        let key = digest(members.iter());
        info.pex_hash = runtime::hex(&key);
        insert(&mut members, "PEX-INFO", Mode::File, Member::Bytes(info.encode()?))?;
        let main = Member::Bytes(runtime::main_module(&key, &info));
        insert(&mut members, "__main__.py", Mode::Executable, main)?;
        Ok((members, key))
    }

    /// What the file says about itself, but for its key.
    fn completed(&self, members: &Members) -> PexInfo {
        let mut info = self.info.clone();
        let distributions = self.wheels.iter();
        info.distributions =
            distributions.map(|(name, sha256)| (name.clone(), runtime::hex(sha256))).collect();
        info.deps_are_wheel_files = true;
        info.bootstrap_hash = runtime::hex(&runtime::digest());
        let code = members.iter().filter(|(path, _)| self.files.contains_key(path.as_str()));
        info.code_hash = runtime::hex(&digest(code));
        info.pex_hash = String::new();
        info.pinnace = Some(OwnInfo {
            format: FORMAT,
            platforms: self.platforms.clone(),
            bytecode: BTreeMap::new(),
        });
        info
    }
}
