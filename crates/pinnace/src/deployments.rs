//! Deployments as lines and as JSON.

use pinnace_store::Deployment;
use serde_json::{Value, json};

/// Formats a deployment as a line: generation, release, age, author, commit and reason.
pub(crate) fn line(deployment: &Deployment, now: u64) -> String {
    // The author of a deployment must not be able to add lines to the list.
    let plain = |text: &str| text.replace(char::is_control, " ");
    let release =
        deployment.release.map_or_else(|| "stopped".to_owned(), |release| release.to_string());
    let git = deployment.git.as_deref().map_or_else(String::new, |git| {
        format!("  {}", plain(&git.chars().take(10).collect::<String>()))
    });
    let reason = deployment.reason.as_deref();
    let reason = reason.map_or_else(String::new, |reason| format!("  ({})", plain(reason)));
    let age = age(now.saturating_sub(deployment.at));
    format!(
        "{:>6}  {release}  {age:>6} ago  {}{git}{reason}",
        deployment.generation,
        plain(&deployment.by)
    )
}

/// Returns a deployment as JSON.
pub(crate) fn as_json(deployment: &Deployment) -> Value {
    json!({
        "generation": deployment.generation,
        "release": deployment.release.map(|release| release.to_string()),
        "previous": deployment.previous.map(|release| release.to_string()),
        "at": deployment.at,
        "by": deployment.by,
        "git": deployment.git,
        "reason": deployment.reason,
        "timings_ms": deployment.timings_ms,
    })
}

/// Formats an age: `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
