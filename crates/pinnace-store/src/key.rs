use std::{fmt, str::FromStr};

/// The name of an object in a [`Backend`](crate::Backend): parts of letters, digits and `._-@`,
/// separated by `/`. A key is safe on every file system and in every URL.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(String);

/// The limits of a part and of a whole key, which all file systems and object stores accept.
const LONGEST_PART: usize = 200;
const LONGEST: usize = 900;

impl Key {
    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Creates a key from parts that are known to be valid.
    pub(crate) fn of(text: String) -> Self {
        Self(text)
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_good = |part: &str| {
            !part.is_empty()
                && part.len() <= LONGEST_PART
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte))
        };
        if text.len() <= LONGEST && text.split('/').all(is_good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseKeyError(text.chars().take(LONGEST).collect()))
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for text that is not a valid key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not the name of an object: `{0}`; use letters, digits and `._-@`, with `/` between parts, none of which starts with a dot"
)]
pub struct ParseKeyError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_every_system_takes_is_a_key() {
        for good in ["a", "blobs/ab/cd", "refs/x/@/1", "A-1_2.3"] {
            assert!(good.parse::<Key>().is_ok(), "{good}");
        }
        let long = "a".repeat(201);
        for bad in ["", "/a", "a/", "a//b", "..", ".a", "a/../b", "a b", "ä", "a\\b", "a\0", &long]
        {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }
}
