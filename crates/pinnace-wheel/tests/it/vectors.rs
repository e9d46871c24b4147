//! Test vectors of `packaging` 26.3, written by `data/generate.py`.

use pinnace_wheel::{Requirement, Specifiers, Target, Version};
use sha2::{Digest, Sha256};

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect())
}

#[test]
fn specifiers_contain_what_packaging_says() {
    let wrong: Vec<_> = rows(include_str!("../data/specifiers.tsv"))
        .filter(|row| {
            let specifiers: Specifiers = row[0].parse().unwrap();
            let version: Version = row[1].parse().unwrap();
            specifiers.contains(&version) != (row[2] == "1")
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows differ: {:?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn markers_hold_where_packaging_says() {
    let target = super::target();
    let wrong: Vec<_> = rows(include_str!("../data/markers.tsv"))
        .filter(|row| {
            let requirement: Requirement = format!("a; {}", row[0]).parse().unwrap();
            let extras: Vec<_> = [row[1]].iter().filter_map(|extra| extra.parse().ok()).collect();
            requirement.applies(target.markers(), &extras).unwrap() != (row[2] == "1")
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows differ: {:?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

#[test]
fn tags_stand_in_the_order_of_packaging() {
    for row in rows(include_str!("../data/tags.tsv")) {
        let libc = row[3].replace("glibc", "manylinux_").replace("musl", "musllinux_");
        let python = row[0].rsplit_once('.').unwrap().0;
        let text = format!("{}_{}-{python}{}", libc.replace('.', "_"), row[2], row[1]);
        let target: Target = text.parse().unwrap();
        let tags: Vec<String> = target.tags().iter().map(ToString::to_string).collect();
        let digest: String =
            Sha256::digest(tags.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((tags.len().to_string().as_str(), digest.as_str()), (row[4], row[5]), "{row:?}");
    }
}
