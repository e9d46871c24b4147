//! The grammar of markers.

use super::{Comparison, Expression, Marker, MarkerVariable, Side, Sign, Subject};
use crate::{
    ExtraName,
    scan::{Scanner, is_word},
};

/// The deepest nesting of parentheses that is accepted. No real marker is nested this deep.
const DEEPEST: usize = 32;

/// Parses a text that is one marker.
pub(super) fn marker(text: &str) -> Result<Marker, String> {
    let mut scanner = Scanner::new(text);
    let expression = any(&mut scanner, 0)?;
    match scanner.blanks().rest {
        "" => Ok(Marker(expression)),
        rest => Err(format!("expected `and` or `or` before `{rest}`")),
    }
}

/// Parses `a or b`.
fn any(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, String> {
    let mut parts = vec![all(scanner, depth)?];
    while scanner.blanks().eat_word("or") {
        parts.push(all(scanner, depth)?);
    }
    Ok(single(parts, Expression::Any))
}

/// Parses `a and b`.
fn all(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, String> {
    let mut parts = vec![atom(scanner, depth)?];
    while scanner.blanks().eat_word("and") {
        parts.push(atom(scanner, depth)?);
    }
    Ok(single(parts, Expression::All))
}

fn single(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

fn atom(scanner: &mut Scanner<'_>, depth: usize) -> Result<Expression, String> {
    if !scanner.blanks().eat("(") {
        return comparison(scanner).map(Expression::Compare);
    }
    if depth == DEEPEST {
        return Err(format!("it has more than {DEEPEST} nested parentheses"));
    }
    let inner = any(scanner, depth + 1)?;
    if !scanner.blanks().eat(")") {
        return Err("a parenthesis is not closed".to_owned());
    }
    Ok(inner)
}

enum Operand<'a> {
    Subject(Subject),
    Literal(&'a str),
}

fn comparison(scanner: &mut Scanner<'_>) -> Result<Comparison, String> {
    let left = operand(scanner)?;
    let operator = sign(scanner)?;
    let right = operand(scanner)?;
    let (subject, literal, side) = match (left, right) {
        (Operand::Subject(subject), Operand::Literal(literal)) => (subject, literal, Side::Left),
        (Operand::Literal(literal), Operand::Subject(subject)) => (subject, literal, Side::Right),
        (Operand::Subject(_), Operand::Subject(_)) => {
            return Err("it compares two variables; one side must be a quoted string".to_owned());
        }
        (Operand::Literal(a), Operand::Literal(_)) => {
            return Err(format!(
                "it compares `{a}` with another string; one side must be a variable"
            ));
        }
    };
    Ok(Comparison { subject, operator, literal: normalised(subject, literal).into(), side })
}

/// Normalises the names of extras and groups, which are compared in normal form (PEP 685, PEP 735).
fn normalised(subject: Subject, literal: &str) -> String {
    let name = match subject {
        Subject::Variable(_) => None,
        Subject::Extra | Subject::Extras | Subject::Groups => literal.parse::<ExtraName>().ok(),
    };
    name.map_or_else(|| literal.to_owned(), |name| name.to_string())
}

fn operand<'a>(scanner: &mut Scanner<'a>) -> Result<Operand<'a>, String> {
    scanner.blanks();
    for quote in ["'", "\""] {
        if scanner.eat(quote) {
            return literal(scanner, quote).map(Operand::Literal);
        }
    }
    let word = scanner.take_while(|symbol| is_word(symbol) || symbol == '.');
    match subject(word) {
        Some(subject) => Ok(Operand::Subject(subject)),
        None if word.is_empty() => {
            Err(format!("expected a variable or a quoted string before `{}`", scanner.rest))
        }
        None => Err(format!("unknown marker variable `{word}`")),
    }
}

fn literal<'a>(scanner: &mut Scanner<'a>, quote: &str) -> Result<&'a str, String> {
    let end = if quote == "'" { '\'' } else { '"' };
    let text = scanner.take_until(end).ok_or("a quoted string is not closed")?;
    if text.contains(['\n', '\r']) {
        return Err("a quoted string spans several lines".to_owned());
    }
    // Python would read a backslash as an escape; tools disagree on its meaning in markers.
    if text.contains('\\') {
        return Err(format!("`{text}` has a backslash"));
    }
    Ok(text)
}

fn subject(word: &str) -> Option<Subject> {
    match word {
        "extra" => Some(Subject::Extra),
        "extras" => Some(Subject::Extras),
        "dependency_groups" => Some(Subject::Groups),
        _ => MarkerVariable::of(word).map(Subject::Variable),
    }
}

fn sign(scanner: &mut Scanner<'_>) -> Result<Sign, String> {
    scanner.blanks();
    if scanner.eat_word("in") {
        return Ok(Sign::In);
    }
    if scanner.eat_word("not") {
        let is_not_in = scanner.blanks().eat_word("in");
        return if is_not_in {
            Ok(Sign::NotIn)
        } else {
            Err("expected `in` after `not`".to_owned())
        };
    }
    let found = Sign::ALL.iter().find(|(text, _)| scanner.eat(text));
    found.map(|(_, sign)| *sign).ok_or_else(|| {
        format!("expected an operator such as `==` or `in` before `{}`", scanner.rest)
    })
}
