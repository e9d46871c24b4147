//! Installation of a plan as a virtual environment (PEP 405).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::{
    Error, ErrorKind, Interpreter, LinkMode, Piece, Place, Plan, Program, Source,
    link_mode::{self, link, symbolic_link},
    script,
};

/// A store of unpacked distributions and layers.
pub trait Unpacked<Id> {
    /// Returns the folder of a source. Its files are below the [folders](Place::folder) of their
    /// places. Bytecode, if there is any, is in `__pycache__` next to the modules.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder is not available.
    fn folder(&self, source: &Source<Id>) -> io::Result<PathBuf>;
}

/// A builder of virtual environments from plans.
///
/// `python`, the programs, `subprocess` with `sys.executable`, the start methods of
/// `multiprocessing` and debuggers all accept the result as a normal virtual environment. It must
/// not be moved: programs contain the path of their interpreter.
#[derive(Clone, Debug)]
pub struct Venv {
    interpreter: Interpreter,
    link_mode: LinkMode,
}

impl Venv {
    /// Creates a builder of environments for an interpreter.
    pub fn new(interpreter: Interpreter, link_mode: LinkMode) -> Self {
        Self { interpreter, link_mode }
    }

    /// Returns the folder inside an environment from which modules are imported.
    pub fn library(&self) -> PathBuf {
        Path::new("lib").join(self.interpreter.name()).join("site-packages")
    }

    /// Builds an environment in an empty folder, whose final path will be `at`. The layers' own
    /// code is always copied, because a program may write to it. A program must not write to shared
    /// files.
    ///
    /// # Errors
    ///
    /// Returns an error if a distribution is not unpacked, or if the folder cannot be written to.
    /// The folder is then not a valid environment.
    pub fn lay<Id>(
        &self,
        plan: &Plan<Id>,
        unpacked: &dyn Unpacked<Id>,
        folder: &Path,
        at: &Path,
    ) -> Result<(), Error> {
        let unpacked = plan.sources().iter().map(|source| {
            unpacked.folder(source).map_err(|error| {
                let owner = source.owner().to_string();
                ErrorKind::Unpacked { owner, source: error }.into()
            })
        });
        let unpacked = unpacked.collect::<Result<_, Error>>()?;
        let layout = Layout { venv: self, plan, folder, at, unpacked };
        layout.write_skeleton()?;
        layout.write_programs()?;
        layout.link_pieces()
    }
}

/// An environment under construction.
struct Layout<'a, Id> {
    venv: &'a Venv,
    plan: &'a Plan<Id>,
    /// The folders of the plan's sources, indexed by source number.
    unpacked: Vec<PathBuf>,
    folder: &'a Path,
    at: &'a Path,
}

/// The folder of the layers' own code inside an environment.
const CODE: &str = "code";

