//! The text of the shared files in the strict form that the SDK's parser reads.
//!
//! The AWS CLI and the SDK for JavaScript also accept indented sections and properties, comments in nested properties,
//! quoted names and a byte order mark. A file that they accept must not stop the store.

/// The same settings, with comments removed, sections and properties not indented, and nested properties indented.
pub(super) fn strict(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    // The indentation of a property without a value. Lines that are indented further are its nested properties.
    let mut parent = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let content = without_comment(line).trim();
        let indentation = line.len() - line.trim_start().len();
        let is_section = content.starts_with('[');
        let is_nested = !is_section && parent.is_some_and(|parent| indentation > parent);
        let is_property = content.contains('=');
        if is_nested {
            strict.push_str("  ");
        } else if is_property || is_section {
            let is_empty = content.split_once('=').is_some_and(|(_, value)| value.trim().is_empty());
            parent = is_empty.then_some(indentation);
        } else if indentation > 0 && !content.is_empty() {
            // It continues the value before it.
            strict.push(' ');
        }
        strict.push_str(&if is_section { unquoted(content) } else { content.to_owned() });
        // A line for each line, for the numbers in messages.
        strict.push('\n');
    }
    strict
}

/// A comment begins with `#` or `;`, at the beginning of a line or after a blank.
fn without_comment(line: &str) -> &str {
    let mut is_after_blank = true;
    for (at, letter) in line.char_indices() {
        if is_after_blank && matches!(letter, '#' | ';') {
            return line.get(..at).unwrap_or_default();
        }
        is_after_blank = letter.is_whitespace();
    }
    line
}

/// `[profile "name"]` names the same profile as `[profile name]`.
fn unquoted(section: &str) -> String {
    let name = |quote: char| {
        let (prefix, rest) = section.split_once(quote)?;
        let name = rest.strip_suffix(']')?.trim_end().strip_suffix(quote)?;
        Some(format!("{prefix}{name}]"))
    };
    name('"').or_else(|| name('\'')).unwrap_or_else(|| section.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_sections_and_properties_lose_their_indentation() {
        let text = "\u{feff}  [default]\n  region = eu-west-1\n\toutput = json\n\n[profile 'a b']\nregion=x\n";
        assert_eq!(strict(text), "[default]\nregion = eu-west-1\noutput = json\n\n[profile a b]\nregion=x\n");
    }

    #[test]
    fn nested_properties_stay_nested() {
        let text = "[services \"local\"]\n  dynamodb =\n    # a comment\n    endpoint_url = http://a # b\n  sts =\n    endpoint_url = http://c\n";
        let expected =
            "[services local]\ndynamodb =\n  \n  endpoint_url = http://a\nsts =\n  endpoint_url = http://c\n";
        assert_eq!(strict(text), expected);
        let after = "[default]\ns3 =\n  max = 1\nregion = x\n";
        assert_eq!(strict(after), after);
        let padded = "[default]\nsecret = a=\n  b\n";
        assert_eq!(strict(padded), "[default]\nsecret = a=\n b\n");
        let blank = "[default]\naws_session_token =\nregion = x\n";
        assert_eq!(strict(blank), blank);
    }

    #[test]
    fn a_comment_needs_a_blank_before_it_and_does_not_continue_a_value() {
        let text = "[default]\nregion = x\n  # a comment\nsecret = a#b;c ;d\n";
        assert_eq!(strict(text), "[default]\nregion = x\n\nsecret = a#b;c\n");
    }

    #[test]
    fn a_value_of_several_lines_and_other_text_are_left_alone() {
        let text = "text\n[default]\nkey = a\n  b\n";
        assert_eq!(strict(text), "text\n[default]\nkey = a\n b\n");
        assert_eq!(strict("[default\n"), "[default\n");
    }
}
