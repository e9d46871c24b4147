//! A scanner of one line of text, for the grammar of dependency specifiers.

/// A scanner; it holds the rest of the text.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    pub(crate) rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Skips blanks: spaces and tabs, but no line ends.
    pub(crate) fn blanks(&mut self) -> &mut Self {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self
    }

    /// Skips `wanted` if the text continues with it, and returns true if it does.
    pub(crate) fn eat(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Like [`Scanner::eat`], but only if the word ends there.
    pub(crate) fn eat_word(&mut self, wanted: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        if rest.starts_with(is_word) {
            return false;
        }
        self.rest = rest;
        true
    }

    /// Takes all leading characters that are wanted.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|symbol| !wanted(symbol)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes the text before a symbol and skips the symbol. Returns `None` if the symbol never comes.
    pub(crate) fn take_until(&mut self, end: char) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }
}

pub(crate) fn is_word(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
}
