//! The steps of a ref, shown.

use pinnace_store::Deployment;
use serde_json::{Value, json};

/// A line of a list: generation, release, age, who, commit and reason.
pub(crate) fn line(step: &Deployment, now: u64) -> String {
    // Whoever wrote the record must not write lines of this list.
    let plain = |text: &str| text.replace(char::is_control, " ");
    let release = step.release.map_or_else(|| "nothing".to_owned(), |one| one.to_string());
    let git = step.git.as_deref().map_or_else(String::new, |git| {
        format!("  {}", plain(&git.chars().take(10).collect::<String>()))
    });
    let reason = step.reason.as_deref();
    let reason = reason.map_or_else(String::new, |one| format!("  ({})", plain(one)));
    let age = age(now.saturating_sub(step.at));
    format!("{:>6}  {release}  {age:>6} ago  {}{git}{reason}", step.generation, plain(&step.by))
}

/// The record, as programs read it.
pub(crate) fn as_json(step: &Deployment) -> Value {
    json!({
        "generation": step.generation,
        "release": step.release.map(|release| release.to_string()),
        "previous": step.previous.map(|release| release.to_string()),
        "at": step.at,
        "by": step.by,
        "git": step.git,
        "reason": step.reason,
        "timings_ms": step.timings_ms,
    })
}

/// `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
