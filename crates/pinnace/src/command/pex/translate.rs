//! From the arguments of the pex tool to those of `pinnace build`.

use std::{collections::VecDeque, fs, path::Path};

use super::table::{Meaning, SHORT, meaning};
use crate::Failure;

/// The arguments in our words.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Translated {
    pub(super) build: Vec<String>,
    /// Whether a file is named; else what is built is run, with these arguments.
    pub(super) has_output: bool,
    pub(super) run: Vec<String>,
    /// Options that have no effect here.
    pub(super) ignored: Vec<String>,
}

/// Translates; `folder` is where files of arguments (`@file`) are looked for.
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
    /// Beside other platforms, the current one would be one more.
    fn check(&self) -> Result<(), Failure> {
        let is_platform = |word: &String| {
            word.starts_with("--platform=") || word.starts_with("--complete-platform=")
        };
        match self.ignored.iter().any(|one| one == CURRENT) && self.build.iter().any(is_platform) {
            true => {
                Err(Failure::usage("`--platform current` beside other platforms is not supported")
                    .hint("name this platform as the others are named"))
            }
            false => Ok(()),
        }
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
        let mut next = |value: Option<String>| {
            value.or_else(|| waiting.pop_front()).ok_or_else(|| {
                Failure::usage(format!("`{shown}` of the pex tool has a value, and none is there"))
            })
        };
        match meaning(name).ok_or_else(|| unknown(shown))? {
            Meaning::Renamed(own) => {
                self.has_output |= own == "--output";
                let value = next(value)?;
                match (own, value.as_str()) {
                    // It is what is taken where nothing is named.
                    ("--platform", "current") => self.ignored.push(CURRENT.to_owned()),
                    ("--output", name) if name.contains("{platform}") => {
                        return Err(Failure::usage(
                            "`{platform}` in the name of the output is not filled in",
                        )
                        .hint("name the file in full"));
                    }
                    _ => self.build.push(format!("{own}={value}")),
                }
            }
            Meaning::Flag(own) => self.build.push(own.to_owned()),
            Meaning::Switch(own, value) => self.build.push(format!("{own}={value}")),
            Meaning::Default(own, otherwise) => {
                let named = ["false", "prefer", "fallback", "prepend", "append"];
                let follows = waiting.front().is_some_and(|it| named.contains(&it.as_str()));
                let value = match value {
                    Some(value) => value,
                    None if follows => waiting.pop_front().unwrap_or_default(),
                    None => otherwise.to_owned(),
                };
                self.build.push(format!("{own}={value}"));
            }
            Meaning::Ignored(values) => {
                if values > 0 {
                    next(value)?;
                }
                self.ignored.push(shown.to_owned());
            }
            Meaning::Refused(why) => {
                return Err(
                    Failure::usage(format!("`{shown}` of the pex tool is not supported")).hint(why)
                );
            }
        }
        Ok(())
    }
}

const CURRENT: &str = "--platform current";

fn unknown(shown: &str) -> Failure {
    Failure::usage(format!("`{shown}` is no option of the pex tool that is known here"))
        .hint("`pinnace build --help` shows what there is")
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
        let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        translate(&arguments, Path::new("/")).unwrap()
    }

    /// As the Dagster command builds dependencies.
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
