//! What becomes of each option of the pex tool.

use Meaning::{Default, Flag, Ignored, Refused, Renamed, Switch};

/// What an option of the pex tool means to `pinnace build`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// An option with a value, which goes by this name there.
    Renamed(&'static str),
    /// A flag, which goes by this name there.
    Flag(&'static str),
    /// A flag that is an option with this value there.
    Switch(&'static str, &'static str),
    /// An option whose value may be left out; then it is the second.
    Default(&'static str, &'static str),
    /// It asks for what is the case anyway, or tunes what is done in another way here. The number is
    /// how many values it has.
    Ignored(usize),
    /// It would change what is built, and is not there yet; why, or what to do instead.
    Refused(&'static str),
}

/// By the long name; short ones are in [`SHORT`].
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
    ("group", Refused("name the project with `--project` and `pinnace build`'s `--group`")),
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
    ("no-build-isolation", Refused("each build has an environment of its own")),
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
    ("path-mapping", Refused("a lock has addresses and paths as they are")),
    ("pep-751-lock", Renamed("--lock")),
    ("pex-path", Renamed("--pex-path")),
    ("pex-repository", Refused("`pinnace merge` takes distributions from a PEX file")),
    ("pex-root", Ignored(1)),
    ("pip-log", Ignored(1)),
    ("pip-version", Ignored(1)),
    ("platform", Renamed("--platform")),
    ("pre", Flag("--pre")),
    ("pre-install-wheels", Flag("--installed-wheels")),
    ("pre-resolved-dist", Refused("name its folder with `--find-links`, and `--no-index`")),
    ("pre-resolved-dists", Refused("name its folder with `--find-links`, and `--no-index`")),
    ("preamble-file", Refused("call what it does from the entry point")),
    ("prefer-wheel", Ignored(0)),
    ("project", Renamed("--project")),
    ("proxy", Refused("set HTTPS_PROXY")),
    ("pylock", Renamed("--lock")),
    ("pylock-extra", Renamed("--extra")),
    ("pylock-group", Renamed("--group")),
    ("pypi", Ignored(0)),
    ("python", Renamed("--python")),
    ("python-path", Refused("name the interpreter with `--python`")),
    ("python-script", Renamed("--exe")),
    ("python-shebang", Renamed("--python-shebang")),
    ("rc", Refused("the file boots by a runtime of its own")),
    ("rcfile", Refused("settings are arguments")),
    ("record-git-state", Refused("`--build-property git=…` notes it")),
    ("repo", Renamed("--find-links")),
    ("requirement", Renamed("--requirements")),
    ("requirements", Renamed("--requirements")),
    ("requirements-pex", Refused("`pinnace merge` makes one file of several")),
    ("resolve-local-platforms", Ignored(0)),
    ("resolver-version", Ignored(1)),
    ("resume-retries", Ignored(1)),
    ("retries", Ignored(1)),
    ("runtime-pex-root", Refused("set PEX_ROOT where the file runs")),
    ("scie", Refused("the interpreter is not part of the file")),
    ("scie-only", Refused("the interpreter is not part of the file")),
    ("script", Renamed("--script")),
    ("seed", Refused("the first start prepares what later ones use")),
    ("sh-boot", Ignored(0)),
    ("source", Refused("`[[tool.uv.index]]` and `[tool.uv.sources]` of a project say it")),
    ("sources-directory", Renamed("--sources")),
    ("strip-pex-env", Ignored(0)),
    ("timeout", Ignored(1)),
    ("tmpdir", Ignored(1)),
    ("transitive", Ignored(0)),
    ("uploaded-prior-to", Renamed("--exclude-newer")),
    ("use-pep517", Ignored(0)),
    ("use-pip-config", Ignored(0)),
    ("use-system-time", Refused("the same input gives the same bytes")),
    ("validate-entry-point", Refused("run the file once")),
    ("venv", Default("--venv", "false")),
    ("venv-copies", Ignored(0)),
    ("venv-repository", Refused("name the requirements, or a lock of them")),
    ("venv-site-packages-copies", Ignored(0)),
    ("venv-system-site-packages", Refused("`--inherit-path` lets site-packages in")),
    ("verbose", Ignored(0)),
    ("wheel", Ignored(0)),
];

/// The short names of those.
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
