use pinnace_wheel::{
    Address, Artifact, Compatibility, ExtraName, Incompatibility, Marker, MarkerError,
    MarkerVariable, ProjectName, Requirement, Specifiers, WheelName,
};
use proptest::prelude::*;

#[test]
fn names_are_normalised_as_pep_503_says() {
    for (text, name) in
        [("Django", "django"), ("a-._-b", "a-b"), ("Zope.Interface", "zope-interface")]
    {
        assert_eq!(text.parse::<ProjectName>().unwrap().as_str(), name);
        assert_eq!(text.parse::<ExtraName>().unwrap().as_str(), name);
    }
    for bad in ["", "-a", "a-", "a b", "ä", "a\n", ".", "a/b"] {
        assert!(bad.parse::<ProjectName>().is_err(), "{bad:?}");
    }
}

#[test]
fn wheel_names() {
    let wheel: WheelName =
        "Foo_Bar-1.0+local.1-2b-cp38.cp39-abi3-manylinux_2_17_x86_64.whl".parse().unwrap();
    assert_eq!(wheel.project().as_str(), "foo-bar");
    assert_eq!(wheel.version().to_string(), "1.0+local.1");
    assert!(wheel.build().is_some());
    assert_eq!(
        wheel.tags().map(|tag| tag.to_string()).collect::<Vec<_>>(),
        ["cp38-abi3-manylinux_2_17_x86_64", "cp39-abi3-manylinux_2_17_x86_64",]
    );
    for bad in [
        "a.whl",
        "a-1.whl",
        "a-1-py3-none.whl",
        "a-1-py3-none-any.zip",
        "a-x-py3-none-any.whl",
        "a-1-x-py3-none-any.whl",
        "a-1-py3..py2-none-any.whl",
        "a-1-1-2-py3-none-any.whl",
        "-1-py3-none-any.whl",
    ] {
        assert!(bad.parse::<WheelName>().is_err(), "{bad}");
    }
    let many = vec!["a"; 40].join(".");
    assert!(format!("a-1-{many}-{many}-any.whl").parse::<WheelName>().is_err());
}

#[test]
fn an_old_sdist_name_is_split_by_its_project() {
    let artifact = |name: &str, project: &str| Artifact::parse(name, &project.parse().unwrap());
    assert_eq!(artifact("foo-bar-1.0.tar.gz", "foo-bar").unwrap().version().to_string(), "1.0");
    assert_eq!(artifact("foo-1.0.zip", "foo").unwrap().version().to_string(), "1.0");
    for bad in [
        "foo-1.0.tar.bz2",
        "foo-1.0.egg",
        "foo-1.0.exe",
        "bar-1.0.tar.gz",
        "foo.tar.gz",
        "bar-1-py3-none-any.whl",
    ] {
        assert!(artifact(bad, "foo").is_err(), "{bad}");
    }
}

#[test]
fn a_better_tag_ranks_better_and_a_miss_says_how_near_it_was() {
    let target = super::target();
    let rank = |tags: &str| target.rank(&format!("a-1-{tags}.whl").parse().unwrap());
    let ordered = [
        "cp311-cp311-linux_x86_64",
        "cp311-cp311-manylinux_2_28_x86_64",
        "cp311-cp311-manylinux1_x86_64",
        "cp311-abi3-manylinux_2_17_x86_64",
        "cp37-abi3-manylinux2014_x86_64",
        "py3-none-manylinux1_x86_64",
        "cp311-none-any",
        "py3-none-any",
        "py2.py30-none-any",
    ]
    .map(rank);
    assert!(ordered.iter().all(|rank| matches!(rank, Compatibility::Compatible(_))), "{ordered:?}");
    assert!(ordered.is_sorted(), "{ordered:?}");
    assert_eq!(
        rank("cp312-cp312-linux_x86_64"),
        Compatibility::Incompatible(Incompatibility::Python)
    );
    assert_eq!(
        rank("cp311-cp311d-linux_x86_64"),
        Compatibility::Incompatible(Incompatibility::Abi)
    );
    let ordered = [
        ("cp312-cp312-linux_x86_64", Incompatibility::Python),
        ("cp311-cp311d-linux_x86_64", Incompatibility::Abi),
        ("cp311-cp311-win_amd64", Incompatibility::System),
        ("cp311-cp311-win_amd64.manylinux2014_aarch64", Incompatibility::Machine),
        ("cp311-cp311-manylinux_2_37_x86_64", Incompatibility::SystemVersion),
    ];
    for (tags, misfit) in ordered {
        assert_eq!(rank(tags), Compatibility::Incompatible(misfit), "{tags}");
    }
    assert!(ordered.is_sorted_by_key(|(_, misfit)| *misfit));
    assert_eq!(
        rank("cp311-cp311-musllinux_1_1_x86_64"),
        Compatibility::Incompatible(Incompatibility::SystemVersion)
    );
}

