//! The lines of a requirements file: continuations joined, comments removed, variables expanded.

use std::collections::BTreeMap;

/// A logical line, with the number of the first line that it consists of.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: String,
}

/// Splits a text into logical lines, as pip does.
pub(super) fn lines(text: &str, variables: &BTreeMap<String, String>) -> Vec<Line> {
    let joined = join(text.strip_prefix('\u{feff}').unwrap_or(text));
    let bare = joined.into_iter().map(|line| Line {
        text: with_variables(without_comment(&line.text).trim(), variables),
        ..line
    });
    bare.filter(|line| !line.text.is_empty()).collect()
}

/// Joins continued lines. A line that ends in a backslash continues in the next one, unless it is a comment.
fn join(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut open: Option<Line> = None;
    for (at, raw) in text.lines().enumerate() {
        let comment = raw.trim_start().starts_with('#');
        let (piece, goes_on) = match raw.strip_suffix('\\') {
            Some(piece) if !comment => (piece, true),
            _ => (raw, false),
        };
        // A comment inside a continued line ends it.
        let piece = if comment && open.is_some() { "" } else { piece };
        let line = open.get_or_insert_with(|| Line { number: at + 1, text: String::new() });
        line.text.push_str(piece);
        if !goes_on {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    lines
}

/// Removes a comment. A `#` starts one only at the start of the line or after a blank, because URLs
/// have fragments.
fn without_comment(line: &str) -> &str {
    let start = line.char_indices().find(|(at, symbol)| {
        *symbol == '#' && line[..*at].chars().next_back().is_none_or(char::is_whitespace)
    });
    start.map_or(line, |(at, _)| &line[..at])
}

/// Expands `${NAME}`, which pip accepts only in capitals. Leaves variables that are not set as they are.
fn with_variables(line: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let value = after
            .split_once('}')
            .filter(|(name, _)| !name.is_empty() && name.chars().all(is_name))
            .and_then(|(name, after)| Some((variables.get(name)?, after)));
        match value {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push_str("${");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String)> {
        let variables = BTreeMap::from([("TOKEN".to_owned(), "x".to_owned())]);
        lines(text, &variables).into_iter().map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn lines_are_joined_and_comments_left_out() {
        assert_eq!(
            texts("\u{feff}a \\\n  --hash=x \\\n  --hash=y # why\n# b \\\nc\r\n\nd#e\n"),
            [(1, "a   --hash=x   --hash=y".into()), (5, "c".into()), (7, "d#e".into())],
        );
        assert_eq!(texts("a \\\n# no\nb"), [(1, "a".into()), (3, "b".into())]);
        assert_eq!(texts("a \\"), [(1, "a".into())]);
    }

    #[test]
    fn variables_that_are_set_are_put_in() {
        assert_eq!(
            texts("https://${TOKEN}@h/${OTHER}/${lower}")[0].1,
            "https://x@h/${OTHER}/${lower}"
        );
    }
}
