use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use pinnace_archive::{ArchivePath, Mode};
use pinnace_wheel::{MarkerVariable, Requirement, Target, WheelName};

use crate::{
    Bytecode, Compiler, Compression, EntryPoint, Error, ErrorKind, PexInfo, PlatformInfo,
    ScriptTarget, WheelForm, error::archive, runtime::Runtime, sources,
};

/// A builder that collects the contents of a PEX file and writes it.
///
/// Equal wheels, files and settings give equal bytes, in any order of the calls.
#[derive(Clone, Debug, Default)]
pub struct PexBuilder {
    pub(crate) info: PexInfo,
    /// The first line, if it replaces the shell script that starts fastest.
    pub(crate) line: Option<String>,
    pub(crate) platforms: Vec<PlatformInfo>,
    pub(crate) wheels: BTreeMap<String, [u8; 32]>,
    pub(crate) files: BTreeMap<String, (Mode, Source)>,
    pub(crate) left_out: Vec<PathBuf>,
    pub(crate) form: WheelForm,
    pub(crate) compression: Compression,
    pub(crate) bytecode: BTreeMap<String, Bytecode>,
    pub(crate) compiler: Option<Compiler>,
    pub(crate) runtime: Runtime,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
    /// A file that must have this SHA-256.
    Known(PathBuf, [u8; 32]),
}

/// The top-level names that the format reserves.
const RESERVED: [&str; 5] = [".bootstrap", ".deps", "PEX-INFO", "__main__.py", "__pex__"];

/// The module name of the file given to `--exe`, as in the pex tool.
const EXECUTABLE: &str = "__pex_executable__";

