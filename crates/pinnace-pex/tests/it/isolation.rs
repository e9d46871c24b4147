//! Items 6 and 7: isolation from site-packages and `PYTHONPATH`.

use pinnace_test::{Ran, write};

use crate::fixture::Fixture;

fn fixture() -> Fixture {
    let fixture =
        Fixture::new().wheel("lib-1-py3-none-any.whl", &[("lib.py", "")]).code("own.py", "");
    for (folder, module) in [("outside", "outside_module"), (".", "cwd_module")] {
        fixture.folder.write(&format!("{folder}/{module}.py"), "");
    }
    fixture
}

fn run(fixture: &Fixture, inherit: Option<&str>, code: &str) -> Ran {
    let mut command = fixture.command(&["-c", code]);
    command.env("PYTHONPATH", fixture.folder.path().join("outside"));
    command.envs(inherit.map(|value| ("PEX_INHERIT_PATH", value)));
    Ran::command(&mut command)
}

const FIND: &str = "import importlib.util as u\nprint([u.find_spec(n) is not None for n in ('lib', 'own', 'pip', 'outside_module', 'cwd_module')])";

#[test]
fn item_6_nothing_from_outside_can_be_imported() {
    let fixture = fixture();
    for _ in ["cold", "warm"] {
        assert_eq!(run(&fixture, None, FIND).ok(), "[True, True, False, False, False]\n");
    }
}

#[test]
fn item_7_the_variable_itself_is_still_there_for_children() {
    let fixture = fixture();
    let out = run(&fixture, None, "import os; print(os.environ['PYTHONPATH'])").ok();
    assert!(out.trim().ends_with("/outside"), "{out}");
}

/// A script that prints the kind of each `sys.path` entry, in order, without repeats.
const PATH: &str = r"
import os, sys
def kind(p):
    name = os.path.basename(p)
    if name == 'code': return name
    if 'pinnace' in p: return 'site'
    if name == 'outside': return 'PYTHONPATH'
    if name in ('site-packages', 'dist-packages'): return 'packages'
    return 'standard'
kinds = [kind(p) for p in sys.path]
print(' '.join(k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k))
";

#[test]
fn item_6_inherited_paths_stand_where_they_are_documented() {
    let fixture = fixture();
    assert_eq!(run(&fixture, None, PATH).ok(), "code standard site\n");
    assert_eq!(run(&fixture, Some("false"), PATH).ok(), "code standard site\n");
    let prefer = run(&fixture, Some("prefer"), PATH).ok();
    let fallback = run(&fixture, Some("fallback"), PATH).ok();
    // The interpreter may have no site-packages.
    assert_eq!(prefer.replace(" packages", ""), "PYTHONPATH code standard site\n");
    assert_eq!(fallback.replace(" packages", ""), "code standard site PYTHONPATH\n");
    assert!(run(&fixture, Some("fallback"), FIND).ok().matches("True").count() >= 3);
}

#[test]
fn what_pth_files_imported_is_forgotten() {
    let fixture = fixture();
    let code = "import sys, os\nlibrary = os.path.dirname(os.__file__)\nprint([m for m, v in sys.modules.items() if '-packages' in (getattr(v, '__file__', None) or '')], [f.__module__ for f in sys.meta_path if hasattr(f, '__module__') and not f.__module__.startswith('_frozen')])";
    assert_eq!(run(&fixture, None, code).ok(), "[] []\n");
}

#[test]
fn pex_variables_are_stripped_and_pex_is_set() {
    let fixture = fixture();
    let code = "import os; print(sorted(k for k in os.environ if k.startswith('PEX')), os.path.basename(os.environ['PEX']))";
    let run = fixture.command(&["-c", code]).env("PEX_VERBOSE", "0").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "['PEX'] app.pex\n");
}

#[test]
fn the_boot_code_leaves_no_trace() {
    let fixture = fixture();
    let code = "import sys; print([m for m in sys.modules if 'pinnace' in m], [p for p in sys.path if 'runtime' in p or '.bootstrap' in p], len(sys.modules) < 120)";
    assert_eq!(fixture.run(&["-c", code]).ok(), "[] [] True\n");
}

/// The boot code imports only the standard library, also at the first start.
#[test]
fn modules_that_shadow_the_standard_library_do_not_disturb_the_start() {
    const NAMES: [&str; 6] = ["json", "csv", "hashlib", "zipfile", "marshal", "pinnace_boot"];
    let mut own = Fixture::new().wheel("lib-1-py3-none-any.whl", &[("lib.py", "")]);
    let outside = own.folder.path().join("outside");
    for name in NAMES {
        own = own.code(&format!("{name}.py"), "MINE = True\n");
        write(&outside.join(format!("{name}.py")), "FOREIGN = True\n");
    }
    let ran = run(&own, None, "import json, pinnace_boot; print(json.MINE, pinnace_boot.MINE)");
    assert_eq!(ran.ok(), "True True\n");
}

#[test]
fn python_options_keep_the_environment() {
    let fixture = fixture();
    let code = "import lib; print(lib.__file__)";
    let run = fixture.command(&["-O", "-c", code]).output().unwrap();
    let file = Ran::of(run).ok();
    assert!(file.starts_with(fixture.cache().to_str().unwrap()), "{file}");
}
