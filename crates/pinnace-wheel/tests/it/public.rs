//! Published test cases: rows of the tests of `packaging`, and lists of tags made with it. They are
//! not part of this repository; `PINNACE_SCENARIOS` names their folder.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use pinnace_wheel::{
    ExtraName, Marker, MarkerEnvironment, MarkerVariable, Platform, ProjectName, Requirement,
    Specifiers, Tag, Target, Version, WheelName,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

#[expect(clippy::disallowed_methods, reason = "the cases lie outside of the repository")]
fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("PINNACE_SCENARIOS").unwrap())
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(name)).unwrap()).unwrap()
}

/// Returns the rows of one test, of which there must be at least one.
fn rows(file: &str, test: &str) -> Vec<Value> {
    let rows = read(&format!("packaging/{file}.json"))[test].as_array().unwrap().clone();
    assert!(!rows.is_empty());
    rows
}

/// Returns the rows that fail `check`, except those that are listed with a reason.
fn differ(rows: &[Value], excepted: &[&str], check: impl Fn(&Value) -> bool) -> Vec<String> {
    let wrong = rows.iter().filter(|row| !check(row)).map(ToString::to_string);
    wrong.filter(|row| !excepted.iter().any(|one| row.contains(one))).collect()
}

fn assert_none<T: Debug>(wrong: &[T]) {
    assert!(wrong.is_empty(), "{} differ: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

fn text<'r>(row: &'r Value, key: &str) -> &'r str {
    row[key].as_str().unwrap_or_default()
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn versions() {
    let version = |row: &Value, key: &str| text(row, key).parse::<Version>();
    let valid = rows("version", "TestVersion.test_valid_versions");
    assert_none(&differ(&valid, &[], |row| version(row, "version").is_ok()));
    let invalid = rows("version", "TestVersion.test_invalid_versions");
    assert_none(&differ(&invalid, &[], |row| version(row, "version").is_err()));
    let normal = rows("version", "TestVersion.test_normalized_versions");
    assert_none(&differ(&normal, &[], |row| {
        version(row, "version").is_ok_and(|it| it.to_string() == text(row, "normalized"))
    }));
    let pre = rows("version", "TestVersion.test_version_is_prerelease");
    assert_none(&differ(&pre, &[], |row| {
        version(row, "version").is_ok_and(|it| it.is_prerelease() == row["expected"])
    }));
    for (test, expected) in [("true", true), ("false", false)] {
        let compared = rows("version", &format!("TestVersion.test_comparison_{test}"));
        assert_none(&differ(&compared, &[], |row| {
            let (left, right) = (version(row, "left").unwrap(), version(row, "right").unwrap());
            let holds = match row["op"]["callable"].as_str().unwrap() {
                "lt" => left < right,
                "le" => left <= right,
                "eq" => left == right,
                "ne" => left != right,
                "ge" => left >= right,
                "gt" => left > right,
                other => panic!("{other}"),
            };
            holds == expected
        }));
    }
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn specifiers() {
    let parse = |row: &Value, key: &str| text(row, key).parse::<Specifiers>();
    let contains = |row: &Value, key: &str| {
        let Ok(version) = text(row, "version").parse() else { return false };
        parse(row, key).unwrap().contains(&version)
    };
    let valid = rows("specifiers", "TestSpecifier.test_specifiers_valid");
    assert_none(&differ(&valid, &[], |row| parse(row, "specifier").is_ok()));
    let invalid = rows("specifiers", "TestSpecifier.test_specifiers_invalid");
    assert_none(&differ(&invalid, &[], |row| parse(row, "specifier").is_err()));
    let printed = rows("specifiers", "TestSpecifier.test_specifiers_str_and_repr");
    assert_none(&differ(&printed, &[], |row| {
        parse(row, "specifier").is_ok_and(|it| it.to_string() == text(row, "expected"))
    }));
    let membership = rows("specifiers", "TestSpecifier.test_specifiers");
    assert_none(&differ(&membership, &[], |row| contains(row, "spec_str") == row["expected"]));
    // `===` compares versions as displayed, because an index lists no other spelling.
    let spelled = ["1.01", "foobar", "lolwat", "LOLWAT", "lOlwAt"];
    for test in
        ["TestSpecifier.test_arbitrary_equality", "TestSpecifierSet.test_comparison_ignores_local"]
    {
        let key = if test.contains("local") { "specifier" } else { "spec_str" };
        assert_none(&differ(&rows("specifiers", test), &spelled, |row| {
            contains(row, key) == row["expected"]
        }));
    }
    let bridges = rows("specifiers", "TestSpecifierSet.test_contains_exclusionary_bridges");
    // Here the resolver decides about pre-releases, not the specifiers.
    let bridges: Vec<Value> =
        bridges.into_iter().filter(|row| row["prereleases"] == true).collect();
    assert_none(&differ(&bridges, &[], |row| contains(row, "specifier") == row["expected"]));
    let posts =
        rows("specifiers", "TestSpecifierSet.test_contains_post_release_boundary_intersection");
    assert_none(&differ(&posts, &[], |row| contains(row, "spec_str") == row["expected"]));
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn markers() {
    let marker = |row: &Value| text(row, "marker_string").parse::<Marker>();
    // Both parsers refuse strings with a backslash, which Python would read as an escape.
    for test in ["parses_valid", "parses_pep345_valid", "parses_setuptools_legacy_valid"] {
        let valid = rows("markers", &format!("TestMarker.test_{test}"));
        assert_none(&differ(&valid, &[], |row| marker(row).is_ok()));
    }
    for test in ["parses_invalid", "parses_invalid_malformed_quoted_string"] {
        let invalid = rows("markers", &format!("TestMarker.test_{test}"));
        assert_none(&differ(&invalid, &[], |row| marker(row).is_err()));
    }
    let printed = rows("markers", "TestMarker.test_str_repr_eq_hash");
    assert_none(&differ(&printed, &[], |row| {
        marker(row).unwrap().to_string() == text(row, "expected")
    }));
    for test in ["evaluates", "evaluate_pep345_markers", "version_like_equality"] {
        let evaluated = rows("markers", &format!("TestMarker.test_{test}"));
        assert_none(&differ(&evaluated, &[], |row| {
            let (environment, extras) = environment(&row["environment"]);
            marker(row).unwrap().holds(&environment, &extras).unwrap() == row["expected"]
        }));
    }
    let sets = rows("markers", "TestMarker.test_extras_and_dependency_groups");
    assert_none(&differ(&sets, &[], |row| {
        let text = text(row, "expression").replace("{0}", text(row, "variable"));
        let names: [&str; 2] = ["foo", "bar"];
        let extras: Vec<ExtraName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let groups: Vec<ProjectName> = names.iter().map(|name| name.parse().unwrap()).collect();
        let marker: Marker = text.parse().unwrap();
        marker.holds_in_lock(&environment(&Value::Null).0, &extras, &groups).unwrap()
            == row["result"]
    }));
}

/// Returns the environment and the extras of a row, on top of a Linux target.
fn environment(given: &Value) -> (MarkerEnvironment, Vec<ExtraName>) {
    let mut environment = super::target().markers().clone();
    let mut extras = Vec::new();
    for (name, value) in given.as_object().into_iter().flatten() {
        match MarkerVariable::of(name) {
            Some(variable) => environment = environment.with(variable, value.as_str().unwrap()),
            None => extras.extend(value.as_str().unwrap().parse::<ExtraName>().ok()),
        }
    }
    (environment, extras)
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn requirements() {
    let valid = rows("requirements", "test_basic_valid_requirement_parsing");
    assert_none(&differ(&valid, &[], |row| {
        let space = text(row, "whitespace");
        let extras: Vec<&str> =
            row["extras"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let mut parts = vec![text(row, "name").to_owned()];
        if !extras.is_empty() {
            parts.push(format!("[{space}{}{space}]", extras.join(&format!("{space},{space}"))));
        }
        parts.extend(row["url"].as_str().map(|url| format!("@{space}{url}")));
        parts.push(text(row, "specifier").replace("{ws}", space));
        if let Some(marker) = row["marker"].as_str() {
            let before = if row["url"].is_null() { space } else { " " };
            let marker = marker.replace("{ws}", space);
            parts.push(format!("{before};{space}{marker}"));
        }
        let requirement: Requirement = match parts.join(space).parse() {
            Ok(requirement) => requirement,
            Err(_) => return false,
        };
        requirement.name() == &text(row, "name").parse().unwrap()
            && requirement.extras().len() == extras.len()
            && requirement.url() == row["url"].as_str()
            && requirement.marker().is_some() == row["marker"].is_string()
    }));
    let broken =
        rows("requirements", "TestRequirementParsing.test_error_when_suffixed_with_line_break");
    assert_none(&differ(&broken, &[], |row| {
        format!("{}{}", text(row, "requirement"), text(row, "line_break"))
            .parse::<Requirement>()
            .is_err()
    }));
    let pair = |row: &Value| {
        let [a, b] = ["dep1", "dep2"].map(|key| text(row, key).parse::<Requirement>().unwrap());
        (a, b)
    };
    let equal = rows(
        "requirements",
        "TestRequirementBehaviour.test_equivalent_reqs_equal_hashes_unequal_strings",
    );
    // Trailing zeros of a version in a marker are compared as text here.
    assert_none(&differ(&equal, &["python_version"], |row| {
        let (a, b) = pair(row);
        (a.name(), a.extras(), a.specifiers()) == (b.name(), b.extras(), b.specifiers())
    }));
    let different =
        rows("requirements", "TestRequirementBehaviour.test_different_reqs_different_hashes");
    assert_none(&differ(&different, &[], |row| {
        let (a, b) = pair(row);
        a != b
    }));
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn names_of_projects_and_files() {
    let names = rows("utils", "test_canonicalize_name");
    assert_none(&differ(&names, &[], |row| {
        text(row, "name").parse::<ProjectName>().unwrap().as_str() == text(row, "expected")
    }));
    let valid = rows("utils", "test_parse_wheel_filename");
    // Names beyond ASCII are invalid (PEP 508).
    let valid: Vec<Value> =
        valid.into_iter().filter(|row| text(row, "filename").is_ascii()).collect();
    assert_none(&differ(&valid, &[], |row| {
        let wheel: WheelName = text(row, "filename").parse().unwrap();
        let tags = row["tags"].as_array().unwrap().len();
        wheel.project().as_str() == text(row, "name") && wheel.tags().count() == tags
    }));
    let invalid = rows("utils", "test_parse_wheel_invalid_filename");
    assert_none(&differ(&invalid, &[], |row| text(row, "filename").parse::<WheelName>().is_err()));
    let bad = rows("tags", "TestParseTag.test_invalid_component_count_raises");
    assert_none(&differ(&bad, &[], |row| text(row, "tag").parse::<Tag>().is_err()));
}

/// Parses a platform of the published lists, such as `linux_x86_64 glibc 2.17`.
fn platform(name: &str) -> Platform {
    let words: Vec<&str> = name.split(' ').collect();
    let tag = match words[..] {
        [linux, libc, version] if linux.starts_with("linux_") => {
            let family = if libc == "glibc" { "manylinux" } else { "musllinux" };
            format!("{family}_{version}_{}", linux.trim_start_matches("linux_"))
        }
        ["macos", version, machine] => format!("macosx_{version}_{machine}"),
        ["ios", version, multiarch] => format!("ios_{version}_{multiarch}"),
        ["android", api, abi] => format!("android_{api}_{abi}"),
        _ => name.to_owned(),
    };
    tag.parse().unwrap()
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn tags_of_platforms() {
    let golden = read("tags-golden.json");
    let platforms = golden["platforms"].as_object().unwrap();
    assert!(platforms.len() >= 58);
    for (name, expected) in platforms {
        let expected: Vec<&str> =
            expected.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(platform(name).tags(), expected, "{name}");
    }
    let lists = golden["full_digest"].as_object().unwrap();
    assert!(lists.len() >= 638);
    for (name, expected) in lists {
        let (python, system) = name.split_once(" | ").unwrap();
        let target = Target::new(python.parse().unwrap(), &platform(system));
        let tags: Vec<String> = target.tags().iter().map(ToString::to_string).collect();
        assert_eq!(tags.len(), expected["count"].as_u64().unwrap() as usize, "{name}");
        let digest = |end: &str| -> String {
            let text = tags.iter().map(|tag| format!("{tag}{end}")).collect::<String>();
            let text = text.strip_suffix(if end.is_empty() { "\n" } else { "" }).unwrap_or(&text);
            Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let expected = expected["sha256_of_lines"].as_str().unwrap();
        let joined: String =
            Sha256::digest(tags.join("\n")).iter().map(|b| format!("{b:02x}")).collect();
        assert!(digest("\n") == expected || joined == expected, "{name}");
    }
    for (name, expected) in golden["full_lists"].as_object().unwrap() {
        let (python, system) = name.split_once(" | ").unwrap();
        let target = Target::new(python.parse().unwrap(), &platform(system));
        let tags: Vec<String> = target.tags().iter().map(ToString::to_string).collect();
        let expected: Vec<&str> =
            expected.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(tags, expected, "{name}");
    }
}

#[test]
#[ignore = "needs the public cases; .ci/live runs it"]
fn requirements_files() {
    let read = |path: &Path| fs::read_to_string(path);
    let variables = std::collections::BTreeMap::new();
    let mut read_files = 0;
    for entry in fs::read_dir(folder().join("requirements-txt")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut reader = pinnace_wheel::RequirementsReader::new(&read, &variables);
        let result = reader.read(&path);
        // pip also refuses editables with unclosed extras, and paths with blanks.
        let refused =
            ["editable.txt", "semicolon.txt", "hash.txt", "bare-url.txt"].contains(&name.as_str());
        if !refused {
            result.unwrap_or_else(|error| panic!("{error}"));
            read_files += 1;
        }
    }
    assert!(read_files >= 9);
}
