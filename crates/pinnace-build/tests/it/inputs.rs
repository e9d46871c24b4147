use pinnace_build::{
    Error, ErrorKind, IndexSpec, InputSpec, Inputs, ProjectMetadata, SolveSpec, lock_of_project,
};

use crate::world::{World, assert_kind};

fn read(world: &World, spec: &InputSpec) -> Result<Inputs, Error> {
    let (cx, indexes) = (world.cx(), IndexSpec::default());
    let target = crate::world::PLATFORM.parse().unwrap();
    let projects = ProjectMetadata::new(&cx, &indexes, Some(&target), None);
    Inputs::read(spec, &SolveSpec::default(), &world.env, &projects)
}

fn files(files: &[&str]) -> InputSpec {
    let mut spec = InputSpec::default();
    spec.requirement_files = files.iter().map(Into::into).collect();
    spec
}

fn requirements(inputs: &Inputs) -> Vec<String> {
    inputs.request.requirements().map(ToString::to_string).collect()
}

/// Returns the specification of the project in a folder.
fn project(folder: &str) -> InputSpec {
    let mut spec = InputSpec::default();
    spec.project = Some(folder.into());
    spec
}

#[test]
fn requirements_files_are_read_with_the_files_that_they_name() {
    let world = World::new();
    world.folder.write("requirements.txt", "-r more/base.txt\nmoo # a comment\n");
    world.folder.write("more/base.txt", "voice>=1 ; python_version >= '3'\n");
    let inputs = read(&world, &files(&["requirements.txt"])).unwrap();
    let mut found = requirements(&inputs);
    found.sort();
    assert_eq!(found.len(), 2);
    assert!(found[0] == "moo" && found[1].starts_with("voice>=1"), "{found:?}");
    let read: Vec<_> = inputs.files.iter().map(|file| file.file_name().unwrap()).collect();
    assert_eq!(read, ["base.txt", "requirements.txt"]);
    assert!(inputs.folders.is_empty() && !inputs.is_empty());
}

#[test]
fn a_project_adds_its_code_its_extras_and_its_groups() {
    let world = World::new();
    let text = "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['moo']\n\
                [project.optional-dependencies]\nfast = ['speedup']\n\
                [dependency-groups]\ndev = ['checker']\n";
    world.folder.write("shop/pyproject.toml", text);
    let mut spec = project("shop");
    spec.extras.push("fast".to_owned());
    spec.groups.push("dev".to_owned());
    let inputs = read(&world, &spec).unwrap();
    assert_eq!(requirements(&inputs), ["shop[fast]", "checker"]);
    assert_eq!(inputs.folders, [world.path("shop")]);
    let locals: Vec<&str> = inputs.locals.iter().map(|name| name.as_str()).collect();
    assert_eq!(locals, ["shop"]);
    spec.extras = vec!["slow".to_owned()];
    assert_kind!(read(&world, &spec), ErrorKind::UnknownExtra { extra, .. } if extra == "slow");
}