impl PexBuilder {
    /// Creates a builder for an empty PEX file without platforms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a platform and its wheels, each with the SHA-256 of its bytes. At a start, the boot
    /// code uses the wheels of the first platform that matches the interpreter.
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
            requires_python: String::new(),
        });
    }

    /// Records the `Requires-Python` specifiers of the wheels of the platform that was added last.
    pub fn require_python<'s>(&mut self, specifiers: impl IntoIterator<Item = &'s str>) {
        let clauses = specifiers.into_iter().flat_map(|specifiers| specifiers.split(','));
        let clauses: BTreeSet<String> =
            clauses.map(|clause| clause.split_whitespace().collect()).collect();
        let known = clauses.into_iter().filter(|clause: &String| !clause.is_empty());
        if let Some(platform) = self.platforms.last_mut() {
            platform.requires_python = known.collect::<Vec<_>>().join(",");
        }
    }

    /// Sets the form in which wheels are stored.
    pub fn set_wheel_form(&mut self, form: WheelForm) {
        self.form = form;
    }

    /// Sets the compression of everything except whole wheels.
    pub fn set_compression(&mut self, compression: Compression) {
        self.compression = compression;
    }

    /// Sets the boot code, which may come from another version of Pinnace.
    pub fn set_runtime(&mut self, runtime: Runtime) {
        self.runtime = runtime;
    }

    /// Adds the bytecode of a wheel that was added before, so that the first start does not compile
    /// it.
    pub fn add_bytecode(&mut self, wheel: &WheelName, bytecode: Bytecode) {
        self.bytecode.insert(wheel.as_str().to_owned(), bytecode);
    }

    /// Adds the bytecode of the user code, made by this compiler.
    pub fn compile_code(&mut self, compiler: Compiler) {
        self.compiler = Some(compiler);
    }

    /// Returns the `PEX-INFO` of the file for editing, for example to change how it starts.
    pub fn info_mut(&mut self) -> &mut PexInfo {
        &mut self.info
    }

    /// Excludes a file from all folders that are added later. The usual case is the output file,
    /// which may lie in one of them.
    pub fn leave_out(&mut self, file: &Path) {
        let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
        self.left_out.extend(folder.zip(file.file_name()).map(|(folder, name)| folder.join(name)));
    }

    /// Records the requested requirements, without their URLs. The wheels are added separately.
    pub fn set_requirements(&mut self, requirements: &[Requirement]) {
        let asked = requirements.iter().cloned().map(Requirement::without_url);
        self.info.requirements = asked.map(|requirement| requirement.to_string()).collect();
        self.info.requirements.sort();
    }

    /// Adds all files below a folder. Packages in the folder become top-level packages.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if a file cannot be read. Returns [`ErrorKind::Unfit`] if a
    /// path is reserved or was added before, or if the file is not regular. Returns
    /// [`ErrorKind::Archive`] if a path is unsafe.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        for found in sources::collect(folder)? {
            if self.is_left_out(&found.file) {
                continue;
            }
            self.add(found.path, found.mode, Source::File(found.file))?;
        }
        Ok(())
    }

    /// Adds the packages and modules of a project: those in `src` if that folder exists, otherwise
    /// those at the top of the project. Other files at the top (settings, tests, files of other
    /// tools) stay out.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::add_folder`].
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

    /// Adds a package by its dotted name, with the `__init__.py` files of its parent packages.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if the folder does not contain the package; otherwise the
    /// errors of [`Self::add_folder`].
    pub fn add_package(&mut self, name: &str, folder: &Path) -> Result<(), Error> {
        let path = name.replace('.', "/");
        for found in sources::collect(&folder.join(&path))? {
            let below = format!("{path}/{}", found.path);
            self.add(below, found.mode, Source::File(found.file))?;
        }
        for (at, _) in path.match_indices('/') {
            let init = format!("{}/__init__.py", &path[..at]);
            let file = folder.join(&init);
            if file.is_file() && !self.files.contains_key(&init) {
                self.add(init, sources::mode(&file)?, Source::File(file))?;
            }
        }
        Ok(())
    }

    /// Adds a module by its dotted name.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::add_package`].
    pub fn add_module(&mut self, name: &str, folder: &Path) -> Result<(), Error> {
        let path = format!("{}.py", name.replace('.', "/"));
        let file = folder.join(&path);
        let mode = sources::mode(&file)?;
        self.add(path, mode, Source::File(file))
    }

    /// Adds a file of user code from memory.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Archive`] if the path is unsafe, and [`ErrorKind::Unfit`] if it is
    /// reserved or was added before.
    pub fn add_bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.add(path.to_owned(), Mode::File, Source::Bytes(bytes.to_vec()))
    }

    /// Adds an executable file of user code from memory.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::add_bytes`].
    pub fn add_program(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.add(path.to_owned(), Mode::Executable, Source::Bytes(bytes.to_vec()))
    }

    /// Adds a file of user code with a known SHA-256. The builder reads the file only when it
    /// writes the output, and fails if the digest no longer matches.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::add_bytes`].
    pub fn add_file(&mut self, path: &str, file: &Path, sha256: [u8; 32]) -> Result<(), Error> {
        self.add(path.to_owned(), Mode::File, Source::Known(file.to_owned(), sha256))
    }

    /// Adds an executable file of user code with a known SHA-256; see [`Self::add_file`].
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::add_bytes`].
    pub fn add_program_file(
        &mut self,
        path: &str,
        file: &Path,
        sha256: [u8; 32],
    ) -> Result<(), Error> {
        self.add(path.to_owned(), Mode::Executable, Source::Known(file.to_owned(), sha256))
    }

    /// Adds a file of user code from another PEX file.
    pub(crate) fn add_code(&mut self, path: &str, mode: Mode, bytes: Vec<u8>) -> Result<(), Error> {
        self.add(path.to_owned(), mode, Source::Bytes(bytes))
    }

    /// Sets a Python file outside of any package as the program, and adds the file.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Source`] if the file cannot be read.
    pub fn set_executable(&mut self, file: &Path) -> Result<(), Error> {
        let mode = sources::mode(file)?;
        self.add(format!("{EXECUTABLE}.py"), mode, Source::File(file.to_owned()))?;
        self.info.entry_point = Some(EXECUTABLE.to_owned());
        Ok(())
    }

    /// Sets the module or function that the file runs.
    pub fn set_entry_point(&mut self, entry_point: EntryPoint) {
        self.info.entry_point = Some(entry_point.to_string());
    }

    /// Sets the script of a distribution that the file runs, as [`find_script`](crate::find_script)
    /// returns it.
    pub fn set_script(&mut self, script: ScriptTarget) {
        match script {
            ScriptTarget::EntryPoint(entry_point) => self.set_entry_point(entry_point),
            ScriptTarget::File(name) => self.info.script = Some(name),
        }
    }

    /// Sets the first line, in place of the shell script that starts fastest. The leading `#!` is
    /// optional.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unfit`] if the text is empty or has more than one line.
    pub fn set_shebang(&mut self, line: &str) -> Result<(), Error> {
        let line = line.strip_prefix("#!").unwrap_or(line).trim();
        if line.is_empty() || line.chars().any(char::is_control) {
            let (path, reason) = (format!("#!{line}"), "a shebang is one line".to_owned());
            return Err(ErrorKind::Unfit { path, reason }.into());
        }
        self.line = Some(format!("#!{line}\n"));
        Ok(())
    }

    fn add(&mut self, path: String, mode: Mode, source: Source) -> Result<(), Error> {
        let unfit =
            |reason: &str| ErrorKind::Unfit { path: path.clone(), reason: reason.to_owned() };
        let top = path.split('/').next().unwrap_or_default();
        if RESERVED.contains(&top) {
            return Err(
                unfit("the PEX format reserves the name; rename the file or exclude it").into()
            );
        }
        ArchivePath::parse(&path).map_err(archive)?;
        match (self.files.get(&path), &source) {
            // Naming one file twice, for example by its package and its module, is allowed.
            (Some((_, Source::File(known))), Source::File(file)) if known == file => return Ok(()),
            (Some(_), _) => return Err(unfit("it was added twice").into()),
            (None, _) => {}
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

    /// Returns the names of the interpreters that the file is built for.
    pub(crate) fn interpreters(&self) -> Vec<String> {
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
}
