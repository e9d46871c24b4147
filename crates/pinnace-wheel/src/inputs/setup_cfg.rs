//! The translation of setuptools' `setup.cfg` to the standard tables of a project.

use std::collections::BTreeMap;

use super::tables::{Project, Tables};

/// Reads the requirements that the file itself states, without those that `setup.py` adds or
/// another file holds.
pub(super) fn tables(text: &str) -> Result<Tables, String> {
    let sections = sections(text);
    let value = |section: &str, key: &str| sections.get(section)?.get(key).cloned();
    let Some(name) = value("metadata", "name") else { return Ok(Tables::default()) };
    let mut project = Project { name, ..Project::default() };
    let version = value("metadata", "version");
    project.version = version.filter(|text| !is_elsewhere(text));
    project.requires_python = value("options", "python_requires");
    let requires = value("options", "install_requires").unwrap_or_default();
    if is_elsewhere(&requires) {
        project.dynamic.push("dependencies".to_owned());
    } else {
        project.dependencies = lines(&requires);
    }
    for (extra, text) in sections.get("options.extras_require").into_iter().flatten() {
        if is_elsewhere(text) {
            project.dynamic.push("optional-dependencies".to_owned());
        } else {
            project.optional_dependencies.insert(extra.clone(), lines(text));
        }
    }
    let scripts = value("options.entry_points", "console_scripts").unwrap_or_default();
    for line in lines(&scripts) {
        let script = line.split_once('=').map(|(a, b)| (a.trim().to_owned(), b.trim().to_owned()));
        project.scripts.extend(script);
    }
    Ok(Tables { project: Some(project), ..Tables::default() })
}

/// Checks whether the value is stored elsewhere: `file: …` or `attr: …`.
fn is_elsewhere(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("file:") || text.starts_with("attr:")
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Parses keys by section, as Python's `configparser` does. An indented line continues the value
/// before it.
fn sections(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let (mut section, mut key) = (String::new(), None::<String>);
    for line in text.trim_start_matches('\u{feff}').lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let keys = sections.entry(section.clone()).or_default();
        if line.starts_with([' ', '\t']) {
            if let Some(value) = key.as_ref().and_then(|key| keys.get_mut(key)) {
                value.push('\n');
                value.push_str(content);
            }
        } else if let Some(name) = content.strip_prefix('[').and_then(|name| name.strip_suffix(']'))
        {
            (section, key) = (name.trim().to_owned(), None);
        } else if let Some((name, value)) = content.split_once(['=', ':']) {
            let name = name.trim().to_lowercase().replace('-', "_");
            keys.insert(name.clone(), value.trim().to_owned());
            key = Some(name);
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_says_is_read_as_setuptools_does() {
        let text = "[metadata]\nname = shop\nversion = attr: shop.__version__\n# comment\n\
                    [options]\npython_requires = >=3.8\ninstall_requires =\n    flask>=3\n    # more\n    click ; python_version < '3.9'\n\
                    [options.extras_require]\ncache = redis\n[options.entry_points]\nconsole_scripts =\n    shop = shop:main\n";
        let project = tables(text).unwrap().project.unwrap();
        assert_eq!(project.dependencies, ["flask>=3", "click ; python_version < '3.9'"]);
        assert_eq!((project.version, project.requires_python.as_deref()), (None, Some(">=3.8")));
        assert_eq!(project.optional_dependencies["cache"], ["redis"]);
        assert_eq!(project.scripts["shop"], "shop:main");
        let elsewhere =
            "[metadata]\nname=x\n[options]\ninstall_requires = file: requirements.txt\n";
        assert_eq!(tables(elsewhere).unwrap().project.unwrap().dynamic, ["dependencies"]);
        assert!(tables("[flake8]\nmax-line-length = 100\n").unwrap().project.is_none());
    }
}
