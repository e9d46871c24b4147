use std::collections::BTreeMap;

use crate::{Conflict, ConflictKind};

/// A decision about a [`Conflict`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ruling {
    /// The environment must not be built.
    Refuse,
    /// The first owner wins, as in the plan.
    FirstWins,
}

/// A set of rulings on conflicts.
///
/// The most specific ruling decides: by path, else by project, else by kind, else the default. Of
/// several equally specific rulings, the last one added decides.
///
/// ```
/// use pinnace_env::{Conflict, ConflictKind, Owner, Place, Policy, Ruling};
///
/// let policy = Policy::new(Ruling::Refuse)
///     .with_kind(ConflictKind::SameScript, Ruling::FirstWins)
///     .with_path("tests/**", Ruling::FirstWins);
/// let owner = |layer: &str| Owner { layer: layer.to_owned(), distribution: None };
/// let same = |path: &str| Conflict::SameFile {
///     place: Place::Library,
///     path: path.to_owned(),
///     winner: owner("a"),
///     loser: owner("b"),
/// };
/// assert_eq!(policy.judge(&same("tests/conftest.py")), Ruling::FirstWins);
/// assert_eq!(policy.judge(&same("app/tests.py")), Ruling::Refuse);
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    otherwise: Ruling,
    kinds: BTreeMap<ConflictKind, Ruling>,
    projects: BTreeMap<String, Ruling>,
    paths: Vec<(String, Ruling)>,
}

impl Policy {
    /// Creates a policy with one ruling for all conflicts.
    pub fn new(otherwise: Ruling) -> Self {
        let (kinds, projects) = (BTreeMap::new(), BTreeMap::new());
        Self { otherwise, kinds, projects, paths: Vec::new() }
    }

    /// Returns the policy of installers. It accepts conflicts between files, between programs, and
    /// between names that differ only in case: installers silently keep one of them. It refuses
    /// every other conflict.
    pub fn of_installers() -> Self {
        [ConflictKind::SameFile, ConflictKind::SameScript, ConflictKind::SameButForCase]
            .into_iter()
            .fold(Self::new(Ruling::Refuse), |policy, kind| {
                policy.with_kind(kind, Ruling::FirstWins)
            })
    }

    /// Sets the ruling for a kind of conflict.
    #[must_use]
    pub fn with_kind(mut self, kind: ConflictKind, ruling: Ruling) -> Self {
        self.kinds.insert(kind, ruling);
        self
    }

    /// Sets the ruling for conflicts that involve a project, given by its normalised name.
    #[must_use]
    pub fn with_project(mut self, project: impl Into<String>, ruling: Ruling) -> Self {
        self.projects.insert(project.into(), ruling);
        self
    }

    /// Sets the ruling for paths. In the pattern `*` matches any part of a name, and `**` any
    /// number of names. The path of a program is `bin/<name>`.
    #[must_use]
    pub fn with_path(mut self, pattern: impl Into<String>, ruling: Ruling) -> Self {
        self.paths.push((pattern.into(), ruling));
        self
    }

    /// Returns the ruling on a conflict.
    pub fn judge(&self, conflict: &Conflict) -> Ruling {
        let path = conflict.path();
        let of_path = path.and_then(|path| {
            let last = self.paths.iter().rev().find(|(pattern, _)| matches(pattern, &path));
            last.map(|(_, ruling)| *ruling)
        });
        let of_project =
            || conflict.projects().into_iter().find_map(|project| self.projects.get(project));
        let of_kind = || self.kinds.get(&conflict.kind());
        of_path
            .or_else(|| of_project().copied())
            .or_else(|| of_kind().copied())
            .unwrap_or(self.otherwise)
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    wild(&pattern, &path, |part| *part == "**", &|pattern, name| {
        let (pattern, name): (Vec<char>, Vec<char>) =
            (pattern.chars().collect(), name.chars().collect());
        wild(&pattern, &name, |part| *part == '*', &|a, b| a == b)
    })
}

/// Matches a sequence against a pattern in which some parts match any run. Only the last such part
/// is ever retried, so the cost is at most the product of the lengths.
fn wild<T>(
    pattern: &[T],
    text: &[T],
    is_any: fn(&T) -> bool,
    fits: &dyn Fn(&T, &T) -> bool,
) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p).is_some_and(is_any) {
            retry = Some((p, t));
            p += 1;
        } else if pattern.get(p).is_some_and(|part| fits(part, &text[t])) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            (p, t) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("tests/**", "tests/a/b.py", true),
            ("tests/**", "tests", true),
            ("tests/**", "x/tests/a", false),
            ("**/tests/*", "x/y/tests/a", true),
            ("**/tests/*", "tests/a", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "b/a.txt", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("**", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
        let many = "*a".repeat(500);
        assert!(!matches(&many, &"a".repeat(499)));
    }
}
