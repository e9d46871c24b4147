use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
};

use pinnace_archive::{ArchivePath, Content, ContentDigest, Mode, Summary, Writer};
use pinnace_wheel::{Requirement, Target, WheelName};

use crate::{
    EntryPoint, Error, ErrorKind, PexInfo, ReadSeek, ScriptTarget, WheelFiles,
    error::archive,
    measure::InOrder,
    runtime,
    sources::{self, at},
};

/// Collects what goes into a PEX file, and writes it.
///
/// The same wheels, files and settings give the same bytes, in whatever order they were added.
#[derive(Clone, Debug)]
pub struct PexBuilder {
    info: PexInfo,
    shebang: String,
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
}

/// The names that the format keeps for itself.
const RESERVED: [&str; 5] = [".bootstrap", ".deps", "PEX-INFO", "__main__.py", "__pex__"];

/// A file of user code given to `--exe` goes by this name, as with the pex tool.
const EXECUTABLE: &str = "__pex_executable__";

impl PexBuilder {
    /// An empty PEX file for a platform. It starts with that platform's `pythonX.Y`.
    pub fn new(target: &Target) -> Self {
        let release = target.python().release().iter().take(2).map(u64::to_string);
        let short = release.collect::<Vec<_>>().join(".");
        Self {
            info: PexInfo::new(&target.to_string()),
            shebang: format!("#!/usr/bin/env python{short}\n"),
            wheels: BTreeMap::new(),
            files: BTreeMap::new(),
            left_out: Vec::new(),
        }
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

    /// Adds a wheel by the SHA-256 of its bytes.
    pub fn add_wheel(&mut self, wheel: &WheelName, sha256: [u8; 32]) {
        self.wheels.insert(wheel.as_str().to_owned(), sha256);
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

    /// Starts with another line than `#!/usr/bin/env pythonX.Y`; `#!` may be left out.
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
        self.shebang = format!("#!{line}\n");
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
        let mut members = self.members()?;
        let key = key(&members);
        let mut info = self.info.clone();
        self.complete(&mut info, &members, &key);
        insert(&mut members, "PEX-INFO", Mode::File, Member::Bytes(info.encode()?))?;
        insert(
            &mut members,
            "__main__.py",
            Mode::Executable,
            Member::Bytes(runtime::main_module(&key)),
        )?;
        let digests: Vec<[u8; 32]> = self.wheels.values().copied().collect();
        let archive = thread::scope(|scope| {
            let measured = InOrder::start(scope, wheels, &digests, threads)
                .map_err(|source| ErrorKind::Thread { source })?;
            write_members(out, self.shebang.as_bytes(), members, measured)
        })?;
        Ok(Written { archive, key })
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

    /// All that the key covers: boot code, wheels, user code, and PEX-INFO without the key.
    fn members(&self) -> Result<Members, Error> {
        let mut members = Members::new();
        for (name, content) in runtime::BOOTSTRAP {
            let path = format!(".bootstrap/{name}");
            insert(&mut members, &path, Mode::File, Member::Bytes(content.to_vec()))?;
        }
        for (name, sha256) in &self.wheels {
            let member = Member::Wheel { name: name.clone(), sha256: *sha256 };
            insert(&mut members, &format!(".deps/{name}"), Mode::File, member)?;
        }
        for (path, (mode, source)) in &self.files {
            let member = match source {
                Source::Bytes(bytes) => Member::Bytes(bytes.clone()),
                Source::File(file) => {
                    let open = File::open(file).and_then(Content::measure);
                    let sha256 = open.map_err(at(file))?.sha256();
                    Member::File { file: file.clone(), sha256 }
                }
            };
            insert(&mut members, path, *mode, member)?;
        }
        let mut info = self.info.clone();
        self.complete(&mut info, &members, &[0; 32]);
        info.pex_hash = String::new();
        insert(&mut members, "PEX-INFO", Mode::File, Member::Bytes(info.encode()?))?;
        Ok(members)
    }

    fn complete(&self, info: &mut PexInfo, members: &Members, key: &[u8; 32]) {
        let distributions = self.wheels.iter();
        info.distributions =
            distributions.map(|(name, sha256)| (name.clone(), runtime::hex(sha256))).collect();
        info.bootstrap_hash = runtime::hex(&runtime::digest());
        info.code_hash = runtime::hex(&digest(
            members.iter().filter(|(path, _)| self.files.contains_key(path.as_str())),
        ));
        info.pex_hash = runtime::hex(key);
    }
}

type Members = BTreeMap<ArchivePath, (Mode, Member)>;

/// One member, ready to be written.
enum Member {
    Bytes(Vec<u8>),
    File { file: PathBuf, sha256: [u8; 32] },
    Wheel { name: String, sha256: [u8; 32] },
}

impl Member {
    fn sha256(&self) -> [u8; 32] {
        match self {
            Self::Bytes(bytes) => pinnace_archive::sha256(bytes),
            Self::File { sha256, .. } | Self::Wheel { sha256, .. } => *sha256,
        }
    }
}

fn insert(members: &mut Members, path: &str, mode: Mode, member: Member) -> Result<(), Error> {
    members.insert(ArchivePath::parse(path).map_err(archive)?, (mode, member));
    Ok(())
}

fn key(members: &Members) -> [u8; 32] {
    digest(members.iter())
}

/// The content digest of files, without prefix and without folders, which follow from the files.
fn digest<'a>(members: impl Iterator<Item = (&'a ArchivePath, &'a (Mode, Member))>) -> [u8; 32] {
    let mut digest = ContentDigest::new(b"");
    for (path, (mode, member)) in members {
        digest.file(path, *mode, &member.sha256());
    }
    digest.finish()
}

/// Wheels come out of `measured` in the order of their names, which is the archive's order too.
fn write_members<W: Write>(
    out: W,
    shebang: &[u8],
    members: Members,
    mut measured: InOrder,
) -> Result<Summary, Error> {
    let mut writer = Writer::with_prefix(out, shebang).map_err(archive)?;
    for (path, (mode, member)) in members {
        match member {
            Member::Bytes(bytes) => writer.bytes(&path, mode, &bytes).map_err(archive)?,
            Member::Wheel { name, .. } => {
                let fault = |source| ErrorKind::Wheel { wheel: name, source };
                let content: Content<Box<dyn ReadSeek>> = measured.next().map_err(fault)?;
                writer.file(&path, mode, content).map_err(archive)?;
            }
            Member::File { file, sha256 } => {
                let content = File::open(&file).and_then(Content::measure).map_err(at(&file))?;
                if content.sha256() != sha256 {
                    let changed = io::Error::other("it changed while the PEX file was being built");
                    return Err(at(&file)(changed));
                }
                writer.file(&path, mode, content).map_err(archive)?;
            }
        }
    }
    writer.finish().map(|(_, summary)| summary).map_err(archive)
}