#[test]
fn what_real_projects_wrote_is_understood() {
    for (text, strict) in [
        (">=1.9.*", ">=1.9"),
        ("!=3.0*", "!=3.0.*"),
        (">=7<8", ">=7,<8"),
        (">=1.0,", ">=1.0"),
        ("!=~5.0", "!=5.0.*"),
        ("'>=2.7'", ">=2.7"),
        (">dev", ">=0.dev0"),
        (">=2.0b1.0", ">=2.0b1"),
        ("=1.0", "==1.0"),
        (" >= 3 , < 4 ", ">=3,<4"),
        ("", ""),
    ] {
        assert_eq!(Specifiers::parse_lenient(text).unwrap().to_string(), strict, "{text}");
    }
    for (text, strict) in [
        ("a>=1.9.*", "a>=1.9"),
        ("a (>=1,<2,)", "a>=1,<2"),
        ("A [x,Y_z] >=1<2 ; python_version>'3'", "a[x,y-z]>=1,<2; python_version > \"3\""),
    ] {
        assert_eq!(Requirement::parse_lenient(text).unwrap().to_string(), strict, "{text}");
    }
    for text in [">=1.9.*", ">=7<8", "!=3.0*", "=1.0", "'>=1'", "~=1", ">=1+local", "==1.0a1.*"] {
        assert!(text.parse::<Specifiers>().is_err(), "a user may not write {text}");
    }
}

#[test]
fn malformed_requirements_are_errors() {
    for bad in [
        "",
        "-a",
        "a-",
        "a==",
        "a>=x",
        "a[",
        "a[x",
        "a[x-]",
        "a; python_version",
        "a; os_name == 'x' or",
        "a; 'x' == 'x'",
        "a; os_name == sys_platform",
        "a; nope == 'x'",
        "a; (os_name == 'x'",
        "a; os_name == 'x'\n",
        "a>=1\n",
        "a @ ",
        "a b",
        "a>=1 b",
    ] {
        assert!(bad.parse::<Requirement>().is_err(), "{bad:?} is {:?}", bad.parse::<Requirement>());
    }
}

#[test]
fn a_release_candidate_of_python_is_that_python() {
    use pinnace_wheel::{Libc, Target};
    let target =
        Target::cpython_on_linux("3.13.0rc2", "x86_64", Libc::Glibc { major: 2, minor: 36 })
            .unwrap();
    let applies = |marker: &str| {
        format!("a; {marker}")
            .parse::<Requirement>()
            .unwrap()
            .applies(target.markers(), &[])
            .unwrap()
    };
    assert!(applies("python_version == '3.13'"));
    assert!(!applies("python_version == '3.12'"));
    assert!(applies("python_full_version >= '3.13'"));
}

#[test]
fn markers_are_printed_as_they_are_meant() {
    for (text, printed) in [
        ("os_name=='nt'", "os_name == \"nt\""),
        ("(os.name == 'nt')", "os_name == \"nt\""),
        (
            "os_name == 'a' and (extra == 'B_c' or 'x' in sys_platform)",
            "os_name == \"a\" and (extra == \"b-c\" or \"x\" in sys_platform)",
        ),
        ("python_version not  in '3.1 3.2'", "python_version not in \"3.1 3.2\""),
        (
            "os_name == 'a' or os_name == 'b' and os_name == 'c'",
            "os_name == \"a\" or os_name == \"b\" and os_name == \"c\"",
        ),
        ("os_name == '\"'", "os_name == '\"'"),
    ] {
        let marker: Marker = text.parse().unwrap();
        assert_eq!(marker.to_string(), printed);
        assert_eq!(printed.parse::<Marker>().unwrap(), marker);
    }
    let deep = format!("{}os_name == 'x'{}", "(".repeat(1000), ")".repeat(1000));
    assert!(deep.parse::<Marker>().is_err());
}

