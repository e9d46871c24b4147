//! Tests of requirements files and project files.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use pinnace_wheel::{Error, Formats, Inputs, Pyproject, RequirementsReader};

fn read(files: &[(&str, &str)]) -> Result<Inputs, Error> {
    let files: BTreeMap<PathBuf, String> =
        files.iter().map(|(path, text)| (Path::new("/p").join(path), (*text).to_owned())).collect();
    let read = |path: &Path| {
        let path: PathBuf = path.components().collect();
        files.get(&path).cloned().ok_or(io::ErrorKind::NotFound.into())
    };
    let variables = BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]);
    let mut reader = RequirementsReader::new(&read, &variables);
    reader.read(Path::new("/p/requirements.txt"))?;
    Ok(reader.finish())
}

fn requirements(inputs: &Inputs) -> Vec<String> {
    inputs.requirements.iter().map(|named| named.requirement.to_string()).collect()
}

#[test]
fn files_name_others_relative_to_themselves() {
    let inputs = read(&[
        ("requirements.txt", "a\n-r sub/more.txt\n-c sub/limits.txt\n"),
        ("sub/more.txt", "b>=1 # why\n-rdeep.txt\n--constraint=limits.txt"),
        ("sub/deep.txt", "\u{feff}c ; \\\n python_version > '3'\n"),
        ("sub/limits.txt", "d<2"),
    ])
    .unwrap();
    assert_eq!(requirements(&inputs), ["a", "b>=1", "c; python_version > \"3\""]);
    let origins: Vec<_> = inputs.requirements.iter().map(|named| &*named.origin).collect();
    assert_eq!(
        origins,
        ["/p/requirements.txt, line 1", "/p/sub/more.txt, line 1", "/p/sub/deep.txt, line 1"]
    );
    assert_eq!(inputs.constraints.len(), 2);
}

#[test]
fn options_are_understood() {
    let inputs = read(&[(
        "requirements.txt",
        "-i https://user:${TOKEN}@index.example/simple\n--extra-index-url=https://more.example/simple\n\
         -f ./wheels\n--find-links https://links.example/\n--pre\n--only-binary a,b\n--only-binary=c\n\
         --no-binary :all:\n--no-binary :none:\n--trusted-host x\n",
    )])
    .unwrap();
    let index = inputs.index.index.unwrap();
    assert_eq!(index.with_credentials(), "https://user:hunter2@index.example/simple");
    assert_eq!(inputs.index.extra.len(), 1);
    assert_eq!(inputs.index.find_links[0].to_string(), "file:///p/./wheels".replace("/./", "/"));
    assert_eq!(inputs.index.find_links.len(), 2);
    assert!(inputs.prereleases);
    assert_eq!(inputs.only_binary, "a,b,c".parse::<Formats>().unwrap());
    assert_eq!(inputs.no_binary, Formats::None);
    assert_eq!(inputs.ignored.len(), 1);
}

#[test]
fn hashes_stand_behind_their_requirement() {
    let [a, b] = ["a".repeat(64), "b".repeat(64)];
    let text = format!("six==1.0 \\\n    --hash=sha256:{a} \\\n    --hash sha256:{b} # both\n");
    let inputs = read(&[("requirements.txt", &text)]).unwrap();
    assert_eq!(inputs.requirements[0].sha256, [[0xaa; 32], [0xbb; 32]]);
    assert!(inputs.require_hashes);
    let weak = read(&[("requirements.txt", "six==1.0 --hash=md5:00")]).unwrap_err();
    assert!(weak.to_string().contains("SHA-256 is required"), "{weak}");
}

#[test]
fn files_and_folders_are_named_by_path_or_address() {
    let inputs = read(&[(
        "requirements.txt",
        "./w/foo-1.0-py3-none-any.whl\nhttps://h.example/Bar_x-2-py3-none-any.whl#sha256=00 ; os_name == 'nt'\n\
         baz @ ./baz-1.tar.gz\n./w/old-1.zip;os_name == 'nt'\n-e ./lib[x,y] ; python_version > '3'\n.\nname @ file:///q/code\nsdist-3.zip\n",
    )])
    .unwrap();
    assert_eq!(
        requirements(&inputs),
        [
            "foo @ file:///p/w/foo-1.0-py3-none-any.whl",
            "bar-x @ https://h.example/Bar_x-2-py3-none-any.whl#sha256=00 ; os_name == \"nt\"",
            "baz @ file:///p/baz-1.tar.gz",
            "old @ file:///p/w/old-1.zip ; os_name == \"nt\"",
            "sdist @ file:///p/sdist-3.zip",
        ]
    );
    let folders: Vec<_> = inputs.folders.iter().map(|one| one.path.display().to_string()).collect();
    assert_eq!(folders, ["/p/lib", "/p", "/q/code"]);
    assert_eq!(inputs.folders[0].extras.len(), 2);
    assert!(inputs.folders[0].marker.is_some());
}

