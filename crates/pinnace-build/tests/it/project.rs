use pinnace_build::{
    ErrorKind, IndexSpec, LocalDistribution, MetadataSource, ProjectMetadata, Refresh, Settings,
    import_roots, prepare, read_project,
};
use pinnace_test::Folder;
use pinnace_wheel::Silent;

use crate::world::{World, assert_kind, error};

#[test]
fn settings_come_from_either_file_and_pinnace_toml_wins() {
    let folder = Folder::with(&[(
        "pyproject.toml",
        "[tool.pinnace]\nservice = 'shop'\nserve = ['gunicorn', 'shop:app']\nready = 'http:/up'\n\
         env = ['KEY']\ninclude = ['data/*']\nextra = ['fast']\n",
    )]);
    let settings = Settings::of_project(folder.path(), None).unwrap();
    assert_eq!(settings.service.as_deref(), Some("shop"));
    let web = &settings.processes["web"];
    assert_eq!(web.argv, ["gunicorn", "shop:app"]);
    assert_eq!((web.ready.to_string(), web.drain.seconds()), ("http:/up".to_owned(), 30));
    assert_eq!((settings.env, settings.extra), (vec!["KEY".to_owned()], vec!["fast".to_owned()]));
    folder.write("pinnace.toml", "service = 'other'\n");
    let settings = Settings::of_project(folder.path(), None).unwrap();
    assert_eq!(settings.service.as_deref(), Some("other"));
    assert!(settings.processes.is_empty());
    assert_eq!(Settings::of_project(Folder::new().path(), None).unwrap(), Settings::default());
}

#[test]
fn malformed_settings_name_their_file() {
    for (file, text, reason) in [
        ("pinnace.toml", "servce = 'x'\n", "unknown field `servce`"),
        ("pinnace.toml", "serve = 'flask run'\n", "a command is written as its words"),
        ("pinnace.toml", "drain = '5m'\n", "`ready`, `stop` and `drain` need `serve`"),
        ("pyproject.toml", "[tool.pinnace]\nready = 'udp'\n", "`ready = \"udp\"`"),
        ("pyproject.toml", "[tool.pinnace\n", "line 1"),
        ("dagster_cloud.yaml", "locations: [", ""),
    ] {
        let folder = Folder::with(&[(file, text)]);
        let error = error(Settings::of_project(folder.path(), None));
        let ErrorKind::Settings { origin, reason: found } = error.kind() else { panic!("{error}") };
        assert!(origin.ends_with(file) && found.contains(reason), "{file}: {error}");
    }
}

#[test]
fn a_code_location_is_chosen_by_its_name() {
    let text = "locations:\n  - location_name: etl\n    code_source: {module_name: etl}\n    \
                build: {directory: ./etl}\n  - location_name: ml\n    \
                code_source: {python_file: ml.py}\n";
    let folder = Folder::with(&[("dagster_cloud.yaml", text)]);
    assert_kind!(
        Settings::of_project(folder.path(), None),
        ErrorKind::SeveralLocations { names, .. } if names == &["etl", "ml"]
    );
    let settings = Settings::of_project(folder.path(), Some("etl")).unwrap();
    assert_eq!(settings.service.as_deref(), Some("etl"));
    assert!(settings.folder.as_ref().unwrap().ends_with("etl"), "{:?}", settings.folder);
    let argv = &settings.processes["web"].argv;
    assert!(argv.ends_with(&["--module-name".to_owned(), "etl".to_owned()]), "{argv:?}");
    // The project's own processes win.
    folder.write("pinnace.toml", "serve = ['python', 'x.py']\n");
    let settings = Settings::of_project(folder.path(), None).unwrap();
    assert_eq!((settings.service, settings.folder), (None, None));
}

