//! The table of the options of the pex tool.

use Meaning::{Default, Flag, Ignored, Refused, Renamed, Switch};

/// The treatment of an option of the pex tool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// An option with a value: the option of `pinnace build` that takes it.
    Renamed(&'static str),
    /// A flag: the flag of `pinnace build`.
    Flag(&'static str),
    /// A flag: the option of `pinnace build` and its value.
    Switch(&'static str, &'static str),
    /// An option with an optional value: the option of `pinnace build` and the default value.
    Default(&'static str, &'static str),
    /// An option without effect, with the number of its values. Pinnace does this anyway, or in another way.
    Ignored(usize),
    /// An option that is not supported, with a hint.
    Refused(&'static str),
}

/// The options by long name, sorted. The short names are in [`SHORT`].
pub(super) const OPTIONS: &[(&str, Meaning)] = &[
    ("allow-pip-version-fallback", Ignored(0)),
    ("bind-resource-path", Renamed("--bind-resource-path")),
    ("build", Ignored(0)),
    ("build-isolation", Ignored(0)),
    ("build-property", Renamed("--build-property")),
    ("cert", Refused("set SSL_CERT_FILE")),
    ("check", Ignored(1)),
    ("compile", Flag("--compile")),
    ("complete-platform", Renamed("--complete-platform")),
    ("compress", Flag("--compress")),
    ("console-script", Renamed("--script")),
    ("constraint", Renamed("--constraint")),
    ("constraints", Renamed("--constraint")),
    ("derive-sources-from-requirements-files", Ignored(0)),
    ("disable-cache", Ignored(0)),
    ("emit-warnings", Ignored(0)),
    ("entry-point", Renamed("--entry")),
    ("exclude", Renamed("--exclude")),
    ("exe", Renamed("--exe")),
    ("executable", Renamed("--exe")),
    ("extra-index-url", Renamed("--extra-index-url")),
    ("extra-pip-requirement", Ignored(1)),
    ("find-links", Renamed("--find-links")),
    ("group", Refused("use `pinnace build --project DIR --group NAME`")),
    ("ignore-errors", Flag("--ignore-errors")),
    ("include-tools", Flag("--include-tools")),
    ("index", Renamed("--index-url")),
    ("index-url", Renamed("--index-url")),
    ("inherit-path", Default("--inherit-path", "prefer")),
    ("inject-args", Renamed("--inject-args")),
    ("inject-env", Renamed("--inject-env")),
    ("inject-python-args", Renamed("--inject-python-args")),
    ("interpreter-constraint", Renamed("--interpreter-constraint")),
    ("interpreter-selection-strategy", Renamed("--interpreter-selection-strategy")),
    ("intransitive", Flag("--no-deps")),
    ("jobs", Ignored(1)),
    ("keyring-provider", Renamed("--keyring-provider")),
    ("layout", Renamed("--layout")),
    ("lock", Renamed("--lock")),
    ("manylinux", Ignored(1)),
    ("max-install-jobs", Ignored(1)),
    ("module", Renamed("--add-module")),
    ("no-allow-pip-version-fallback", Ignored(0)),
    ("no-build", Switch("--only-binary", ":all:")),
    ("no-build-isolation", Refused("builds are always isolated")),
    ("no-compile", Ignored(0)),
    ("no-compress", Ignored(0)),
    ("no-emit-warnings", Flag("--no-emit-warnings")),
    ("no-include-tools", Ignored(0)),
    ("no-index", Flag("--no-index")),
    ("no-pep723", Flag("--no-pep723")),
    ("no-pre", Ignored(0)),
    ("no-pre-install-wheels", Ignored(0)),
    ("no-prefer-older-binary", Ignored(0)),
    ("no-pypi", Flag("--no-index")),
    ("no-resolve-local-platforms", Ignored(0)),
    ("no-sh-boot", Ignored(0)),
    ("no-strip-pex-env", Flag("--no-strip-pex-env")),
    ("no-transitive", Flag("--no-deps")),
    ("no-use-pep517", Ignored(0)),
    ("no-use-pip-config", Ignored(0)),
    ("no-use-system-time", Ignored(0)),
    ("no-wheel", Switch("--no-binary", ":all:")),
    ("non-hermetic-venv-scripts", Ignored(0)),
    ("only-build", Renamed("--no-binary")),
    ("only-wheel", Renamed("--only-binary")),
    ("output-file", Renamed("--output")),
    ("override", Renamed("--override")),
    ("package", Renamed("--add-package")),
    ("path-mapping", Refused("paths of a lock are used as they are")),
    ("pep-751-lock", Renamed("--lock")),
    ("pex-path", Renamed("--pex-path")),
    ("pex-repository", Refused("take distributions from a PEX file with `pinnace merge`")),
    ("pex-root", Ignored(1)),
    ("pip-log", Ignored(1)),
    ("pip-version", Ignored(1)),
    ("platform", Renamed("--platform")),
    ("pre", Flag("--pre")),
    ("pre-install-wheels", Flag("--installed-wheels")),
    ("pre-resolved-dist", Refused("pass its folder with `--find-links` and `--no-index`")),
    ("pre-resolved-dists", Refused("pass its folder with `--find-links` and `--no-index`")),
    ("preamble-file", Refused("run that code from the entry point")),
    ("prefer-wheel", Ignored(0)),
    ("project", Renamed("--project")),
    ("proxy", Refused("set HTTPS_PROXY")),
    ("pylock", Renamed("--lock")),
    ("pylock-extra", Renamed("--extra")),
    ("pylock-group", Renamed("--group")),
    ("pypi", Ignored(0)),
    ("python", Renamed("--python")),
    ("python-path", Refused("pass the interpreter with `--python`")),
    ("python-script", Renamed("--exe")),
    ("python-shebang", Renamed("--python-shebang")),
    ("rc", Refused("pass the settings as arguments")),
    ("rcfile", Refused("pass the settings as arguments")),
    ("record-git-state", Refused("record it with `--build-property git=…`")),
    ("repo", Renamed("--find-links")),
    ("requirement", Renamed("--requirements")),
    ("requirements", Renamed("--requirements")),
    ("requirements-pex", Refused("merge the files with `pinnace merge`")),
    ("resolve-local-platforms", Ignored(0)),
    ("resolver-version", Ignored(1)),
    ("resume-retries", Ignored(1)),
    ("retries", Ignored(1)),
    ("runtime-pex-root", Refused("set PEX_ROOT where the file runs")),
    ("scie", Refused("files never contain the interpreter")),
    ("scie-only", Refused("files never contain the interpreter")),
    ("script", Renamed("--script")),
    ("seed", Refused("start the file once to fill the cache")),
    ("sh-boot", Ignored(0)),
    ("source", Refused("configure `[[tool.uv.index]]` and `[tool.uv.sources]` in the project")),
    ("sources-directory", Renamed("--sources")),
    ("strip-pex-env", Ignored(0)),
    ("timeout", Ignored(1)),
    ("tmpdir", Ignored(1)),
    ("transitive", Ignored(0)),
    ("uploaded-prior-to", Renamed("--exclude-newer")),
    ("use-pep517", Ignored(0)),
    ("use-pip-config", Ignored(0)),
    ("use-system-time", Refused("builds are always reproducible")),
    ("validate-entry-point", Refused("run the file once")),
    ("venv", Default("--venv", "false")),
    ("venv-copies", Ignored(0)),
    ("venv-repository", Refused("pass the requirements, or a lock of them")),
    ("venv-site-packages-copies", Ignored(0)),
    ("venv-system-site-packages", Refused("make site-packages importable with `--inherit-path`")),
    ("verbose", Ignored(0)),
    ("wheel", Ignored(0)),
];

/// The short names of options.
pub(super) const SHORT: &[(char, &str)] = &[
    ('D', "sources-directory"),
    ('M', "module"),
    ('P', "package"),
    ('c', "script"),
    ('e', "entry-point"),
    ('f', "find-links"),
    ('i', "index-url"),
    ('j', "jobs"),
    ('m', "entry-point"),
    ('o', "output-file"),
    ('p', "preamble-file"),
    ('r', "requirement"),
    ('v', "verbose"),
];

pub(super) fn meaning(name: &str) -> Option<Meaning> {
    OPTIONS.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_short_ones_exist() {
        assert!(OPTIONS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(SHORT.iter().all(|(_, long)| meaning(long).is_some()));
    }

    #[test]
    fn the_documentation_lists_all_of_them() {
        let text = include_str!("../../../../../docs/pex.md");
        let words: std::collections::BTreeSet<&str> =
            text.split(|c: char| c.is_whitespace() || "`,(){}".contains(c)).collect();
        for (name, _) in OPTIONS {
            assert!(words.contains(format!("--{name}").as_str()), "--{name}");
        }
    }
}
