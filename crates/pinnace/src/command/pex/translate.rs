//! Translation of the arguments of the pex tool to those of `pinnace build`.

use std::{collections::VecDeque, fs, path::Path};

use super::table::{Meaning, SHORT, meaning};
use crate::Failure;

/// A translated command line.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Translated {
    /// The arguments of `pinnace build`.
    pub(super) build: Vec<String>,
    /// True if an output file is given. Otherwise the file is run.
    pub(super) has_output: bool,
    /// The arguments of the run.
    pub(super) run: Vec<String>,
    /// The options without effect.
    pub(super) ignored: Vec<String>,
}

/// Translates arguments. Argument files (`@file`) are relative to `folder`.
pub(super) fn translate(arguments: &[String], folder: &Path) -> Result<Translated, Failure> {
    let mut waiting: VecDeque<String> = arguments.iter().cloned().collect();
    let mut translated = Translated::default();
    while let Some(argument) = waiting.pop_front() {
        if argument == "--" {
            translated.run = waiting.into();
            break;
        }
        if let Some(file) = argument.strip_prefix('@') {
            for line in lines(&folder.join(file))?.into_iter().rev() {
                waiting.push_front(line);
            }
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            translated.option(name, &format!("--{name}"), value, &mut waiting)?;
        } else if let Some(short) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            translated.short(short, &mut waiting)?;
        } else {
            translated.build.push(argument);
        }
    }
    translated.check()?;
    Ok(translated)
}

impl Translated {
    /// Refuses `--platform current` beside other platforms: it would be one platform more, but is ignored.
    fn check(&self) -> Result<(), Failure> {
        let is_platform = |word: &String| {
            word.starts_with("--platform=") || word.starts_with("--complete-platform=")
        };
        let has_current = self.ignored.iter().any(|option| option == CURRENT);
        if has_current && self.build.iter().any(is_platform) {
            return Err(Failure::usage(
                "`--platform current` beside other platforms is not supported",
            )
            .hint("name the platform of this machine like the others"));
        }
        Ok(())
    }

    fn short(&mut self, text: &str, waiting: &mut VecDeque<String>) -> Result<(), Failure> {
        let mut symbols = text.chars();
        while let Some(symbol) = symbols.next() {
            let shown = format!("-{symbol}");
            let Some((_, name)) = SHORT.iter().find(|(known, _)| *known == symbol) else {
                return Err(unknown(&shown));
            };
            let rest = symbols.as_str();
            let takes_value = meaning(name) != Some(Meaning::Ignored(0));
            let value = (takes_value && !rest.is_empty()).then(|| rest.to_owned());
            self.option(name, &shown, value, waiting)?;
            if takes_value {
                break;
            }
        }
        Ok(())
    }

    fn option(
        &mut self,
        name: &str,
        shown: &str,
        value: Option<String>,
        waiting: &mut VecDeque<String>,
    ) -> Result<(), Failure> {
        let required = |value: Option<String>, waiting: &mut VecDeque<String>| {
            let value = value.or_else(|| waiting.pop_front());
            value.ok_or_else(|| Failure::usage(format!("`{shown}` needs a value")))
        };
        match meaning(name).ok_or_else(|| unknown(shown))? {
            Meaning::Renamed(own) => self.renamed(own, &required(value, waiting)?)?,
            Meaning::Flag(own) => self.build.push(own.to_owned()),
            Meaning::Switch(own, value) => self.build.push(format!("{own}={value}")),
            Meaning::Default(own, default) => {
                let value = value.or_else(|| optional_value(waiting));
                self.build.push(format!("{own}={}", value.as_deref().unwrap_or(default)));
            }
            Meaning::Ignored(values) => {
                if values > 0 {
                    required(value, waiting)?;
                }
                self.ignored.push(shown.to_owned());
            }
            Meaning::Refused(hint) => {
                let message = format!("`{shown}` of the pex tool is not supported");
                return Err(Failure::usage(message).hint(hint));
            }
        }
        Ok(())
    }

    /// Adds an option with a value under its name in `pinnace build`.
    fn renamed(&mut self, own: &str, value: &str) -> Result<(), Failure> {
        self.has_output |= own == "--output";
        match (own, value) {
            // The current platform is the default.
            ("--platform", "current") => self.ignored.push(CURRENT.to_owned()),
            ("--output", name) if name.contains("{platform}") => {
                let message = "`{platform}` in the name of the output is not supported";
                return Err(Failure::usage(message).hint("write the name in full"));
            }
            _ => self.build.push(format!("{own}={value}")),
        }
        Ok(())
    }
}

/// Takes the next word if it is a value of an option whose value is optional.
fn optional_value(waiting: &mut VecDeque<String>) -> Option<String> {
    const VALUES: [&str; 5] = ["false", "prefer", "fallback", "prepend", "append"];
    let is_value = waiting.front().is_some_and(|word| VALUES.contains(&word.as_str()));
    if is_value { waiting.pop_front() } else { None }
}

const CURRENT: &str = "--platform current";

fn unknown(shown: &str) -> Failure {
    Failure::usage(format!("unknown option of the pex tool: `{shown}`"))
        .hint("list the supported options with `pinnace build --help`")
}

fn lines(path: &Path) -> Result<Vec<String>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read the arguments in `{}`: {error}", path.display()))
    })?;
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Translated {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        translate(&arguments, Path::new("/")).unwrap()
    }

    /// The arguments by which the Dagster command builds dependencies.
    #[test]
    fn options_are_renamed_ignored_and_kept_in_order() {
        let translated = of(&[
            "--complete-platform={}",
            "--no-strip-pex-env",
            "--pip-version=latest",
            "-v",
            "-v",
            "-vvv",
            "--resolve-local-platforms",
            "--resolver-version=pip-2020-resolver",
            "-r",
            "deps.txt",
            "-o",
            "out.pex",
        ]);
        let expected = [
            "--complete-platform={}",
            "--no-strip-pex-env",
            "--requirements=deps.txt",
            "--output=out.pex",
        ];
        assert_eq!(translated.build, expected);
        assert!(translated.has_output);
        assert!(translated.ignored.contains(&"--pip-version".to_owned()));
    }

    #[test]
    fn values_may_be_attached_and_left_out() {
        let translated =
            of(&["cowsay", "-ccowsay", "--venv", "prepend", "--inherit-path", "--", "-x"]);
        let expected = ["cowsay", "--script=cowsay", "--venv=prepend", "--inherit-path=prefer"];
        assert_eq!(translated.build, expected);
        assert_eq!(translated.run, ["-x"]);
        assert!(!translated.has_output);
    }

    #[test]
    fn what_would_change_the_file_is_refused() {
        for line in [
            "--scie",
            "--seed",
            "--nope",
            "-Z",
            "-o",
            "--platform current --platform linux_x86_64-cp312",
        ] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert!(translate(&arguments, Path::new("/")).is_err(), "{line}");
        }
    }
}
