use pinnace_wheel::{
    ErrorKind, Fact, MemorySource, Metadata, Outcome, Prereleases, Request, Resolution, Target,
    Unfit, resolve,
};

fn source(wheels: &[(&str, &[&str])]) -> MemorySource {
    let mut source = MemorySource::new();
    for (name, requires) in wheels {
        source.add(&format!("{name}-py3-none-any.whl"), requires).unwrap();
    }
    source
}

pub(crate) fn outcome(source: &MemorySource, requirements: &[&str]) -> Outcome {
    ask(source, request(requirements))
}

fn request(requirements: &[&str]) -> Request {
    Request::new(requirements.iter().map(|text| text.parse().unwrap()))
}

fn ask(source: &MemorySource, request: Request) -> Outcome {
    resolve(source, &request, &super::target()).unwrap()
}

fn answer(source: &MemorySource, request: Request) -> Vec<String> {
    match ask(source, request) {
        Outcome::Solved(resolution) => pins(&resolution),
        Outcome::Unsolvable(why) => panic!("{why}"),
    }
}

pub(crate) fn pins(resolution: &Resolution) -> Vec<String> {
    resolution.pins().iter().map(|pin| format!("{}-{}", pin.project(), pin.version())).collect()
}

fn solved(source: &MemorySource, requirements: &[&str]) -> Vec<String> {
    match outcome(source, requirements) {
        Outcome::Solved(resolution) => pins(&resolution),
        Outcome::Unsolvable(why) => panic!("{why}"),
    }
}

fn unsolved(source: &MemorySource, requirements: &[&str]) -> (Vec<Fact>, String) {
    match outcome(source, requirements) {
        Outcome::Solved(resolution) => panic!("{:?}", pins(&resolution)),
        Outcome::Unsolvable(why) => (why.facts().to_vec(), why.to_string()),
    }
}

#[test]
fn the_newest_that_fits_is_taken_and_older_ones_where_they_must() {
    let source =
        source(&[("a-1", &[]), ("a-2", &["b<2"]), ("b-1", &[]), ("b-2", &[]), ("b-3", &["a<2"])]);
    assert_eq!(solved(&source, &["a"]), ["a-2", "b-1"]);
    assert_eq!(solved(&source, &["a", "b>2"]), ["a-1", "b-3"]);
    assert_eq!(solved(&source, &[]), [""; 0]);
}

#[test]
fn extras_bring_what_they_require_and_nothing_else() {
    let source = source(&[
        ("a-1", &["b; extra == 'x'", "c; extra == 'y'", "a[x]; extra == 'all'"]),
        ("b-1", &[]),
        ("c-1", &[]),
    ]);
    assert_eq!(solved(&source, &["a"]), ["a-1"]);
    assert_eq!(solved(&source, &["a[X]"]), ["a-1", "b-1"]);
    assert_eq!(solved(&source, &["a[x,y]"]), ["a-1", "b-1", "c-1"]);
    assert_eq!(solved(&source, &["a[all]"]), ["a-1", "b-1"]);
}

#[test]
fn an_unknown_extra_is_a_warning() {
    let source = source(&[("a-1", &[])]);
    let Outcome::Solved(resolution) = outcome(&source, &["a[nope]"]) else { panic!() };
    assert_eq!(resolution.warnings(), ["a 1 has no extra `nope`"]);
}

#[test]
fn markers_are_evaluated_on_the_target() {
    let source = source(&[
        ("a-1", &["b; sys_platform == 'win32'", "c; python_version >= '3.11'"]),
        ("c-1", &[]),
    ]);
    assert_eq!(solved(&source, &["a", "nope; os_name == 'nt'"]), ["a-1", "c-1"]);
}

#[test]
fn prereleases_come_last_unless_they_are_as_good_as_any() {
    let stable = source(&[("a-1", &[]), ("a-2rc1", &[])]);
    assert_eq!(solved(&stable, &["a"]), ["a-1"]);
    assert_eq!(solved(&stable, &["a>=2rc1"]), ["a-2rc1"]);
    assert_eq!(solved(&stable, &["a>=1.0a1"]), ["a-1"]);
    let allowed = request(&["a"]).with_prereleases(Prereleases::Allowed);
    assert_eq!(answer(&stable, allowed), ["a-2rc1"]);
    let only = source(&[("a-2rc1", &[]), ("b-1", &["a"])]);
    assert_eq!(solved(&only, &["b"]), ["a-2rc1", "b-1"]);
}

