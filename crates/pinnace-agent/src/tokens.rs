//! The tokens of an agent.

use sha2::{Digest as _, Sha256};

use crate::{Error, ErrorKind};

/// The tokens that an agent accepts: one, or two during a rotation. Only their digests are kept in memory.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Tokens(Vec<[u8; 32]>);

/// The minimum length; a shorter token could be guessed.
const SHORTEST: usize = 16;
const MOST: usize = 2;

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}

impl Tokens {
    /// Parses the tokens of a file: each on a line of its own, beside empty lines and comments with `#`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, there are more than two, or one is shorter than 16 characters. The error does not
    /// show it.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| -> Error {
            let (origin, reason) = (origin.to_owned(), reason.to_owned());
            ErrorKind::Malformed { origin, reason }.into()
        };
        let tokens: Vec<&str> = lines(text).collect();
        if tokens.is_empty() || tokens.len() > MOST {
            return Err(refuse("one token is expected, or two, each on a line of its own"));
        }
        if tokens
            .iter()
            .any(|token| token.len() < SHORTEST || !token.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(refuse(
                "a token has 16 or more letters, digits and signs, as `openssl rand -hex 32` makes them",
            ));
        }
        Ok(Self(tokens.into_iter().map(digest).collect()))
    }

    /// Returns the first token of a file, which a client shows.
    pub fn first(text: &str) -> Option<&str> {
        lines(text).next()
    }

    /// Returns true if there is no token, so that any local client is accepted.
    pub fn are_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if this is one of the tokens. The comparison takes constant time.
    #[cfg(feature = "server")]
    pub(crate) fn accept(&self, token: &str) -> bool {
        use subtle::ConstantTimeEq;
        let shown = digest(token);
        let equal = self.0.iter().map(|token| token.ct_eq(&shown));
        equal.fold(subtle::Choice::from(0), |any, one| any | one).into()
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;

    #[test]
    fn one_token_or_two_are_taken() {
        let text = "# of 2026\n0123456789abcdef\n\nfedcba9876543210\n";
        let tokens = Tokens::parse(text, "tokens").unwrap();
        assert!(tokens.accept("0123456789abcdef") && tokens.accept("fedcba9876543210"));
        assert!(!tokens.accept("0123456789abcdee") && !tokens.accept(""));
        assert_eq!(Tokens::first(text), Some("0123456789abcdef"));
        assert_eq!(format!("{tokens:?}"), "Tokens(2)");
        assert!(!Tokens::default().accept(""));
    }

    #[test]
    fn what_is_none_is_refused_without_telling_it() {
        for text in [
            "",
            "short",
            "0123456789abcdef\n0123456789abcdeg\n0123456789abcdeh",
            "0123456789 abcdef",
        ] {
            let error = Tokens::parse(text, "tokens").unwrap_err().to_string();
            assert!(error.starts_with("`tokens`") && (text.is_empty() || !error.contains(text)));
        }
    }
}
