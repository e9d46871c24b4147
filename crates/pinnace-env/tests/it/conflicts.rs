use pinnace_env::{
    Conflict, Contents, Distribution, File, Layer, Need, NoRules, Place, Program, Rules, Script,
    merge,
};

fn distribution(name: &str, version: &str, id: u8) -> Distribution<u8> {
    Distribution::new(name, version, format!("{name}-{version}-py3-none-any.whl"), id)
}

fn contents(files: &[(&str, u8)]) -> Contents<u8> {
    placed(Place::Library, files)
}

fn placed(place: Place, files: &[(&str, u8)]) -> Contents<u8> {
    Contents::new(files.iter().map(|(path, id)| File::new(place, *path, *id))).unwrap()
}

/// Creates a layer of one distribution, which has the layer's name.
fn layer(name: &str, id: u8, contents: Contents<u8>) -> Layer<u8> {
    Layer::new(name).with(distribution(name, "1", id).with_contents(contents))
}

fn said(layers: &[Layer<u8>]) -> Vec<String> {
    merge(layers, &NoRules).conflicts().iter().map(ToString::to_string).collect()
}

/// Rules for test requirements: `name==version`, or `name+x==version` to request the extra `x`.
/// `extra:name` applies only if the extra `x` is requested. Wheels with `bad` in their name do not
/// fit.
struct TestRules;

impl Rules for TestRules {
    fn fits(&self, file_name: &str) -> bool {
        !file_name.contains("bad")
    }

    fn need(&self, requirement: &str, extras: &[String]) -> Result<Option<Need>, String> {
        if let Some(extra) = requirement.strip_prefix("extra:") {
            return self
                .need(&format!("{extra}==1"), &[])
                .map(|need| need.filter(|_| extras.contains(&"x".to_owned())));
        }
        let (project, version) = requirement.split_once("==").ok_or("no `==`")?;
        let (project, extra) = match project.strip_suffix("+x") {
            Some(project) => (project, Some("x".to_owned())),
            None => (project, None),
        };
        let version = version.to_owned();
        Ok(Some(Need {
            project: project.to_owned(),
            extras: extra.into_iter().collect(),
            accepts: Box::new(move |v| v == version),
        }))
    }
}

#[test]
fn one_distribution_in_two_layers_is_no_conflict() {
    let layer = Layer::new("a").with(distribution("p", "1", 1));
    assert!(merge(&[layer.clone(), layer], &NoRules).conflicts().is_empty());
}

#[test]
fn both_owners_are_named() {
    let a = Layer::new("a").with(distribution("p", "1", 1));
    let b = Layer::new("b").with(distribution("p", "2", 2));
    let a = a.with_contents(placed(Place::Code, &[("f", 1), ("d/x", 1)]));
    let b = b.with_contents(placed(Place::Code, &[("f", 2), ("d", 2)]));
    assert_eq!(
        said(&[a, b]),
        [
            "two distributions of p: `p-1-py3-none-any.whl` (in a) and `p-2-py3-none-any.whl` (in b)",
            "`d` is a file in one of a and b, and a folder in the other",
            "`f` is in a and, with other content, in b",
        ]
    );
}

#[test]
fn distributions_are_named_with_their_layer() {
    let a = layer("a", 1, contents(&[("x/__init__.py", 1), ("x/a.py", 1)]));
    let b = layer("b", 2, contents(&[("x/__init__.py", 2), ("x/b.py", 1)]));
    let plan = merge(&[a, b], &NoRules);
    let pieces: Vec<(&str, &str)> =
        plan.pieces().map(|piece| (piece.path(), piece.source().layer())).collect();
    assert_eq!(pieces, [("x/__init__.py", "a"), ("x/a.py", "a"), ("x/b.py", "b")]);
    let conflict = plan.conflicts()[0].to_string();
    assert_eq!(
        conflict,
        "`x/__init__.py` is in `a-1-py3-none-any.whl` (in a) and, with other content, in \
         `b-1-py3-none-any.whl` (in b)"
    );
}