#[test]
fn yanked_files_need_an_exact_pin() {
    let mut source = source(&[("a-1", &[])]);
    source.add("a-2-py3-none-any.whl", &[]).unwrap().yanked = Some("broken".into());
    assert_eq!(solved(&source, &["a"]), ["a-1"]);
    let Outcome::Solved(resolution) = outcome(&source, &["a==2"]) else { panic!() };
    assert_eq!(resolution.warnings(), ["a 2 is pinned, but was yanked: broken"]);
    let (_, text) = unsolved(&source, &["a>1"]);
    assert!(text.contains("a 2 was yanked: broken"), "{text}");
}

#[test]
fn requires_python_holds_per_file_and_in_full() {
    let mut source = MemorySource::new();
    for (version, python) in [("1", ">=3.8"), ("2", "<3.11"), ("3", ">=3.12"), ("4", ">=3.8,<4")] {
        source.add(&format!("a-{version}-py3-none-any.whl"), &[]).unwrap().requires_python =
            Some(python.into());
    }
    assert_eq!(solved(&source, &["a<4"]), ["a-1"]);
    assert_eq!(solved(&source, &["a"]), ["a-4"]);
    let (_, text) = unsolved(&source, &["a==3"]);
    assert!(text.contains("a 3 requires Python >=3.12"), "{text}");
}

#[test]
fn the_best_wheel_of_a_version_is_taken() {
    let mut source = MemorySource::new();
    for tags in [
        "py3-none-any",
        "cp311-cp311-manylinux_2_17_x86_64",
        "1-cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-win_amd64",
    ] {
        source.add(&format!("a-1-{tags}.whl"), &[]).unwrap();
    }
    let Outcome::Solved(resolution) = outcome(&source, &["a"]) else { panic!() };
    assert_eq!(
        resolution.pins()[0].wheel().unwrap().as_str(),
        "a-1-1-cp311-cp311-manylinux_2_17_x86_64.whl"
    );
}

#[test]
fn an_unknown_project_is_named() {
    let (facts, text) = unsolved(&source(&[("a-1", &["nope"])]), &["a"]);
    assert!(facts.contains(&Fact::Unknown("nope".parse().unwrap())), "{facts:?}");
    assert!(text.contains("no index has files of nope"), "{text}");
    assert!(text.contains("you require a"), "{text}");
}

#[test]
fn a_misfit_shows_the_tags_that_exist_nearest_first() {
    let mut source = MemorySource::new();
    for tags in
        ["cp39-cp39-win_amd64", "cp311-cp311-win_amd64", "cp311-cp311-manylinux_2_39_x86_64"]
    {
        source.add(&format!("a-1-{tags}.whl"), &[]).unwrap();
    }
    let (facts, text) = unsolved(&source, &["a"]);
    let Some(Fact::NoVersion { unfit, .. }) =
        facts.iter().find(|fact| matches!(fact, Fact::NoVersion { .. }))
    else {
        panic!("{facts:?}")
    };
    let Unfit::NoWheel { tags, .. } = &unfit[0].1 else { panic!("{unfit:?}") };
    assert_eq!(
        tags,
        &["cp311-cp311-manylinux_2_39_x86_64", "cp311-cp311-win_amd64", "cp39-cp39-win_amd64"]
    );
    assert!(
        text.contains(
            "nearest (built for a newer system or another C library): cp311-cp311-manylinux_2_39"
        ),
        "{text}"
    );
}

#[test]
fn an_sdist_alone_would_have_to_be_built() {
    let mut source = MemorySource::new();
    source.add_sdist("a", "a-1.tar.gz").unwrap();
    let (_, text) = unsolved(&source, &["a"]);
    assert!(text.contains("has only `a-1.tar.gz`, which must be built"), "{text}");
    source.add("a-1-cp39-cp39-win_amd64.whl", &[]).unwrap();
    let Outcome::Unsolvable(why) = outcome(&source, &["a"]) else { panic!() };
    assert!(why.to_string().contains("(nearest: cp39-cp39-win_amd64), and `a-1.tar.gz`"), "{why}");
    assert!(why.needs_build());
    let mut source = MemorySource::new();
    source.add_sdist("a", "a-1.tar.gz").unwrap();
    let wheels_only = request(&["a"]).with_only_binary(":all:".parse().unwrap());
    let Outcome::Unsolvable(why) = ask(&source, wheels_only) else { panic!() };
    assert!(why.to_string().contains("only `a-1.tar.gz`, which needs a build"), "{why}");
}

#[test]
fn a_conflict_is_told_by_its_facts() {
    let (_, text) = unsolved(
        &source(&[("a-1", &["c<2"]), ("b-1", &["c>=2"]), ("c-1", &[]), ("c-2", &[])]),
        &["a", "b"],
    );
    for fact in ["you require a", "you require b", "requires c<2", "requires c>=2"] {
        assert!(text.contains(fact), "`{fact}` is missing in {text}");
    }
}