impl<Id> Layout<'_, Id> {
    /// Writes the files that make the folder a virtual environment.
    fn write_skeleton(&self) -> Result<(), Error> {
        let interpreter = &self.venv.interpreter;
        create_folder(&self.folder.join("bin"))?;
        create_folder(&self.folder.join(self.venv.library()))?;
        let home = interpreter.executable().parent().unwrap_or(Path::new("/"));
        let (major, minor, patch) = interpreter.version();
        let config = format!(
            "home = {}\ninclude-system-site-packages = false\nversion = {major}.{minor}.{patch}\n",
            home.display()
        );
        write(&self.folder.join("pyvenv.cfg"), config.as_bytes(), Kind::Plain)?;
        for (name, target) in [
            ("python", interpreter.executable()),
            ("python3", Path::new("python")),
            (&interpreter.name(), Path::new("python")),
        ] {
            let link = self.folder.join("bin").join(name);
            symbolic_link(target, &link).map_err(Error::at("create the link", &link))?;
        }
        Ok(())
    }

    fn write_programs(&self) -> Result<(), Error> {
        let (bin, python) = (self.folder.join("bin"), self.at.join("bin/python"));
        for (name, program) in self.plan.programs() {
            let path = bin.join(name);
            // The interpreter's own names are reserved, and a program's name must not be a path.
            if path.parent() != Some(&bin) || fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            let text = match program {
                Program::Script { target, .. } => script::of_entry_point(target, &python),
                Program::File { source, file } => {
                    let from = self.unpacked[source.number].join("bin").join(file.path());
                    script::of_file(fs::read(&from).map_err(Error::at("read", &from))?, &python)
                }
            };
            write(&path, &text, Kind::Program)?;
        }
        Ok(())
    }

    fn link_pieces(&self) -> Result<(), Error> {
        let mut modules: BTreeMap<(usize, &str), BTreeSet<&str>> = BTreeMap::new();
        let mut has_code = false;
        for piece in self.plan.pieces() {
            let (to, from) = (self.target(&piece), self.origin(&piece));
            link_mode::own_folders(self.folder, to.parent().unwrap_or(Path::new("")))?;
            let link_mode = match piece.place() {
                Place::Code => LinkMode::Copy,
                _ => self.venv.link_mode,
            };
            link(&from, &self.folder.join(to), link_mode)?;
            has_code |= piece.place() == Place::Code;
            if let (Place::Library, Some(module)) = (piece.place(), module(&piece)) {
                let folder = piece.path().rsplit_once('/').map_or("", |(folder, _)| folder);
                modules.entry((piece.source().number, folder)).or_default().insert(module);
            }
        }
        for ((source, folder), names) in modules {
            self.bytecode(source, folder, &names)?;
        }
        if has_code { self.write_code_path() } else { Ok(()) }
    }

    /// Adds the bytecode of single modules in a folder that several sources share. Their
    /// `__pycache__` is a folder of its own, so it belongs to no piece.
    fn bytecode(&self, source: usize, folder: &str, names: &BTreeSet<&str>) -> Result<(), Error> {
        let from = self.unpacked[source].join("lib").join(folder).join("__pycache__");
        if !from.is_dir() {
            return Ok(());
        }
        let to = self.folder.join(self.venv.library()).join(folder).join("__pycache__");
        create_folder(&to)?;
        link_mode::each(&from, |file| {
            let name = file.to_str().and_then(|name| name.split('.').next());
            if name.is_some_and(|name| names.contains(name)) {
                link(&from.join(file), &to.join(file), self.venv.link_mode)
            } else {
                Ok(())
            }
        })
    }

    /// Puts the layers' code before all libraries on `sys.path`.
    fn write_code_path(&self) -> Result<(), Error> {
        let code = script::literal(&self.at.join(CODE));
        let line = format!("import sys; sys.path[:1] == [{code}] or sys.path.insert(0, {code})\n");
        let path = self.folder.join(self.venv.library()).join("_pinnace.pth");
        write(&path, line.as_bytes(), Kind::Plain)
    }

    fn origin(&self, piece: &Piece<'_, Id>) -> PathBuf {
        self.unpacked[piece.source().number].join(piece.place().folder()).join(piece.path())
    }

    /// Returns the path of a piece in the environment.
    fn target(&self, piece: &Piece<'_, Id>) -> PathBuf {
        let place = match piece.place() {
            Place::Code => PathBuf::from(CODE),
            Place::Library => self.venv.library(),
            Place::Scripts => PathBuf::from("bin"),
            // pip's scheme `headers`: `include/site/pythonX.Y/NAME`.
            Place::Headers => {
                let site = Path::new("include/site").join(self.venv.interpreter.name());
                site.join(owner(piece))
            }
            Place::Data => PathBuf::new(),
        };
        place.join(piece.path())
    }
}

/// Returns the name of a piece's distribution, as its wheel spells it.
fn owner<'p, Id>(piece: &Piece<'p, Id>) -> &'p str {
    let distribution = piece.source().distribution();
    let name = distribution.and_then(|distribution| distribution.file_name().split('-').next());
    name.unwrap_or(piece.source().layer())
}

/// Returns the name of a module that is a piece by itself.
fn module<'p, Id>(piece: &Piece<'p, Id>) -> Option<&'p str> {
    let name = piece.path().rsplit('/').next()?;
    name.strip_suffix(".py").filter(|_| piece.is_file())
}

fn create_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::at("create the folder", path))
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Plain,
    Program,
}

fn write(path: &Path, content: &[u8], kind: Kind) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if kind == Kind::Program {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    }
    let file = options.open(path).and_then(|mut file: File| file.write_all(content));
    file.map_err(Error::at("write", path))
}
