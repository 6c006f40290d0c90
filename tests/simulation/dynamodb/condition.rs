//! Condition expressions, as far as the store uses them, evaluated while they are read.

use std::cmp::Ordering;

use serde_json::Value;

use super::Item;

/// Whether `expression` holds for the row (or for its absence), with these values for its placeholders.
pub(crate) fn holds(expression: &str, item: Option<&Item>, values: &Value) -> bool {
    let mut reader = Reader { tokens: tokens(expression), at: 0, item, values };
    let verdict = reader.any();
    assert!(reader.at == reader.tokens.len(), "{expression:?} goes on after {:?}", &reader.tokens[..reader.at]);
    verdict
}

fn tokens(expression: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in expression.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')', ',']) {
            tokens.extend([&rest[..at], &rest[at..=at]].into_iter().filter(|token| !token.is_empty()));
            rest = &rest[at + 1..];
        }
        tokens.extend(Some(rest).filter(|token| !token.is_empty()));
    }
    tokens
}

struct Reader<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    item: Option<&'a Item>,
    values: &'a Value,
}

impl<'a> Reader<'a> {
    fn take(&mut self) -> &'a str {
        self.at += 1;
        self.tokens.get(self.at - 1).unwrap_or_else(|| panic!("the condition ends early: {:?}", self.tokens))
    }

    fn skip(&mut self, token: &str) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&token);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: &str) {
        let found = self.take();
        assert_eq!(found, token, "in {:?}", self.tokens);
    }

    /// `… OR …`. Both sides are always read, and so always evaluated.
    fn any(&mut self) -> bool {
        let mut verdict = self.all();
        while self.skip("OR") {
            verdict |= self.all();
        }
        verdict
    }

    /// `… AND …`
    fn all(&mut self) -> bool {
        let mut verdict = self.one();
        while self.skip("AND") {
            verdict &= self.one();
        }
        verdict
    }

    fn one(&mut self) -> bool {
        if self.skip("NOT") {
            return !self.one();
        }
        if self.skip("(") {
            let verdict = self.any();
            self.expect(")");
            return verdict;
        }
        if self.skip("attribute_type") {
            self.expect("(");
            let attribute = self.operand();
            self.expect(",");
            let wanted = self.operand().and_then(|value| value["S"].as_str());
            self.expect(")");
            return attribute.and_then(kind) == wanted;
        }
        if self.skip("attribute_exists") {
            self.expect("(");
            let attribute = self.operand();
            self.expect(")");
            return attribute.is_some();
        }
        self.comparison()
    }

    /// A comparison with an absent value, or with one of another type, is never true.
    fn comparison(&mut self) -> bool {
        let left = self.operand();
        let operator = self.take();
        let right = self.operand();
        let order = compare(left, right);
        match operator {
            "=" => order == Some(Ordering::Equal),
            "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            ">" => order == Some(Ordering::Greater),
            "BETWEEN" => {
                self.expect("AND");
                let most = self.operand();
                let within = compare(left, most);
                matches!(order, Some(Ordering::Greater | Ordering::Equal))
                    && matches!(within, Some(Ordering::Less | Ordering::Equal))
            }
            other => panic!("the store has no use for {other}"),
        }
    }

    fn operand(&mut self) -> Option<&'a Value> {
        let name = self.take();
        if name.starts_with(':') {
            return Some(self.values.get(name).unwrap_or_else(|| panic!("{name} has no value")));
        }
        self.item.and_then(|item| item.get(name))
    }
}

/// The type's letter.
fn kind(value: &Value) -> Option<&str> {
    value.as_object()?.keys().next().map(String::as_str)
}

/// Strings by their bytes, numbers by their size; others are not compared by the store.
fn compare(left: Option<&Value>, right: Option<&Value>) -> Option<Ordering> {
    let (left, right) = (left?, right?);
    match (kind(left)?, kind(right)?) {
        ("S", "S") => Some(left["S"].as_str()?.cmp(right["S"].as_str()?)),
        // Doubles tell any two numbers apart that a JavaScript caller can make.
        ("N", "N") => number(left)?.partial_cmp(&number(right)?),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    value["N"].as_str()?.parse().ok()
}