#[test]
fn a_malformed_requirement_only_hurts_the_version_that_has_it() {
    let source = source(&[("a-1", &[]), ("a-2", &["b>=x"])]);
    assert_eq!(solved(&source, &["a"]), ["a-1"]);
}

#[test]
fn constraints_limit_without_asking() {
    let source = source(&[("a-1", &["b"]), ("b-1", &[]), ("b-2", &[]), ("c-1", &[])]);
    let limited = |constraint: &str| {
        request(&["a"])
            .constrain(constraint.parse().unwrap(), Some("constraints.txt, line 1"))
            .constrain("c<1".parse().unwrap(), None)
    };
    assert_eq!(answer(&source, limited("b<2")), ["a-1", "b-1"]);
    let Outcome::Unsolvable(why) = ask(&source, limited("b>2")) else { panic!() };
    let why = why.to_string();
    assert!(why.contains("you allow only b>2 (constraints.txt, line 1)"), "{why}");
}

#[test]
fn an_override_takes_the_place_of_all_others() {
    let source = source(&[("a-1", &["b<2"]), ("b-1", &[]), ("b-2", &["c"]), ("c-1", &[])]);
    let replaced = request(&["a"]).replace("b==2".parse().unwrap());
    assert_eq!(answer(&source, replaced), ["a-1", "b-2", "c-1"]);
    let dropped = request(&["a"]).replace("b; os_name == 'nt'".parse().unwrap());
    assert_eq!(answer(&source, dropped), ["a-1"]);
    assert_eq!(answer(&source, request(&["a"]).exclude("b".parse().unwrap())), ["a-1"]);
    let unused = request(&["c"]).exclude("tpyo".parse().unwrap());
    let Outcome::Solved(resolution) = ask(&source, unused) else { panic!() };
    let warning = "nothing requires tpyo, which is overridden or excluded";
    assert_eq!(resolution.warnings(), [warning]);
}

#[test]
fn what_was_locked_stays_as_long_as_it_will_do() {
    let source = source(&[("a-1", &[]), ("a-2", &[]), ("a-3", &[])]);
    let prefer = |requirement: &str| {
        request(&[requirement]).prefer("a".parse().unwrap(), "2".parse().unwrap())
    };
    assert_eq!(answer(&source, prefer("a")), ["a-2"]);
    assert_eq!(answer(&source, prefer("a>2")), ["a-3"]);
}

#[test]
fn files_count_only_from_before_the_cut_off() {
    let mut source = MemorySource::new();
    for (version, time) in [("1", Some(10)), ("2", Some(20)), ("3", None)] {
        let file = source.add(&format!("a-{version}-py3-none-any.whl"), &[]).unwrap();
        file.uploaded_at = time;
    }
    assert_eq!(answer(&source, request(&["a"]).exclude_newer(21)), ["a-2"]);
    assert_eq!(answer(&source, request(&["a"]).exclude_newer(20)), ["a-1"]);
    assert!(matches!(ask(&source, request(&["a"]).exclude_newer(5)), Outcome::Unsolvable(_)));
}

#[test]
fn hashes_decide_which_files_will_do() {
    let mut source = MemorySource::new();
    for (version, requires) in [(1u8, vec![]), (2, vec!["b"])] {
        let file = source.add(&format!("a-{version}-py3-none-any.whl"), &requires).unwrap();
        file.sha256 = Some([version; 32]);
    }
    source.add("b-1-py3-none-any.whl", &[]).unwrap();
    let allowed = |byte: u8| request(&["a"]).allow_hash("a".parse().unwrap(), [byte; 32]);
    assert_eq!(answer(&source, allowed(1).require_hashes()), ["a-1"]);
    let Outcome::Unsolvable(why) = ask(&source, allowed(2).require_hashes()) else { panic!() };
    assert!(
        why.to_string().contains("`b` is required without a hash; if one requirement"),
        "{why}"
    );
    assert!(matches!(ask(&source, allowed(3)), Outcome::Unsolvable(_)));
}

#[test]
fn the_kind_of_file_can_be_chosen() {
    let mut source = source(&[("a-1", &[])]);
    source.add_sdist("a", "a-2.tar.gz").unwrap();
    assert_eq!(solved(&source, &["a"]), ["a-1"], "what must be built first is passed over");
    let none = request(&["a"]).with_no_binary("a".parse().unwrap());
    let Outcome::Unsolvable(why) = ask(&source, none) else { panic!() };
    assert!(why.to_string().contains("no source distribution"), "{why}");
}

