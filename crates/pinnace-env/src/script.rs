//! Programs of an environment, and the interpreter line at their start.

use std::path::Path;

/// Returns the program of an entry point (entry points specification, "Use for scripts").
pub(crate) fn of_entry_point(target: &str, python: &Path) -> Vec<u8> {
    let (module, function) = target.split_once(':').unwrap_or((target, "main"));
    let code = format!(
        "import sys\nimport {module} as module\n\nif __name__ == '__main__':\n    \
         sys.exit(module.{function}())\n"
    );
    [shebang(python).into_bytes(), code.into_bytes()].concat()
}

/// Returns a program that a wheel has as a file. A `#!python` line is replaced by the interpreter's
/// (binary distribution format, "Recommended installer features").
pub(crate) fn of_file(content: Vec<u8>, python: &Path) -> Vec<u8> {
    let end = content.iter().position(|byte| *byte == b'\n').map_or(content.len(), |at| at + 1);
    let first = content[..end].trim_ascii_end();
    let is_open = first == b"#!python"
        || first == b"#!pythonw"
        || first.starts_with(b"#!python ")
        || first.starts_with(b"#!pythonw ");
    if is_open { [shebang(python).as_bytes(), &content[end..]].concat() } else { content }
}

/// Returns a path as a Python string literal.
pub(crate) fn literal(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The longest path in a `#!` line. Linux reads at most 127 bytes of the line (255 since 5.1), and
/// takes the text after a space as an argument.
const LONGEST: usize = 125;

fn shebang(python: &Path) -> String {
    let python = python.display().to_string();
    if python.len() < LONGEST && !python.contains(' ') {
        format!("#!{python}\n")
    } else {
        format!("#!/bin/sh\n'''exec' \"{}\" \"$0\" \"$@\"\n' '''\n", quoted(&python))
    }
}

/// Escapes characters that are special between the double quotes of a shell (POSIX.1, 2.2.3).
fn quoted(text: &str) -> String {
    let special = |symbol: char| matches!(symbol, '$' | '`' | '"' | '\\');
    let symbols =
        text.chars().flat_map(|symbol| special(symbol).then_some('\\').into_iter().chain([symbol]));
    symbols.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_open_is_filled_in() {
        let python = Path::new("/env/bin/python");
        for (content, expected) in [
            ("#!python\nx", "#!/env/bin/python\nx"),
            ("#!python -u\r\nx", "#!/env/bin/python\nx"),
            ("#!python", "#!/env/bin/python\n"),
            ("#!/usr/bin/python\nx", "#!/usr/bin/python\nx"),
            ("#!pythonesque\nx", "#!pythonesque\nx"),
            ("\x7fELF", "\x7fELF"),
        ] {
            let made = of_file(content.into(), python);
            assert_eq!(String::from_utf8(made).unwrap(), expected, "{content}");
        }
    }

    #[test]
    fn a_path_that_no_shebang_can_hold_goes_through_a_shell() {
        let text = String::from_utf8(of_entry_point("m:f", Path::new("/a b/python"))).unwrap();
        assert!(text.starts_with("#!/bin/sh\n'''exec' \"/a b/python\" "), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_the_path_as_it_is() {
        let folder = pinnace_test::Folder::new();
        let python = folder.join("a $HOME `b` \"c\"");
        std::os::unix::fs::symlink("/bin/echo", &python).unwrap();
        let program = of_entry_point("m:f", &python);
        let mut shell = std::process::Command::new("/bin/sh");
        let head: Vec<u8> = program.split(|byte| *byte == b'\n').nth(1).unwrap().to_vec();
        let output = shell.arg("-c").arg(String::from_utf8(head).unwrap()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