#[test]
fn a_file_above_a_folder_wins_too() {
    let layers = [layer("a", 1, contents(&[("d", 1)])), layer("b", 2, contents(&[("d/x/y", 2)]))];
    let plan = merge(&layers, &NoRules);
    assert!(matches!(plan.conflicts(), [Conflict::FileAndFolder { path, .. }] if path == "d"));
    assert_eq!(plan.files().count(), 1);
}

#[test]
fn what_differs_in_case_only_is_told_and_kept() {
    let layers =
        [layer("a", 1, contents(&[("Foo/a.py", 1)])), layer("b", 2, contents(&[("foo/b.py", 2)]))];
    let plan = merge(&layers, &NoRules);
    assert!(
        matches!(plan.conflicts(), [Conflict::SameButForCase { path, other, .. }] if path == "Foo" && other == "foo")
    );
    assert_eq!(plan.files().count(), 2);
}

#[test]
fn declarations_of_a_namespace_are_as_good_as_one_another() {
    let init = |id| File::new(Place::Library, "ns/__init__.py", id);
    let module = |name: &str| File::new(Place::Library, format!("ns/{name}"), 9);
    let of = |files: Vec<File<u8>>| Contents::new(files).unwrap();
    let a = layer("a", 1, of(vec![init(1).declaring_namespace(), module("a.py")]));
    let b = layer("b", 2, of(vec![init(2).declaring_namespace(), module("b.py")]));
    let c = layer("c", 3, of(vec![init(3), module("c.py")]));
    assert_eq!(said(&[a.clone(), b.clone()]), [""; 0]);
    let plan = merge(&[a.clone(), b.clone()], &NoRules);
    assert_eq!(plan.files().count(), 3);
    assert!(matches!(merge(&[a, b, c], &NoRules).conflicts(), [Conflict::SameFile { .. }]));
}

#[test]
fn a_program_belongs_to_who_came_first() {
    let script = |target: &str| Contents::default().with_scripts([Script::new("run", target)]);
    let file = placed(Place::Scripts, &[("run", 7), ("own", 8)]);
    let layers = [
        layer("a", 1, script("m:f")),
        layer("b", 2, script("m:f")),
        layer("c", 3, script("n:f")),
        layer("d", 4, file),
    ];
    let plan = merge(&layers, &NoRules);
    let said: Vec<String> = plan.conflicts().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "the program `run` is in `a-1-py3-none-any.whl` (in a) and, with other content, in `c-1-py3-none-any.whl` (in c)",
            "the program `run` is in `a-1-py3-none-any.whl` (in a) and, with other content, in `d-1-py3-none-any.whl` (in d)",
        ]
    );
    let programs: Vec<_> = plan.programs().collect();
    assert!(matches!(programs[0], ("own", Program::File { file, .. }) if *file.id() == 8));
    assert!(matches!(programs[1], ("run", Program::Script { target: "m:f", .. })));
    assert_eq!(plan.files().count(), 0);
}

#[test]
fn programs_that_differ_in_case_only_are_told_and_kept() {
    let program = |name: &str| Contents::default().with_scripts([Script::new(name, "m:f")]);
    let layers = [layer("a", 1, program("Tool")), layer("b", 2, program("tool"))];
    assert_eq!(merge(&layers, &NoRules).programs().len(), 2);
    let [twins] = said(&layers).try_into().unwrap();
    assert!(twins.starts_with("`Tool` of `a-1-py3-none-any.whl` (in a) and `tool` of"), "{twins}");
}

#[test]
fn the_entry_point_of_a_distribution_takes_the_place_of_its_own_file() {
    let contents = placed(Place::Scripts, &[("run", 7)]).with_scripts([Script::new("run", "m:f")]);
    let plan = merge(&[layer("a", 1, contents)], &NoRules);
    assert!(plan.conflicts().is_empty());
    assert!(matches!(plan.programs().next(), Some(("run", Program::Script { .. }))));
}

