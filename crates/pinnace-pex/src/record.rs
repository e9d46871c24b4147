//! The RECORD file of a wheel: its paths and their digests (binary distribution format, "The
//! .dist-info directory").

use std::{collections::BTreeMap, fmt::Write};

use crate::{Error, ErrorKind, error::archive, wheels::WheelArchive};

/// The digests in a RECORD, by path.
#[derive(Debug)]
pub(crate) struct Record {
    /// The path of the RECORD itself.
    pub(crate) path: String,
    digests: BTreeMap<String, Option<[u8; 32]>>,
}

impl Record {
    pub(crate) fn read(wheel: &str, zip: &WheelArchive) -> Result<Self, Error> {
        let is_record = |name: &str| {
            name.split_once('/')
                .is_some_and(|(folder, file)| folder.ends_with(".dist-info") && file == "RECORD")
        };
        let mut found = zip.entries().iter().filter(|entry| is_record(entry.name()));
        let refuse = |reason: &str| ErrorKind::Malformed {
            wheel: wheel.to_owned(),
            reason: reason.to_owned(),
        };
        let (Some(entry), None) = (found.next(), found.next()) else {
            return Err(refuse("it must have one RECORD").into());
        };
        Self::parse(wheel, entry.name(), zip.read(entry).map_err(archive)?)
    }

    /// Parses the RECORD at `path`.
    pub(crate) fn parse(wheel: &str, path: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        let text = String::from_utf8(bytes).map_err(|_| ErrorKind::Malformed {
            wheel: wheel.to_owned(),
            reason: "its RECORD is not UTF-8".to_owned(),
        })?;
        let rows = text.lines().map(fields).filter(|row| !row[0].is_empty());
        let digests = rows.map(|row| (row[0].clone(), row.get(1).and_then(|it| sha256(it))));
        Ok(Self { path: path.to_owned(), digests: digests.collect() })
    }

    /// Returns all paths in the RECORD.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.digests.keys().map(String::as_str)
    }

    /// Returns the SHA-256 of a member, or `None` if RECORD has no digest or uses another
    /// algorithm.
    pub(crate) fn sha256(&self, path: &str) -> Option<[u8; 32]> {
        self.digests.get(path).copied().flatten()
    }
}

/// Appends one line of a RECORD.
pub(crate) fn line(text: &mut String, path: &str, content: Option<(&[u8; 32], u64)>) {
    let path = if path.contains([',', '"', '\n']) {
        format!("\"{}\"", path.replace('"', "\"\""))
    } else {
        path.to_owned()
    };
    let _ = match content {
        Some((sha256, size)) => writeln!(text, "{path},sha256={},{size}", base64(sha256)),
        None => writeln!(text, "{path},,"),
    };
}

/// Splits a line of comma-separated values. Fields that span several lines are not supported, since
/// no relevant path contains a newline.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let (mut quoted, mut symbols) = (false, line.chars().peekable());
    while let Some(symbol) = symbols.next() {
        let last = fields.len() - 1;
        match symbol {
            '"' if quoted && symbols.peek() == Some(&'"') => {
                symbols.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields[last].push(symbol),
        }
    }
    fields
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Parses a digest field: `sha256=…` in URL-safe base64 without padding.
fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256=")?.trim_end_matches('=');
    let mut digest = [0; 32];
    let (mut bits, mut held, mut at) = (0_u32, 0, 0);
    for digit in digits.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            *digest.get_mut(at)? = (bits >> held & 0xff) as u8;
            at += 1;
        }
    }
    (at == 32).then_some(digest)
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(char::from(DIGITS[value as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_go_there_and_back() {
        for sha256_ in [[0; 32], [255; 32], std::array::from_fn(|n| n as u8 * 7)] {
            assert_eq!(sha256(&format!("sha256={}", base64(&sha256_))), Some(sha256_));
        }
        for text in ["sha256=AAAA", "md5=AAAA", "sha256=!", ""] {
            assert_eq!(sha256(text), None, "{text}");
        }
    }

    #[test]
    fn paths_may_have_commas_and_quotes() {
        let mut text = String::new();
        line(&mut text, "a,\"b\".py", None);
        assert_eq!(fields(text.trim_end()), ["a,\"b\".py", "", ""]);
        assert_eq!(fields("a.py,sha256=x,1"), ["a.py", "sha256=x", "1"]);
    }
}
