//! Names that cannot stand beside one another.

use unicode_normalization::{UnicodeNormalization, is_nfd};

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
        if !policy.allows(Leniency::CaseCollision) {
            return Err(collision);
        }
    }
    let mut by_name: Vec<u32> = (0..entries.len() as u32).collect();
    by_name.sort_unstable_by(|a, b| entries[*a as usize].name.cmp(&entries[*b as usize].name));
    Ok(by_name)
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

/// As HFS+ and APFS compare names: by canonical decomposition (UAX 15).
fn normalized(name: &str) -> String {
    if is_nfd(name) { name.to_owned() } else { name.nfd().collect() }
}

/// The same without case: upper, then lower, which folds what one of them alone would keep apart.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let upper = name.nfd().flat_map(char::to_uppercase);
    let lower: String = upper.flat_map(char::to_lowercase).collect();
    lower.nfd().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_joins_what_file_systems_join() {
        for (a, b) in [("README", "readme"), ("\u{c4}", "a\u{308}"), ("stra\u{df}e", "STRASSE")] {
            assert_eq!(folded(a), folded(b));
        }
        assert_eq!(normalized("\u{e4}"), normalized("a\u{308}"));
        assert_ne!(normalized("A"), normalized("a"));
        assert_ne!(folded("a"), folded("b"));
    }
}