#[test]
fn a_project_is_described_by_its_files_without_running_them() {
    let folder = Folder::with(&[(
        "pyproject.toml",
        "[project]\nname = 'Shop.App'\nversion = '1.2'\nrequires-python = '>=3.9'\n\
         dependencies = ['moo>=1']\n[project.optional-dependencies]\nfast = ['speedup']\n\
         [project.scripts]\nshop = 'shop:main'\n[project.entry-points.plugins]\np = 'shop:plugin'\n",
    )]);
    let project = LocalDistribution::of_project(folder.path()).unwrap().unwrap();
    assert_eq!((project.name.as_str(), project.version.as_str()), ("shop-app", "1.2"));
    for line in ["Requires-Python: >=3.9", "Requires-Dist: moo>=1", "Provides-Extra: fast"] {
        assert!(project.metadata.contains(line), "{line}: {}", project.metadata);
    }
    assert_eq!(
        project.entry_points,
        "[console_scripts]\nshop = shop:main\n[plugins]\np = shop:plugin\n"
    );
    let files: Vec<String> = project.files().map(|(path, _)| path).collect();
    assert_eq!(files[0], "shop_app-1.2.dist-info/METADATA");
    assert_eq!(LocalDistribution::of_project(Folder::new().path()).unwrap(), None);
}

#[test]
fn the_source_of_metadata_follows_from_the_files() {
    for (files, source) in [
        (&[("pyproject.toml", "[project]\nname = 'a'\nversion = '1'\n")][..], "Files"),
        (&[("pyproject.toml", "[tool.x]\n")], "Files"),
        (&[("setup.cfg", "[metadata]\nname = a\nversion = 1\n")], "Files"),
        (
            &[("pyproject.toml", "[project]\nname = 'a'\ndynamic = ['version']\n")],
            "FilesAndBackend",
        ),
        (&[("setup.py", "setup(install_requires=[])\n")], "Backend"),
        (
            &[(
                "pyproject.toml",
                "[project]\nname = 'a'\nversion = '1'\ndynamic = ['dependencies']\n",
            )],
            "Backend",
        ),
    ] {
        let folder = Folder::with(files);
        let project = read_project(folder.path()).unwrap().unwrap();
        let found = MetadataSource::of(folder.path(), &project).unwrap();
        assert_eq!(format!("{found:?}"), source, "{files:?}");
    }
    assert!(read_project(Folder::new().path()).unwrap().is_none());
}

#[test]
fn import_roots_are_found_among_the_files_that_ship() {
    let world = World::new();
    world.folder.write("p/lib/shop/__init__.py", "");
    world.folder.write("p/lib/tool.py", "");
    world.folder.write("p/.gitignore", "/generated/\n");
    world.folder.write("p/generated/made.py", "");
    let (cx, indexes) = (world.cx(), IndexSpec::default());
    let settings = Settings::default();
    let folder = world.path("p");
    let projects = ProjectMetadata::new(&cx, &indexes, None, None);
    let projects = projects.for_project(&folder, &settings, Refresh::IfChanged);
    let scan = projects.scan(&folder).unwrap();
    let modules = ["shop", "tool", "made"].map(str::to_owned);
    let roots = import_roots(&scan, &modules);
    assert_eq!((roots.folders, roots.missing), (vec!["lib".to_owned()], vec!["made".to_owned()]));
    // The settings of the project decide what ships.
    let mut settings = Settings::default();
    settings.include.push("generated/*".to_owned());
    let projects = ProjectMetadata::new(&cx, &indexes, None, None);
    let projects = projects.for_project(&folder, &settings, Refresh::IfChanged);
    let roots = import_roots(&projects.scan(&folder).unwrap(), &modules);
    assert_eq!(roots.folders, ["generated", "lib"]);
    assert!(roots.missing.is_empty());
}

#[test]
fn prepare_runs_in_the_projects_folder_and_shows_its_output() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    prepare(&settings, folder.path(), &Silent).unwrap();
    settings.prepare = ["sh", "-c", "echo made > made.txt"].map(str::to_owned).into();
    prepare(&settings, folder.path(), &Silent).unwrap();
    assert_eq!(folder.names(), ["made.txt"]);
    settings.prepare = ["sh", "-c", "echo 'no compiler' >&2; exit 3"].map(str::to_owned).into();
    assert_kind!(
        prepare(&settings, folder.path(), &Silent),
        ErrorKind::Prepare { output, status, .. } if output == "no compiler" && status.contains('3')
    );
    settings.prepare = vec!["no-such-program-anywhere".to_owned()];
    assert_kind!(prepare(&settings, folder.path(), &Silent), ErrorKind::Io { .. });
}
