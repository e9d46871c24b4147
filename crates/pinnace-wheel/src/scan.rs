//! Reading a line of text piece by piece, as the grammar of dependency specifiers has it.

/// What is left of a text.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    pub(crate) rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// Passes blanks: spaces and tabs, but no ends of lines.
    pub(crate) fn blanks(&mut self) -> &mut Self {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        self
    }

    /// Whether the text goes on so; if it does, that is passed.
    pub(crate) fn eat(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// As [`Scanner::eat`], for a word that must not go on.
    pub(crate) fn eat_word(&mut self, wanted: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        if rest.starts_with(is_word) {
            return false;
        }
        self.rest = rest;
        true
    }

    /// Passes all that is wanted, and returns it.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|symbol| !wanted(symbol)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Passes all up to a symbol and that symbol; `None` if it never comes.
    pub(crate) fn take_until(&mut self, end: char) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }
}

pub(crate) fn is_word(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
}
