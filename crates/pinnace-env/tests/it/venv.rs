//! Plans on disk, tested with the installed interpreter.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use pinnace_env::{
    Contents, Distribution, File, Implementation, Interpreter, Layer, LinkMode, NoRules, Place,
    Plan, Script, Source, Unpacked, Venv, merge,
};
use pinnace_test::{Folder, Ran, write};

/// Unpacked sources, each in a folder named after its layer.
struct Folders(PathBuf);

impl Unpacked<u8> for Folders {
    fn folder(&self, source: &Source<u8>) -> io::Result<PathBuf> {
        let name = source.distribution().map_or(source.layer(), Distribution::project);
        let folder = self.0.join(name);
        folder.is_dir().then_some(folder).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

const FILES: [(&str, Place, &str, &str); 10] = [
    ("one", Place::Library, "ns/first.py", "NAME = 'first'\n"),
    ("one", Place::Library, "ns/deep/__init__.py", ""),
    ("one", Place::Library, "single.py", "def run():\n    print('single', NAME)\nNAME = 1\n"),
    (
        "one",
        Place::Scripts,
        "tool",
        "#!python\nimport sys, single; print(sys.prefix, single.NAME)\n",
    ),
    ("one", Place::Data, "share/one/data.txt", "data\n"),
    ("one", Place::Headers, "one.h", "\n"),
    ("two", Place::Library, "ns/second.py", "NAME = 'second'\n"),
    ("two", Place::Library, "single.py", "NAME = 2\n"),
    ("app", Place::Code, "app.py", "import single, ns.first, ns.second, ns.deep\n"),
    ("app", Place::Code, "ns_less/x.py", ""),
];

/// Returns a plan of unpacked distributions. The second distribution loses its `single.py`.
fn unpack(folder: &Path) -> Plan<u8> {
    let contents = |owner: &str| {
        let mut files = Vec::new();
        for (number, (_, place, path, text)) in (0..).zip(FILES).filter(|(_, one)| one.0 == owner) {
            let file = folder.join(owner).join(place.folder()).join(path);
            write(&file, text);
            files.push(File::new(place, path, number));
        }
        Contents::new(files).unwrap()
    };
    let one = contents("one").with_scripts([Script::new("say", "single:run")]);
    let wheel = |name: &str, id, contents| {
        Distribution::new(name, "1", format!("{name}-1-py3-none-any.whl"), id)
            .with_contents(contents)
    };
    let layers = [
        Layer::new("app").with_contents(contents("app")),
        Layer::new("deps").with(wheel("one", 1, one)).with(wheel("two", 2, contents("two"))),
    ];
    let compile = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"];
    Ran::command(Command::new(python().executable()).args(compile).arg(folder)).ok();
    merge(&layers, &NoRules)
}

/// Returns the base interpreter, not one of a virtual environment.
fn python() -> Interpreter {
    let code = "import sys; print(getattr(sys, '_base_executable', sys.executable)); print(*sys.version_info[:3])";
    let answer = run("python3".as_ref(), &["-c", code]);
    let (path, version) = answer.trim().split_once('\n').unwrap();
    let version: Vec<u64> = version.split(' ').map(|part| part.parse().unwrap()).collect();
    Interpreter::new(path, Implementation::CPython, (version[0], version[1], version[2]))
}

fn run(program: &Path, arguments: &[&str]) -> String {
    Ran::command(Command::new(program).args(arguments)).ok()
}

struct Laid {
    _place: Folder,
    unpacked: PathBuf,
    at: PathBuf,
    venv: Venv,
}

impl Laid {
    fn new(share: LinkMode) -> Self {
        let place = Folder::new();
        let (unpacked, at) = (place.join("unpacked"), place.join("env"));
        fs::create_dir(&at).unwrap();
        let plan = unpack(&unpacked);
        let venv = Venv::new(python(), share);
        venv.lay(&plan, &Folders(unpacked.clone()), &at, &at).unwrap();
        Self { _place: place, unpacked, at, venv }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.at.join("bin").join(name)
    }
}

#[test]
fn python_takes_it_for_a_virtual_environment() {
    for share in [LinkMode::SymbolicLink, LinkMode::HardLink, LinkMode::Copy] {
        let laid = Laid::new(share);
        let code = "import sys, app, single; print(sys.prefix, sys.prefix != sys.base_prefix, single.NAME, app.__file__)";
        let app = laid.at.join("code/app.py");
        let expected = format!("{} True 1 {}\n", laid.at.display(), app.display());
        for python in ["python", "python3", &python().name()] {
            assert_eq!(run(&laid.program(python), &["-I", "-c", code]), expected, "{share:?}");
        }
        assert_eq!(fs::read(laid.at.join("share/one/data.txt")).unwrap(), b"data\n");
        assert!(laid.at.join("include/site").join(python().name()).join("one/one.h").is_file());
    }
}

#[test]
fn programs_start_in_it() {
    let laid = Laid::new(LinkMode::SymbolicLink);
    assert_eq!(run(&laid.program("say"), &[]), "single 1\n");
    assert_eq!(run(&laid.program("tool"), &[]), format!("{} 1\n", laid.at.display()));
}

#[test]
fn children_see_what_their_parents_see() {
    let laid = Laid::new(LinkMode::SymbolicLink);
    let child = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'import single, app; print(single.NAME)']).decode().strip())";
    assert_eq!(run(&laid.program("python"), &["-c", child]), "1\n");
    let spawn = laid.at.join("code/spawn.py");
    let text = "import multiprocessing as m, app, single\ndef f(n):\n    return n + single.NAME\nif __name__ == '__main__':\n    with m.get_context('spawn').Pool(1) as pool:\n        print(pool.map(f, [1]))\n";
    write(&spawn, text);
    assert_eq!(run(&laid.program("python"), &[spawn.to_str().unwrap()]), "[2]\n");
    assert!(
        run(&laid.program("python"), &["-m", "pdb", "-c", "continue", "-c", "quit", "-m", "app"])
            .contains("finished")
    );
}

