use pinnace_env::{Conflict, Distribution, Layer, Need, NoRules, Rules, merge};

fn distribution(name: &str, version: &str, id: u8) -> Distribution<u8> {
    Distribution::new(name, version, format!("{name}-{version}-py3-none-any.whl"), id)
}

/// Requirements as `name==version`, wheels with `bad` in their name do not fit.
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
        let version = version.to_owned();
        Ok(Some(Need { project: project.to_owned(), accepts: Box::new(move |v| v == version) }))
    }
}

#[test]
fn one_distribution_in_two_layers_is_no_conflict() {
    let layer = Layer::new("a").with(distribution("p", "1", 1));
    assert!(merge(&[layer.clone(), layer], &NoRules).conflicts().is_empty());
}

#[test]
fn both_owners_are_named() {
    let a = Layer::new("a").with(distribution("p", "1", 1)).with_file("f", 1).with_file("d/x", 1);
    let b = Layer::new("b").with(distribution("p", "2", 2)).with_file("f", 2).with_file("d", 2);
    let plan = merge(&[a, b], &NoRules);
    let said: Vec<String> = plan.conflicts().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "p is there twice: `p-1-py3-none-any.whl` (in a) and `p-2-py3-none-any.whl` (in b)",
            "`d` is a file in one of a and b, and a folder in the other",
            "`f` is in a and, with other content, in b",
        ]
    );
}

#[test]
fn a_file_above_a_folder_wins_too() {
    let layers = [Layer::new("a").with_file("d", 1), Layer::new("b").with_file("d/x/y", 2)];
    let plan = merge(&layers, &NoRules);
    assert!(matches!(plan.conflicts(), [Conflict::FileAndFolder { path, .. }] if path == "d"));
    assert_eq!(plan.files().len(), 1);
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
            "a requirement of `a-1-py3-none-any.whl` (in deps) cannot be understood: no `==`",
            "`c-1-py3-none-any.whl` (in deps) requires extra:gone, which is missing",
            "`bad-1-py3-none-any.whl` (in deps) does not fit the platform",
        ]
    );
}

#[test]
fn no_layers_make_an_empty_plan() {
    let plan = merge::<u8>(&[], &NoRules);
    assert!(plan.distributions().is_empty() && plan.conflicts().is_empty());
    assert_eq!(plan.files().len(), 0);
}
