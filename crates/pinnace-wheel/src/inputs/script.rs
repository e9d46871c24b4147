//! The metadata of a single-file script (PEP 723).

use serde::Deserialize;

use crate::Error;

/// The `script` block of a Python file.
///
/// ```
/// use pinnace_wheel::ScriptMetadata;
///
/// let source = "# /// script\n# dependencies = [\"six\"]\n# ///\nimport six\n";
/// let metadata = ScriptMetadata::parse(source, "tool.py")?.expect("it has a block");
/// assert_eq!(metadata.dependencies, ["six"]);
/// assert!(ScriptMetadata::parse("import six\n", "tool.py")?.is_none());
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ScriptMetadata {
    /// The requirements of the script.
    pub dependencies: Vec<String>,
    /// The versions of Python that the script supports.
    pub requires_python: Option<String>,
}

const START: &str = "# /// script";
const END: &str = "# ///";

impl ScriptMetadata {
    /// Parses the block of a script's source. Returns `None` if there is none. Errors refer to the
    /// script as `name`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if there are two blocks, or if
    /// one is malformed.
    pub fn parse(source: &str, name: &str) -> Result<Option<Self>, Error> {
        let refuse = |reason: &str| Error::parse("script", name, reason);
        let lines: Vec<&str> = source.lines().map(str::trim_end).collect();
        let mut starts = (0..lines.len()).filter(|at| lines[*at] == START);
        let Some(start) = starts.next() else { return Ok(None) };
        let is_comment = |line: &&&str| **line == "#" || line.starts_with("# ");
        let block: Vec<&str> = lines[start + 1..].iter().take_while(is_comment).copied().collect();
        // The last such line of the comment ends the block, so that the TOML may contain some too.
        let Some(end) = block.iter().rposition(|line| *line == END) else {
            return Err(refuse("its `script` block has no end"));
        };
        if starts.next().is_some() {
            return Err(refuse("it has two `script` blocks"));
        }
        let body = block[..end].iter().map(|line| line.get(2..).unwrap_or_default());
        let body = body.collect::<Vec<_>>().join("\n");
        // The message of the parser might quote a secret.
        toml::from_str(&body).map(Some).map_err(|_| refuse("its `script` block is malformed TOML"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_and_malformed_ones_refused() {
        let parse = |source: &str| ScriptMetadata::parse(source, "x.py").map_err(|e| e.to_string());
        let good = "x = 1\n# /// script\n#\n# requires-python = '>=3.9'\n# dependencies = [\n#   'a',\n# ]\n# ///\n";
        let found = parse(good).unwrap().unwrap();
        assert_eq!(
            (found.dependencies, found.requires_python.as_deref()),
            (vec!["a".to_owned()], Some(">=3.9"))
        );
        for (bad, reason) in [
            ("# /// script\n# dependencies = []\nx = 1\n", "no end"),
            ("# /// script\n# ///\n# /// script\n# ///\n", "two"),
            ("# /// script\n# dependencies = 3\n# ///\n", "malformed"),
        ] {
            assert!(parse(bad).unwrap_err().contains(reason), "{bad}");
        }
        assert_eq!(parse("# /// other\n# ///\n"), Ok(None));
    }
}