#[test]
fn lines_that_run_at_every_start_are_listed() {
    let of = contents(&[("a.pth", 1), ("b/c.pth", 2), ("d.py", 3)]);
    let plan = merge(&[layer("a", 1, of)], &NoRules);
    let paths: Vec<&str> = plan.path_files().map(|(file, _)| file.path()).collect();
    assert_eq!(paths, ["a.pth"]);
}

#[test]
fn the_extras_of_all_who_ask_count() {
    let asking = |extras: &[&str]| {
        let extras = extras.iter().map(|one| (*one).to_owned()).collect();
        Layer::new("one")
            .with(distribution("a", "1", 1).requiring(vec!["extra:gone".into()], extras))
    };
    assert!(merge(&[asking(&[]), asking(&[])], &TestRules).conflicts().is_empty());
    let plan = merge(&[asking(&[]), asking(&["x"])], &TestRules);
    assert!(
        matches!(plan.conflicts(), [Conflict::Unsatisfied { project, .. }] if project == "gone")
    );
}

#[test]
fn the_merged_set_must_hold_together() {
    let needs = |name: &str, requires: &[&str], extras: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        distribution(name, "1", 1).requiring(owned(requires), owned(extras))
    };
    let layer = Layer::new("deps")
        .with(needs("a", &["b==1", "c==2", "missing==1", "nonsense"], &[]))
        .with(needs("b", &["extra:gone"], &[]))
        .with(needs("c", &["extra:gone"], &["x"]))
        .with(needs("bad", &[], &[]));
    let plan = merge(&[layer], &TestRules);
    let said: Vec<String> = plan.conflicts().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`a-1-py3-none-any.whl` (in deps) requires c==2, but `c-1-py3-none-any.whl` (in deps) is there",
            "`a-1-py3-none-any.whl` (in deps) requires missing==1, which is missing",
            "cannot parse a requirement of `a-1-py3-none-any.whl` (in deps): no `==`",
            "`c-1-py3-none-any.whl` (in deps) requires extra:gone, which is missing",
            "`bad-1-py3-none-any.whl` (in deps) does not fit the platform",
        ]
    );
}

#[test]
fn what_a_layer_was_asked_for_must_be_there() {
    let layer = Layer::new("deps").with(distribution("a", "1", 1));
    let layer = layer.requiring(vec!["a==1".into(), "b==2".into()]);
    let plan = merge(&[layer], &TestRules);
    let said: Vec<String> = plan.conflicts().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["deps requires b==2, which is missing"]);
}

#[test]
fn no_layers_make_an_empty_plan() {
    let plan = merge::<u8>(&[], &NoRules);
    assert!(plan.distributions().next().is_none() && plan.conflicts().is_empty());
    assert_eq!(plan.files().count(), 0);
}

/// A requirement of an extra may request extras in turn.
#[test]
fn extras_that_are_required_count() {
    let requiring = |name: &str, requires: &[&str]| {
        let requires = requires.iter().map(|one| (*one).to_owned()).collect();
        distribution(name, "1", 1).requiring(requires, Vec::new())
    };
    let deps = Layer::new("deps")
        .with(requiring("a", &["b+x==1", "extra:gone"]))
        .with(requiring("b", &["extra:c", "c+x==1"]))
        .with(requiring("c", &["extra:d"]));
    let said = |requires: &str| {
        let layer = deps.clone().requiring(vec![requires.to_owned()]);
        let plan = merge(&[layer], &TestRules);
        plan.conflicts().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let d = "`c-1-py3-none-any.whl` (in deps) requires extra:d, which is missing";
    let gone = "`a-1-py3-none-any.whl` (in deps) requires extra:gone, which is missing";
    assert_eq!(said("a==1"), [d]);
    assert_eq!(said("a+x==1"), [gone, d]);
}
