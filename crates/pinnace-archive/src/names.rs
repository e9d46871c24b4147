//! Collisions between the names of an archive.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

use crate::{Entry, Error, Leniency, Policy, Rule};

/// Refuses duplicate names, files that are folders too, and names that are equal on some file
/// system. Returns the positions of the entries in byte order of their names.
pub(crate) fn check(entries: &[Entry], policy: &Policy) -> Result<Vec<u32>, Error> {
    // Folding merges the most names, so names that differ after folding differ in every other way.
    if let Err(collision) = clash(entries, folded, Rule::CaseCollision) {
        clash(entries, str::to_owned, Rule::UniqueName)?;
        if !policy.allows(Leniency::NormalizationCollision) {
            clash(entries, normalized, Rule::NormalizationCollision)?;
        }
        match (
            policy.allows(Leniency::CaseCollision),
            policy.allows(Leniency::NormalizationCollision),
        ) {
            (false, false) => return Err(collision),
            (false, true) => clash(entries, lowered, Rule::CaseCollision)?,
            (true, _) => {}
        }
    }
    let mut by_name: Vec<u32> = (0..entries.len() as u32).collect();
    by_name.sort_unstable_by(|a, b| entries[*a as usize].name.cmp(&entries[*b as usize].name));
    Ok(by_name)
}

/// Counts the folders that sorted names imply. The result may be slightly too high.
pub(crate) fn folders<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let mut previous = "";
    let mut folders = 0;
    for name in names {
        let common = name.bytes().zip(previous.bytes()).take_while(|(a, b)| a == b).count();
        folders += name.as_bytes()[common..].iter().filter(|byte| **byte == b'/').count() as u64;
        previous = name;
    }
    folders
}

/// Finds a clash among the names, compared by `key`. Sorting puts `/` below every other character,
/// so a folder's contents stand right behind it and only neighbours can clash.
fn clash(entries: &[Entry], key: impl Fn(&str) -> String, rule: Rule) -> Result<(), Error> {
    let mut keyed: Vec<(String, &Entry)> = entries
        .iter()
        .map(|entry| (key(entry.name.trim_end_matches('/')).replace('/', "\0"), entry))
        .collect();
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for pair in keyed.windows(2) {
        let [(upper, first), (lower, second)] = pair else { continue };
        if upper == lower {
            return Err(Error::refused_for(rule, &second.name, &first.name));
        }
        let below = lower.strip_prefix(upper.as_str()).is_some_and(|rest| rest.starts_with('\0'));
        if below && !first.is_directory() {
            let rule = if rule == Rule::UniqueName { Rule::FileAndDirectory } else { rule };
            return Err(Error::refused_for(rule, &second.name, &first.name));
        }
    }
    Ok(())
}

/// Normalizes a name as HFS+ and APFS compare names: by canonical decomposition (UAX 15), without
/// invisible characters.
fn normalized(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { visible(name).nfd().collect() }
}

fn visible(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !IGNORED.iter().any(|range| range.contains(c)))
}

/// The characters that HFS+ ignores in names (TN1150, "Unicode Subtleties").
const IGNORED: [RangeInclusive<char>; 4] = [
    '\u{200c}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{206a}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];

/// Normalizes a name and folds its case. Upper case, then lower case merges names that one of the
/// two alone would keep apart.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    lowered(&normalized(name)).nfd().collect()
}

/// Converts to upper and lower case twice: the first round turns the capital sharp s into a small
/// one, and the second turns that into `ss`.
fn lowered(name: &str) -> String {
    let upper = name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    upper.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_joins_what_file_systems_join() {
        for (a, b) in [
            ("README", "readme"),
            ("\u{c4}", "a\u{308}"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{1e9e}", "\u{df}"),
            ("a\u{200c}b", "ab"),
        ] {
            assert_eq!(folded(a), folded(b));
        }
        assert_eq!(normalized("\u{e4}"), normalized("a\u{308}"));
        assert_ne!(normalized("A"), normalized("a"));
        assert_ne!(folded("a"), folded("b"));
    }
}
