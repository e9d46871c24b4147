//! `pinnace store check`: damaged and missing objects.

use std::collections::{BTreeMap, BTreeSet};

use pinnace_store::{Checked, Finding, OnMissing, RefName};
use serde_json::{Value, json};

use super::Job;
use crate::{
    Failure,
    quantity::{Count, Size},
    stores,
};

impl Job<'_> {
    /// Checks all objects, and copies damaged and missing ones from the other store.
    pub(super) fn check(&self, other: Option<&str>) -> Result<(), Failure> {
        let open = |url| stores::open(Some(url), OnMissing::Refuse, self.env, &self.reporter);
        let other = other.map(open).transpose()?;
        let checked = self.store.check(other.as_ref())?;
        let json = as_json(&checked);
        let objects = Count(checked.objects as usize, "object");
        let read = format!("{objects} and {} read", Size(checked.bytes));
        let findings: String = checked.findings.iter().map(finding_line).collect();
        if !checked.is_whole() {
            let message = format!("{read}; the store has damaged or missing objects:{findings}");
            return Err(Failure::job(message)
                .with_json(json)
                .hint("copy them from another store with `--heal-from URL`"));
        }
        let state = if findings.is_empty() { "all intact" } else { "healed:" };
        let past = past_lines(&checked.past);
        self.result(&format!("{read}, {state}{findings}{past}"), &json)
    }
}

fn as_json(checked: &Checked) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "object": finding.key.to_string(),
            "problem": finding.problem,
            "healed": finding.healed,
        })
    };
    json!({
        "objects": checked.objects,
        "bytes": checked.bytes,
        "whole": checked.is_whole(),
        "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
        "past": past_by_ref(&checked.past),
    })
}

fn finding_line(finding: &Finding) -> String {
    let mark = if finding.healed { " (healed)" } else { "" };
    format!("\n  - {}: {}{mark}", finding.key, finding.problem)
}

/// Lists the deployments whose release is gone, which is no damage.
fn past_lines(past: &[(RefName, u64)]) -> String {
    let line = |(name, numbers): (String, BTreeSet<u64>)| {
        let generations = generations(&numbers);
        format!("\n  {name}: {generations} no longer available: removed by garbage collection")
    };
    past_by_ref(past).into_iter().map(line).collect()
}

/// Returns the generations whose release is gone, by ref.
fn past_by_ref(past: &[(RefName, u64)]) -> BTreeMap<String, BTreeSet<u64>> {
    let mut by_ref: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for (name, generation) in past {
        by_ref.entry(name.to_string()).or_default().insert(*generation);
    }
    by_ref
}

/// Formats numbers as `generation 5` or `generations 1 to 3, 5`.
fn generations(numbers: &BTreeSet<u64>) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let range = |(first, last): (u64, u64)| {
        if first == last { first.to_string() } else { format!("{first} to {last}") }
    };
    let ranges = ranges.into_iter().map(range).collect::<Vec<_>>().join(", ");
    let noun = if numbers.len() == 1 { "generation" } else { "generations" };
    format!("{noun} {ranges}")
}
