use std::{collections::BTreeMap, path::PathBuf};

use pinnace_wheel::{Settings, pip_configuration_files};

fn discover(variables: &[(&str, &str)], files: &[&str]) -> Settings {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let files: Vec<String> = files.iter().map(|text| (*text).to_owned()).collect();
    Settings::discover(&variables, &files).unwrap()
}

fn index(settings: &Settings) -> Option<String> {
    settings.index.as_ref().map(ToString::to_string)
}

#[test]
fn pip_variables_come_before_uv_ones_and_both_before_files() {
    let file = "[global]\nindex-url = https://file.test/simple\n";
    let pip = ("PIP_INDEX_URL", "https://pip.test/simple");
    let uv = ("UV_DEFAULT_INDEX", "named=https://uv.test/simple");
    assert_eq!(index(&discover(&[pip, uv], &[file])).unwrap(), "https://pip.test/simple");
    assert_eq!(index(&discover(&[uv], &[file])).unwrap(), "https://uv.test/simple");
    assert_eq!(
        index(&discover(&[("PIP_INDEX_URL", "")], &[file])).unwrap(),
        "https://file.test/simple"
    );
    assert_eq!(index(&discover(&[], &[])), None);
}

#[test]
fn later_files_and_narrower_sections_win() {
    let weak = "[install]\nindex_url: https://weak.test/\n";
    let strong = "# c\n[global]\nindex-url=https://strong.test/\n[install]\nindex-url = https://install.test/\n[list]\nindex-url=https://list.test/\n";
    assert_eq!(index(&discover(&[], &[weak, strong])).unwrap(), "https://install.test/");
    assert_eq!(
        index(&discover(&[], &[weak, "[list]\nindex-url=https://list.test/"])).unwrap(),
        "https://weak.test/"
    );
}

#[test]
fn several_extra_indexes_may_be_on_lines_of_their_own() {
    let file =
        "[global]\nextra-index-url =\n    https://a.test/\n    https://b.test/\ncert = /ca.pem\n";
    let settings = discover(&[], &[file]);
    let extra: Vec<_> = settings.extra.iter().map(ToString::to_string).collect();
    assert_eq!(extra, ["https://a.test/", "https://b.test/"]);
    assert_eq!(settings.certificates, Some(PathBuf::from("/ca.pem")));
}

#[test]
fn a_query_is_no_name() {
    let settings = discover(&[("UV_INDEX_URL", "https://x.test/simple?a=b")], &[]);
    assert_eq!(settings.index.unwrap().with_credentials(), "https://x.test/simple?a=b");
}

#[test]
fn files_are_listed_from_weak_to_strong() {
    let variables: BTreeMap<_, _> =
        [("HOME", "/h"), ("VIRTUAL_ENV", "/v"), ("PIP_CONFIG_FILE", "/p")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
    let files = pip_configuration_files(&variables);
    let expected = [
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/.config/pip/pip.conf",
        "/v/pip.conf",
        "/p",
    ];
    assert_eq!(files, expected.map(PathBuf::from));
}
