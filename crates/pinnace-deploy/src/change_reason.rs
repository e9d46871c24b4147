//! The reason why a deployment takes the full path.

use std::collections::BTreeMap;

use pinnace_wheel::{ProjectName, Request, Version};

use crate::WheelLayer;

/// The dependencies of the live release.
pub(super) enum Before {
    /// No release is live.
    Nothing,
    /// The store has lost their manifest.
    Lost,
    Set(WheelLayer),
}

/// Describes the change of the dependencies.
pub(super) fn reason(before: &Before, after: &WheelLayer, request: &Request) -> String {
    const FEW: usize = 3;
    let before = match before {
        Before::Nothing => return "first deploy".to_owned(),
        Before::Lost => return "layer missing in the store".to_owned(),
        Before::Set(before) => before,
    };
    if before.platform != after.platform {
        return format!("platform changed: {} -> {}", before.platform, after.platform);
    }
    let (old, new) = (versions(before), versions(after));
    let mut changes = Vec::new();
    for (name, version) in &new {
        let origin = request.origin(name).map_or_else(String::new, |at| format!(" ({at})"));
        match old.get(name) {
            Some(known) if known == version => {}
            Some(known) => changes.push(format!("{name} {known} -> {version}{origin}")),
            None => changes.push(format!("{name} {version} added{origin}")),
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    changes.extend(gone.map(|(name, version)| format!("{name} {version} gone")));
    // Changes of the user's own requirements come first.
    changes.sort_by_key(|change| !change.ends_with(')'));
    match changes.len() {
        0 => "other files of the same versions".to_owned(),
        count if count > FEW => format!("{}, and {} more", changes[..FEW].join(", "), count - FEW),
        _ => changes.join(", "),
    }
}

fn versions(set: &WheelLayer) -> BTreeMap<ProjectName, Version> {
    let names = set.wheels.iter().map(|wheel| &wheel.name);
    names.map(|name| (name.project().clone(), name.version().clone())).collect()
}
