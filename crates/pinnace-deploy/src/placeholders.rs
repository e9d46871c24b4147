use std::collections::BTreeMap;

use pinnace_build::Process;

/// The placeholders that the supervisor replaces.
const KNOWN: [&str; 2] = ["port", "socket"];

/// Returns notes on placeholders such as `{prt}`, which the supervisor does not replace.
pub(crate) fn unknown_placeholders(processes: &BTreeMap<String, Process>) -> Vec<String> {
    let words = processes.iter().flat_map(|(name, process)| {
        process.argv.iter().filter(|word| is_unknown(word)).map(move |word| (name, word))
    });
    let note = |(name, word): (&String, &String)| {
        format!(
            "`{word}` of the process `{name}` is not replaced: only `{{port}}` and `{{socket}}` are"
        )
    };
    words.map(note).collect()
}

fn is_unknown(word: &str) -> bool {
    let inner = word.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    inner.is_some_and(|(name, _)| {
        !name.is_empty()
            && !KNOWN.contains(&name)
            && name.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}