#[test]
fn a_comparison_without_meaning_is_told() {
    let target = super::target();
    for text in
        ["os_name ~= 'x'", "os_name === 'x'", "extras == 'x'", "extra in extras or extras in 'x'"]
    {
        let Ok(marker) = text.parse::<Marker>() else { continue };
        assert!(
            matches!(marker.holds(target.markers(), &[]), Err(MarkerError::Undefined(_))),
            "{text}"
        );
    }
}

#[test]
fn secrets_are_not_shown() {
    let address =
        Address::parse("https://user:hunter2@pypi.example/simple/?token=hunter2").unwrap();
    assert!(!format!("{address} {address:?}").contains("hunter2"));
    assert!(address.with_credentials().contains("hunter2"));
    for bad in
        ["user:hunter2@pypi.example/simple", "ftp://user:hunter2@x/", "https://user:hunter2@[/"]
    {
        assert!(!Address::parse(bad).unwrap_err().to_string().contains("hunter2"));
    }
}

/// Returns markers in the style of real projects.
fn markers() -> impl Strategy<Value = String> {
    let comparison = prop_oneof![
        ("(python_version|python_full_version)", "(<|<=|>|>=|==|!=)", "3\\.(8|10|11|12)")
            .prop_map(|(name, sign, version)| format!("{name} {sign} '{version}'")),
        (
            "(os_name|sys_platform|platform_system|platform_machine)",
            "(==|!=|in|not in)",
            "(posix|nt|linux|win32|Linux|x86_64)"
        )
            .prop_map(|(name, sign, value)| format!("{name} {sign} '{value}'")),
        "(a|b)".prop_map(|extra| format!("extra == '{extra}'")),
    ];
    comparison.prop_recursive(3, 8, 3, |inner| {
        (inner.clone(), "(and|or)", inner).prop_map(|(a, word, b)| format!("({a}) {word} ({b})"))
    })
}

proptest! {
    /// Uses pep508_rs as the second parser, for markers that both understand.
    #[test]
    fn ordinary_markers_hold_where_pep508_rs_says(text in markers(), extra in "(a|b|c)") {
        let target = super::target();
        let value = |name: &str| target.markers().get(MarkerVariable::of(name).unwrap()).unwrap();
        let environment = pep508_rs::MarkerEnvironment::try_from(pep508_rs::MarkerEnvironmentBuilder {
            implementation_name: value("implementation_name"),
            implementation_version: value("implementation_version"),
            os_name: value("os_name"),
            platform_machine: value("platform_machine"),
            platform_python_implementation: value("platform_python_implementation"),
            platform_release: value("platform_release"),
            platform_system: value("platform_system"),
            platform_version: value("platform_version"),
            python_full_version: value("python_full_version"),
            python_version: value("python_version"),
            sys_platform: value("sys_platform"),
        })
        .unwrap();
        let theirs: pep508_rs::MarkerTree = text.parse().unwrap();
        let ours: Marker = text.parse().unwrap();
        prop_assert_eq!(
            ours.holds(target.markers(), &[extra.parse().unwrap()]).unwrap(),
            theirs.evaluate(&environment, &[extra.parse().unwrap()]),
            "{}", text
        );
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,40}", ascii in "[-a-zA-Z0-9._\\[\\] <>=!~;,@()'\"*+]{0,30}") {
        for text in [text, ascii] {
            let _ = text.parse::<Requirement>();
            let _ = text.parse::<Specifiers>();
            let _ = text.parse::<WheelName>();
            let _ = Address::parse(&text);
        }
    }

    #[test]
    fn a_printed_requirement_is_the_same_requirement(name in "[a-z]([-._]?[a-z0-9]){0,5}", extra in "[a-z]{1,3}", version in "[0-9](\\.[0-9]){0,2}", operator in "(>=|<=|==|!=|<|>)") {
        let requirement: Requirement = format!("{name}[{extra}]{operator}{version}").parse().unwrap();
        prop_assert_eq!(requirement.to_string().parse::<Requirement>().unwrap(), requirement);
    }
}