#[test]
fn code_that_is_here_satisfies_what_requires_it() {
    let source = source(&[("a-1", &["here"]), ("b-1", &[])]);
    let metadata = Metadata::new("here".parse().unwrap(), "0.1".parse().unwrap());
    let metadata = metadata.requiring(
        vec!["b".to_owned(), "nope; extra == 'x'".to_owned()],
        vec!["x".parse().unwrap()],
    );
    let local = request(&["a"]).with_local(metadata, "./here");
    let Outcome::Solved(resolution) = ask(&source, local) else { panic!() };
    assert_eq!(pins(&resolution), ["a-1", "b-1"]);
    assert_eq!(resolution.locals()[0].path, "./here");
}

#[test]
fn only_the_request_may_name_addresses() {
    let source = source(&[
        ("a-1", &["b @ http://index.invalid/b-2-py3-none-any.whl"]),
        ("b-1", &[]),
        ("b-2", &[]),
        ("b-3", &[]),
        ("c-1", &["b<3"]),
    ]);
    let address = "b @ http://index.invalid/b-2-py3-none-any.whl";
    assert_eq!(solved(&source, &[address, "a", "c"]), ["a-1", "b-2", "c-1"]);
    assert_eq!(solved(&source, &[address]), ["b-2"]);
    let (_, text) = unsolved(&source, &["a"]);
    assert!(text.contains("only the request may name addresses"), "{text}");
    let (_, text) = unsolved(&source, &[address, "b>2"]);
    assert!(text.contains("you require b>2"), "{text}");
}

#[test]
fn a_marker_that_cannot_be_told_is_an_error_that_names_it() {
    let source = source(&[("a-1", &["b; implementation_version >= '7'"]), ("b-1", &[])]);
    let target: Target = "linux_x86_64-pp310".parse().unwrap();
    let error = resolve(&source, &request(&["a"]), &target).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Marker { .. }), "{error}");
    assert!(error.to_string().contains("--marker implementation_version=VALUE"), "{error}");
    let told = target.with_marker("implementation_version=7.3.17").unwrap();
    assert!(matches!(resolve(&source, &request(&["a"]), &told), Ok(Outcome::Solved(_))));
}

#[test]
fn the_variables_that_were_read_are_told() {
    let source = source(&[("a-1", &["b; sys_platform == 'win32' and python_version < '3'"])]);
    let Outcome::Solved(resolution) = outcome(&source, &["a"]) else { panic!() };
    let read: Vec<_> = resolution.markers_read().iter().map(|variable| variable.as_str()).collect();
    assert_eq!(read, ["sys_platform"]);
}

/// A case that made solvers go through hundreds of versions: no release of `web` fits the newest
/// `core`, because each pins its own.
#[test]
fn a_project_that_was_decided_too_early_is_taken_back() {
    let mut source = MemorySource::new();
    for version in 1..=300 {
        let pin = format!("core=={version}");
        source.add(&format!("web-{version}-py3-none-any.whl"), &[&pin]).unwrap();
        source.add(&format!("core-{version}-py3-none-any.whl"), &[]).unwrap();
    }
    source.add("core-301-py3-none-any.whl", &[]).unwrap();
    assert_eq!(solved(&source, &["core", "web"]), ["core-300", "web-300"]);
}

/// A hard case: twelve projects with eight versions each. Every version excludes two versions of
/// each other project.
#[test]
fn a_universe_made_to_be_hard_comes_to_an_end() {
    let mut source = MemorySource::new();
    let mut seed = 12_345_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 33
    };
    for (project, version) in (0..12).flat_map(|project| (0..8).map(move |it| (project, it))) {
        let others = (0..12).filter(|other| *other != project);
        let requires: Vec<String> =
            others.map(|other| format!("p{other}!={},!={}", next() % 8, next() % 8)).collect();
        let requires: Vec<&str> = requires.iter().map(String::as_str).collect();
        source.add(&format!("p{project}-{version}-py3-none-any.whl"), &requires).unwrap();
    }
    let names: Vec<String> = (0..12).map(|project| format!("p{project}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if let Outcome::Unsolvable(why) = outcome(&source, &names) {
        assert!(why.to_string().lines().count() < 40, "{why}");
    }
}

#[test]
fn circles_are_fine() {
    let source = source(&[("a-1", &["b"]), ("b-1", &["a"]), ("c-1", &["c[x]"])]);
    assert_eq!(solved(&source, &["a"]), ["a-1", "b-1"]);
    assert_eq!(solved(&source, &["c"]), ["c-1"]);
}