#[test]
fn an_error_names_the_file_and_the_line_and_no_secret() {
    for (text, reason) in [
        ("a\n\nb>=x\n", "/p/requirements.txt, line 3"),
        ("--nope\n", "unknown option"),
        ("-r requirements.txt\n", "it includes itself"),
        ("-r missing.txt\n", "/p/missing.txt: cannot read it"),
        ("base.txt\n", "use `-r base.txt`"),
        ("https://user:${TOKEN}@h.example/no-project\n", "names no project"),
        ("x @ \n", "expected an address"),
        ("-r https://user:${TOKEN}@h.example/r.txt\n", "only local files are supported"),
        ("-e git+https://user:${TOKEN}@h.example/x#egg=x\n", "is a repository"),
    ] {
        let error = read(&[("requirements.txt", text)]).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_source_that_is_an_address_is_where_a_project_comes_from() {
    let project = Pyproject::parse(
        r#"
        [project]
        name = "app"
        version = "1"
        requires-python = ">=3.10"
        dependencies = ["a>=1 ; os_name == 'posix'", "b[x]", "C", "d"]
        [tool.uv.workspace]
        members = ["packages/*"]
        [tool.uv.sources]
        a = { url = "https://h.example/a-1-py3-none-any.whl" }
        b = { git = "https://h.example/b.git", tag = "v1" }
        c = { path = "wheels/c-1-py3-none-any.whl" }
        d = { workspace = true }
        "#,
        "/p/pyproject.toml",
    )
    .unwrap();
    let metadata = project.metadata().unwrap().unwrap();
    assert_eq!(
        metadata.requires().collect::<Vec<_>>(),
        [
            "a @ https://h.example/a-1-py3-none-any.whl ; os_name == \"posix\"",
            "b[x] @ git+https://h.example/b.git",
            "c @ file:///p/wheels/c-1-py3-none-any.whl",
            "d",
        ]
    );
    assert_eq!(metadata.requires_python(), Some(">=3.10"));
    assert_eq!(project.members().unwrap().len(), 1);
    assert_eq!(project.workspace().unwrap().members, ["packages/*"]);
    let several = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['a']\n[tool.uv.sources]\na = [{ index = 'i' }]\n";
    let error = Pyproject::parse(several, "p").unwrap().metadata().unwrap_err();
    assert!(error.to_string().contains("has several entries"), "{error}");
}

#[test]
fn files_that_name_one_another_come_to_an_end() {
    let names: Vec<(String, String)> = (0..30)
        .map(|n| (format!("r{n}.txt"), format!("-r r{0}.txt\n-r r{0}.txt\n", n + 1)))
        .collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|(a, b)| (&**a, &**b)).collect();
    files.push(("requirements.txt", "-r r0.txt"));
    files.push(("r30.txt", ""));
    let error = read(&files).unwrap_err().to_string();
    assert!(error.contains("more than 1000 files"), "{error}");
}

#[test]
fn groups_of_a_project_include_others_but_not_themselves() {
    let project = Pyproject::parse(
        r#"
        [dependency-groups]
        Test_A = ["pytest", { include-group = "lint" }]
        lint = ["ruff"]
        round = [{ include-group = "round" }]
        odd = [1]
        "#,
        "pyproject.toml",
    )
    .unwrap();
    let group = |name: &str| project.group(&name.parse().unwrap());
    assert_eq!(group("test-a").unwrap().len(), 2);
    for (name, reason) in [
        ("round", "includes itself"),
        ("nope", "no such dependency group"),
        ("odd", "neither a requirement"),
    ] {
        let error = group(name).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert!(project.metadata().unwrap().is_none());
}

#[test]
fn a_project_says_what_it_requires_and_where_that_comes_from() {
    let project = Pyproject::parse(
        r#"
        [project]
        name = "App"
        version = "1.0"
        dependencies = ["a>=1", "inner"]
        optional-dependencies = { Fast = ["b; os_name == 'posix'"] }
        [[tool.uv.index]]
        name = "inner"
        url = "https://inner.example/simple"
        explicit = true
        [tool.uv.sources]
        inner = { index = "inner" }
        lib = { path = "../lib" }
        "#,
        "pyproject.toml",
    )
    .unwrap();
    let metadata = project.metadata().unwrap().unwrap();
    let requires: Vec<_> = metadata.requires().collect();
    assert_eq!(requires, ["a>=1", "inner", "b; os_name == \"posix\" and extra == \"fast\""]);
    assert!(project.indexes().unwrap()[0].explicit);
    assert_eq!(metadata.requires_python(), None);
    assert_eq!(project.routes().unwrap()["inner"], "inner");
    assert_eq!(project.paths().unwrap()["lib"], "../lib");
    let dynamic = "[project]\nname = 'x'\ndynamic = ['dependencies']\n";
    assert!(Pyproject::parse(dynamic, "p").unwrap().metadata().unwrap().is_none());
    assert!(Pyproject::parse("[", "p").is_err());
}
