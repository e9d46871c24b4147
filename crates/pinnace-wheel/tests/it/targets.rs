//! Tests of platforms: their spellings, the tags that they accept, and their markers.

use pinnace_wheel::{Assumption, Compatibility, MarkerVariable, Platform, Python, Target, Version};

fn target(text: &str) -> Target {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_platform_is_written_in_many_ways() {
    for (text, label) in [
        ("linux_x86_64-cp311", "manylinux_2_28_x86_64-cp311-cp311"),
        ("manylinux_2_28_aarch64-cp312-cp312", "manylinux_2_28_aarch64-cp312-cp312"),
        ("cp312-cp312-manylinux_2_28_aarch64", "manylinux_2_28_aarch64-cp312-cp312"),
        ("manylinux2014_x86_64-cp-310-cp310", "manylinux_2_17_x86_64-cp310-cp310"),
        ("manylinux1_i686-cp38", "manylinux_2_5_i686-cp38-cp38"),
        ("linux-x86_64-cp-36-m", "manylinux_2_28_x86_64-cp36-cp36m"),
        ("macosx_10.13_x86_64-cp-3.9.2-cp39", "macosx_10_13_x86_64-cp39-cp39"),
        ("macosx_14_0_arm64-cp313t", "macosx_14_0_arm64-cp313-cp313t"),
        ("win_amd64-cp310", "win_amd64-cp310-cp310"),
        ("win32-3.9", "win32-cp39-cp39"),
        ("musllinux_1_2_x86_64-3.12.4", "musllinux_1_2_x86_64-cp312-cp312"),
        ("x86_64-manylinux_2_28-cp312", "manylinux_2_28_x86_64-cp312-cp312"),
        ("x86_64-manylinux2014-cp312", "manylinux_2_17_x86_64-cp312-cp312"),
        ("x86_64-unknown-linux-gnu-3.12", "manylinux_2_28_x86_64-cp312-cp312"),
        ("aarch64-unknown-linux-musl-3.12", "musllinux_1_2_aarch64-cp312-cp312"),
        ("aarch64-apple-darwin-cp312", "macosx_13_0_arm64-cp312-cp312"),
        ("x86_64-pc-windows-msvc-cp312", "win_amd64-cp312-cp312"),
        ("windows-cp312-cp312d", "win_amd64-cp312-cp312d"),
        ("linux_s390x-pp310", "manylinux_2_28_s390x-pp310-pypy310_pp73"),
        ("linux_riscv64-pypy311_pp73", "manylinux_2_28_riscv64-pp311-pypy311_pp73"),
    ] {
        assert_eq!(target(text).to_string(), label, "{text}");
        assert_eq!(target(label).to_string(), label);
    }
}

#[test]
fn what_is_no_platform_says_what_is_missing() {
    for (text, reason) in [
        ("linux_x86_64", "it names no Python"),
        ("cp312", "it names no system"),
        ("beos_x86_64-cp312", "expected a platform tag"),
        ("linux_vax-cp312", "expected a platform tag"),
        ("linux_x86_64-cp312-cp311", "unknown ABI"),
        ("linux_x86_64-cp312-cp312-x", "expected a Python and its ABI"),
        ("manylinux_2_4000000000_x86_64-cp312", "expected a platform tag"),
        ("", "it names no Python"),
    ] {
        let error = text.parse::<Target>().unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn what_was_assumed_is_told_and_can_be_said() {
    let assumed = target("linux_x86_64-cp311");
    assert_eq!(
        assumed.assumptions(),
        [
            Assumption::PatchLevel("3.11.0".parse().unwrap()),
            Assumption::System("manylinux_2_28_x86_64".to_owned()),
        ]
    );
    assert!(target("manylinux_2_17_x86_64-3.11.4").assumptions().is_empty());
    assert!(target("win_amd64-3.11.4").assumptions().is_empty());
    let told = assumed.with_marker("python_full_version=3.11.9").unwrap();
    assert_eq!(told.python(), &"3.11.9".parse::<Version>().unwrap());
    assert_eq!(told.assumptions().len(), 1);
    assert_eq!(told.markers().get(MarkerVariable::ImplementationVersion), Some("3.11.9"));
    for bad in ["python_full_version=3.12.1", "python_full_version=x", "nope=1", "os_name"] {
        assert!(told.clone().with_marker(bad).is_err(), "{bad}");
    }
}

#[test]
fn markers_follow_from_the_platform() {
    for (text, expected) in [
        ("linux_aarch64-cp312", ["posix", "linux", "Linux", "aarch64", "cpython"]),
        ("macosx_14_0_arm64-cp312", ["posix", "darwin", "Darwin", "arm64", "cpython"]),
        ("win_amd64-cp312", ["nt", "win32", "Windows", "AMD64", "cpython"]),
        ("win_arm64-pp311", ["nt", "win32", "Windows", "ARM64", "pypy"]),
        ("win32-cp312", ["nt", "win32", "Windows", "x86", "cpython"]),
    ] {
        let target = target(text);
        let values = [
            MarkerVariable::OsName,
            MarkerVariable::SysPlatform,
            MarkerVariable::PlatformSystem,
            MarkerVariable::PlatformMachine,
            MarkerVariable::ImplementationName,
        ]
        .map(|variable| target.markers().get(variable).unwrap());
        assert_eq!(values, expected, "{text}");
    }
    assert_eq!(
        target("linux_x86_64-pp311").markers().get(MarkerVariable::ImplementationVersion),
        None
    );
}

#[test]
fn a_complete_platform_is_taken_as_it_is() {
    let json = r#"{
        "path": "/usr/bin/python3.12",
        "marker_environment": {"python_full_version": "3.12.4", "python_version": "3.12", "os_name": "posix"},
        "compatible_tags": ["cp312-cp312-manylinux_2_39_x86_64", "cp312-cp312-linux_x86_64", "py3-none-any"]
    }"#;
    let target = Target::from_complete_platform(json).unwrap();
    assert_eq!(target.to_string(), "manylinux_2_39_x86_64-cp312-cp312");
    assert_eq!(target.rank(&"a-1-py3-none-any.whl".parse().unwrap()), Compatibility::Compatible(2));
    assert_eq!(target.markers().get(MarkerVariable::SysPlatform), None);
    for bad in [
        "",
        "{}",
        r#"{"marker_environment": {}, "compatible_tags": []}"#,
        r#"{"marker_environment": {"python_full_version": "3.12.4"}, "compatible_tags": ["x"]}"#,
    ] {
        assert!(Target::from_complete_platform(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_platform_alone_takes_a_python_from_elsewhere() {
    let python: Python = "3.12.4".parse().unwrap();
    let with = |text: &str| Target::parse_with(text, Some(&python)).unwrap().to_string();
    assert_eq!(with("x86_64-manylinux_2_28"), "manylinux_2_28_x86_64-cp312-cp312");
    assert_eq!(with("linux_x86_64-cp311"), "manylinux_2_28_x86_64-cp311-cp311");
    assert!("manylinux_2_28_x86_64".parse::<Platform>().is_ok());
}
