//! Names that cannot stand beside one another.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

use crate::{Entry, Error, Leniency, Policy, Rule};

/// Refuses names that stand twice, files that are folders too, and names that are one on some file
/// system. Returns the positions of the entries in the order of their names' bytes.
pub(crate) fn check(entries: &[Entry], policy: &Policy) -> Result<Vec<u32>, Error> {
    // Folding joins most, so names that it keeps apart are apart in every other way too.
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

/// How many folders sorted names imply, or a few more.
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

/// Sorts with `/` below every other character: what lies in a folder then stands right behind it,
/// so that only neighbours can clash.
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

/// As HFS+ and APFS compare names: by canonical decomposition (UAX 15), without what is invisible.
fn normalized(name: &str) -> String {
    if name.is_ascii() { name.to_owned() } else { visible(name).nfd().collect() }
}

fn visible(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !IGNORED.iter().any(|range| range.contains(c)))
}

/// What HFS+ ignores in names (TN1150, "Unicode Subtleties").
const IGNORED: [RangeInclusive<char>; 4] = [
    '\u{200c}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{206a}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
];

/// The same without case: upper, then lower, which folds what one of them alone would keep apart.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    lowered(&normalized(name)).nfd().collect()
}

/// Upper and lower twice: the capital sharp s becomes a small one at first, and `ss` only then.
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
