/// Returns true if an `__init__.py` does nothing but declare a namespace package, in one of the
/// ways used before PEP 420: `pkgutil.extend_path` or `pkg_resources.declare_namespace`.
///
/// Distributions that share a namespace each contain such a file. The files differ in spelling, but
/// any of them serves all the distributions, so merging treats them as equal.
///
/// ```
/// use pinnace_env::declares_namespace;
///
/// assert!(declares_namespace(b"__import__('pkg_resources').declare_namespace(__name__)\n"));
/// assert!(!declares_namespace(b"__version__ = '1'\n"));
/// assert!(!declares_namespace(b""));
/// ```
pub fn declares_namespace(source: &[u8]) -> bool {
    let Ok(source) = std::str::from_utf8(source) else { return false };
    let lines = source.lines().map(normalised).filter(|line| !line.is_empty());
    let mut declares = false;
    for line in lines {
        match KNOWN.iter().find(|(known, _)| line == *known) {
            Some((_, declared)) => declares |= declared,
            None => return false,
        }
    }
    declares
}

/// The lines of such files without spaces, each with true if it declares a namespace.
const KNOWN: [(&str, bool); 12] = [
    ("try:", false),
    ("exceptImportError:", false),
    ("exceptException:", false),
    ("except:", false),
    ("frompkgutilimportextend_path", false),
    ("importpkgutil", false),
    ("importpkg_resources", false),
    ("__path__=__import__('pkgutil').extend_path(__path__,__name__)", true),
    ("__path__=extend_path(__path__,__name__)", true),
    ("__path__=pkgutil.extend_path(__path__,__name__)", true),
    ("__import__('pkg_resources').declare_namespace(__name__)", true),
    ("pkg_resources.declare_namespace(__name__)", true),
];

fn normalised(line: &str) -> String {
    let code = line.split('#').next().unwrap_or_default();
    let code = code.trim_end().trim_end_matches(';').replace('"', "'");
    code.chars().filter(|symbol| !symbol.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_are_known() {
        for source in [
            "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
            "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)",
            "# see PEP 420\n__import__(\"pkg_resources\").declare_namespace(__name__)  # noqa\n",
            "try:\n    __import__('pkg_resources').declare_namespace(__name__)\nexcept ImportError:\n    \
             __path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
            "try:\n    import pkg_resources\n    pkg_resources.declare_namespace(__name__)\nexcept ImportError:\n    \
             import pkgutil\n    __path__ = pkgutil.extend_path(__path__, __name__)\n",
        ] {
            assert!(declares_namespace(source.as_bytes()), "{source}");
        }
    }

    #[test]
    fn what_does_more_is_not_one() {
        for source in [
            "",
            "# nothing",
            "import pkgutil\n",
            "__path__ = extend_path(__path__, __name__)\nVERSION = 1\n",
            "\u{ff}",
        ] {
            assert!(!declares_namespace(source.as_bytes()), "{source}");
        }
        assert!(!declares_namespace(&[0xff]));
    }
}