#[test]
fn inputs_of_the_wrong_kind_are_refused_by_kind() {
    let world = World::new();
    world.folder.write("pylock.toml", "");
    world.folder.write("tools/pyproject.toml", "[tool.x]\na = 1\n");
    let dynamic = "[project]\nname = 'd'\nversion = '1'\ndynamic = ['dependencies']\n";
    world.folder.write("d/pyproject.toml", dynamic);
    let url = files(&["https://h.example/requirements.txt"]);
    assert_kind!(read(&world, &url), ErrorKind::RemoteFile { .. });
    assert_kind!(read(&world, &files(&["pylock.toml"])), ErrorKind::IsLock { .. });
    let tools = files(&["tools/pyproject.toml"]);
    assert_kind!(read(&world, &tools), ErrorKind::NoRequirements { .. });
    assert_kind!(
        read(&world, &files(&["gone/pyproject.toml"])),
        ErrorKind::UnreadableProject { path, .. } if path.ends_with("gone/pyproject.toml")
    );
    // Only a backend could tell, and this machine has no interpreter of that platform.
    match crate::world::error(read(&world, &project("d"))).kind() {
        ErrorKind::NoPythonToAsk { .. } | ErrorKind::Build { .. } => {}
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn sources_of_a_project_must_exist_and_be_what_they_are_called() {
    let world = World::new();
    let shop = |sources: &str| {
        let text = format!(
            "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['lib']\n\
             [tool.uv.sources]\nlib = {sources}\n"
        );
        world.folder.write("shop/pyproject.toml", text);
        read(&world, &project("shop"))
    };
    let lib = |name: &str| {
        let text = format!("[project]\nname = '{name}'\nversion = '3'\n");
        world.folder.write("lib/pyproject.toml", text);
    };
    let path = "{ path = '../lib' }";
    assert_kind!(shop(path), ErrorKind::MissingSource { project, .. } if project == "lib");
    lib("other");
    assert_kind!(
        shop(path),
        ErrorKind::OtherProject { found, expected, .. } if found == "other" && expected == "lib"
    );
    lib("lib");
    let inputs = shop(path).unwrap();
    assert_eq!(inputs.folders, [world.path("shop"), world.path("lib")]);
    assert_kind!(shop("{ index = 'own' }"), ErrorKind::UnknownIndex { index, .. } if index == "own");
    assert_kind!(shop("{ workspace = true }"), ErrorKind::NoMember { project } if project == "lib");
}

#[test]
fn a_member_of_a_workspace_finds_its_siblings_and_its_lock() {
    let world = World::new();
    world.folder.write(
        "pyproject.toml",
        "[tool.uv.workspace]\nmembers = ['packages/*']\nexclude = ['packages/old']\n",
    );
    let member = |name: &str, rest: &str| {
        let text = format!("[project]\nname = '{name}'\nversion = '1'\n{rest}");
        world.folder.write(&format!("packages/{name}/pyproject.toml"), text);
    };
    member("a", "dependencies = ['b']\n[tool.uv.sources]\nb = { workspace = true }\n");
    member("b", "");
    let inputs = read(&world, &project("packages/a")).unwrap();
    assert_eq!(inputs.folders, [world.path("packages/a"), world.path("packages/b")]);
    let folder = world.path("packages/a");
    assert_eq!(lock_of_project(&folder, Some("a")), None);
    let uv = "version = 1\nrequires-python = '>=3.9'\n[manifest]\nmembers = ['a', 'b']\n\
              [[package]]\nname = 'a'\nversion = '1'\nsource = { editable = 'packages/a' }\n\
              [[package]]\nname = 'b'\nversion = '1'\nsource = { editable = 'packages/b' }\n";
    world.folder.write("uv.lock", uv);
    assert_eq!(lock_of_project(&folder, Some("a")), Some(world.path("uv.lock")));
    assert_eq!(lock_of_project(&folder, Some("stranger")), None);
    // The project's own lock comes first.
    world.folder.write("packages/a/pylock.toml", "");
    assert_eq!(lock_of_project(&folder, Some("a")), Some(folder.join("pylock.toml")));
}

#[test]
fn versions_of_poetry_and_constraints_shape_the_request() {
    let world = World::new();
    let text = "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['moo']\n";
    world.folder.write("shop/pyproject.toml", text);
    let poetry = "[[package]]\nname = 'moo'\nversion = '0.9'\n\
                  [metadata]\nlock-version = '2.0'\n";
    world.folder.write("shop/poetry.lock", poetry);
    let inputs = read(&world, &project("shop")).unwrap();
    let preferred = inputs.request.preference(&"moo".parse().unwrap()).map(ToString::to_string);
    assert_eq!(preferred.as_deref(), Some("0.9"));
    world.folder.write("shop/poetry.lock", "[[package]]\nversion = '1'\n");
    assert_kind!(read(&world, &project("shop")), ErrorKind::Wheel(_));
}
