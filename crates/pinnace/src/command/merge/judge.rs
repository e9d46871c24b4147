//! The judgement of conflicts: which are tolerated, and which are refused.

use pinnace_env::{Conflict, ConflictKind, Policy, Ruling};
use pinnace_pex::PexMerge;
use pinnace_wheel::ProjectName;

use crate::{Failure, arguments::Merge};

/// The conflicts that `--first-wins` without a value decides.
const CHOICES: [ConflictKind; 5] = [
    ConflictKind::SameProject,
    ConflictKind::SameFile,
    ConflictKind::FileAndFolder,
    ConflictKind::SameButForCase,
    ConflictKind::SameScript,
];
/// The conflicts of requirements, which only `--ignore-errors` tolerates.
const UNMET: [ConflictKind; 3] =
    [ConflictKind::Unsatisfied, ConflictKind::Unreadable, ConflictKind::Misfit];

/// Returns the rules of `--first-wins` and `--ignore-errors`.
pub(super) fn policy(arguments: &Merge) -> Policy {
    let first_wins = |policy: Policy, kind| policy.with_kind(kind, Ruling::FirstWins);
    let mut policy = Policy::new(Ruling::Refuse);
    if arguments.ignore_errors {
        policy = UNMET.into_iter().fold(policy, first_wins);
    }
    for subject in &arguments.first_wins {
        if subject == "**" {
            policy = CHOICES.into_iter().fold(policy, first_wins);
        }
        if let Ok(project) = subject.parse::<ProjectName>() {
            policy = policy.with_project(project.as_str(), Ruling::FirstWins);
        }
        policy = policy.with_path(subject, Ruling::FirstWins);
    }
    policy
}

/// Returns the conflicts that are tolerated.
///
/// # Errors
///
/// Fails if any conflict is refused.
pub(super) fn judge<'m>(
    merge: &'m PexMerge<'_>,
    policy: &Policy,
    ignores_errors: bool,
) -> Result<Vec<&'m Conflict>, Failure> {
    let (refused, tolerated): (Vec<&Conflict>, Vec<&Conflict>) =
        merge.conflicts().into_iter().partition(|conflict| {
            // A conflict within one file was decided when the file was built.
            let is_decided = conflict.is_within_a_layer()
                && Policy::of_installers().judge(conflict) == Ruling::FirstWins;
            // No order of the files satisfies a requirement.
            let must_hold = is_unmet(conflict) && !ignores_errors;
            !is_decided && (must_hold || policy.judge(conflict) == Ruling::Refuse)
        });
    if refused.is_empty() {
        return Ok(tolerated);
    }
    let line = |conflict: &&Conflict| format!("  - {}", merge.told(conflict));
    let mut lines: Vec<String> = refused.iter().map(line).collect();
    lines.extend(merge.misfits().iter().map(|wheel| format!("  - `{wheel}` fits no platform")));
    let message = format!("the files conflict:\n{}", lines.join("\n"));
    Err(Failure::job(message).hint(hint(&refused)))
}

/// Returns the hint for conflicts that are refused.
fn hint(refused: &[&Conflict]) -> &'static str {
    let is_choice = |conflict: &&Conflict| conflict.kind() == ConflictKind::SameProject;
    if refused.iter().all(|conflict| is_unmet(conflict)) {
        "add a file with the missing distributions, or pass `--ignore-errors`"
    } else if refused.iter().any(is_choice) && refused.iter().any(|conflict| is_unmet(conflict)) {
        "build one file from the requirements of all with `pinnace build`, or accept unsatisfied \
         requirements with `--first-wins --ignore-errors`"
    } else {
        "let the first file win with `--first-wins`, or only for some conflicts with \
         `--first-wins=PROJECT` or `--first-wins='tests/**'`"
    }
}

/// Returns true if the conflict is an unmet requirement, which is no choice between files.
fn is_unmet(conflict: &Conflict) -> bool {
    UNMET.contains(&conflict.kind())
}