#[test]
fn bytecode_is_shared_too() {
    for share in [LinkMode::SymbolicLink, LinkMode::HardLink] {
        let laid = Laid::new(share);
        let library = laid.at.join(laid.venv.library());
        for module in ["single", "ns.first", "ns.second", "ns.deep"] {
            let code = format!("import importlib.util as u; print(u.find_spec({module:?}).cached)");
            let cached = PathBuf::from(run(&laid.program("python"), &["-c", &code]).trim_end());
            assert!(cached.starts_with(&library) && cached.is_file(), "{}", cached.display());
        }
        let cached = library.join("__pycache__");
        assert_eq!(cached.read_dir().unwrap().count(), 1, "one module won, and has its bytecode");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_of_one_owner_is_one_link() {
    let laid = Laid::new(LinkMode::SymbolicLink);
    let library = laid.at.join(laid.venv.library());
    let deep = library.join("ns/deep");
    assert!(library.join("ns").is_dir() && !library.join("ns").is_symlink());
    assert_eq!(deep.read_link().unwrap(), laid.unpacked.join("one/lib/ns/deep"));
    assert!(laid.at.join("share").is_symlink());
    assert!(!laid.at.join("code/app.py").is_symlink(), "code is a program's to write to");
}

/// Data of one distribution may go into a folder of another, which other environments share.
#[test]
fn nothing_is_written_to_what_is_shared() {
    for share in [LinkMode::SymbolicLink, LinkMode::HardLink, LinkMode::Copy] {
        let place = Folder::new();
        let at = place.join("env");
        fs::create_dir(&at).unwrap();
        let venv = Venv::new(python(), share);
        let data = venv.library().join("pkg/deep/data.txt");
        let wheel = |name: &str, id, kind: Place, path: &str| {
            let file = place.join(name).join(kind.folder()).join(path);
            write(&file, "");
            let contents = Contents::new([File::new(kind, path, id)]).unwrap();
            Distribution::new(name, "1", format!("{name}.whl"), id).with_contents(contents)
        };
        let layer = Layer::new("deps")
            .with(wheel("a", 1, Place::Library, "pkg/deep/__init__.py"))
            .with(wheel("b", 2, Place::Data, data.to_str().unwrap()));
        let folders = Folders(place.path().to_owned());
        venv.lay(&merge(&[layer], &NoRules), &folders, &at, &at).unwrap();
        assert!(at.join(&data).is_file() && at.join(&data).with_file_name("__init__.py").is_file());
        assert_eq!(fs::read_dir(place.join("a/lib/pkg/deep")).unwrap().count(), 1);
    }
}

#[test]
fn what_is_not_unpacked_is_named() {
    let place = Folder::new();
    let plan = unpack(&place.join("unpacked"));
    fs::remove_dir_all(place.join("unpacked/two")).unwrap();
    let folders = Folders(place.join("unpacked"));
    let refused =
        Venv::new(python(), LinkMode::Copy).lay(&plan, &folders, place.path(), place.path());
    let message = refused.unwrap_err().to_string();
    assert!(
        message.starts_with("`two-1-py3-none-any.whl` (in deps) is not unpacked: "),
        "{message}"
    );
}

#[test]
fn a_program_does_not_take_the_name_of_the_interpreter_or_leave_the_folder() {
    let place = Folder::new();
    let at = place.join("env");
    fs::create_dir_all(place.join("a")).unwrap();
    fs::create_dir(&at).unwrap();
    let scripts = ["python", "../../out", "fine"].map(|name| Script::new(name, "m:f"));
    let contents = Contents::default().with_scripts(scripts);
    let layer =
        Layer::new("a").with(Distribution::new("a", "1", "a.whl", 1).with_contents(contents));
    let folders = Folders(place.path().to_owned());
    Venv::new(python(), LinkMode::Copy)
        .lay(&merge(&[layer], &NoRules), &folders, &at, &at)
        .unwrap();
    assert!(at.join("bin/python").is_symlink() && at.join("bin/fine").is_file());
    assert!(!place.join("out").exists());
}
