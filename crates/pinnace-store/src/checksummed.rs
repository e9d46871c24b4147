//! Checksum trailers: a record whose key does not contain its digest ends with a line that does.

use crate::Digest;

/// Appends a checksum trailer: a newline, the digest of the bytes and a newline.
pub(crate) fn seal(bytes: &[u8]) -> Vec<u8> {
    [bytes, format!("\n{}\n", digest(bytes)).as_bytes()].concat()
}

/// Removes the checksum trailer and returns the bytes before it; `None` if they do not match it.
pub(crate) fn open(sealed: &[u8]) -> Option<&[u8]> {
    let text = sealed.strip_suffix(b"\n")?;
    let end = text.iter().rposition(|byte| *byte == b'\n')?;
    let (bytes, line) = (&text[..end], &text[end + 1..]);
    (line == digest(bytes).to_string().as_bytes()).then_some(bytes)
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_byte_breaks_the_seal() {
        let sealed = seal(b"first\nsecond");
        assert_eq!(open(&sealed), Some(&b"first\nsecond"[..]));
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            assert_eq!(open(&bytes), None, "{at}");
        }
        (0..sealed.len()).for_each(|length| assert_eq!(open(&sealed[..length]), None, "{length}"));
    }
}
