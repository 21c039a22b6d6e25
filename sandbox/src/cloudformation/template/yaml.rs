//! YAML templates, in YAML 1.1 without aliases. Tags become functions: `!Ref x` is `{"Ref": "x"}`.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value, json};

use super::{format_error, functions};
use crate::Fault;

/// The maximum nesting of a template.
const MAX_DEPTH: usize = 100;

pub(super) fn parse(body: &str) -> Result<Value, Fault> {
    let mut parser = TreeBuilder::default();
    for event in Parser::new_from_str(body) {
        let (event, span) = event.map_err(|error| malformed(error.marker()))?;
        parser.add(event, &span.start)?;
    }
    match parser.root {
        Some(Value::Object(root)) => Ok(Value::Object(root)),
        _ => Err(format_error("unsupported structure.")),
    }
}

fn malformed(place: &Marker) -> Fault {
    let (line, column) = (place.line(), place.col() + 1);
    format_error(&format!("YAML not well-formed. (line {line}, column {column})"))
}

/// A list or an object whose end has not been parsed yet.
struct Collection {
    members: CollectionMembers,
    function: Option<String>,
}

enum CollectionMembers {
    List(Vec<Value>),
    /// With the key of the next value.
    Object(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct TreeBuilder {
    open: Vec<Collection>,
    root: Option<Value>,
}

impl TreeBuilder {
    fn add(&mut self, event: Event<'_>, place: &Marker) -> Result<(), Fault> {
        match event {
            Event::Alias(_) => Err(format_error("YAML aliases are not allowed in CloudFormation templates")),
            Event::Scalar(text, style, _, tag) => {
                let function = function_of(tag.as_deref(), place)?;
                if self.expects_key() {
                    return self.key(&text, style);
                }
                // The argument of a function is always text.
                let plain = style == ScalarStyle::Plain && function.is_none() && tag.is_none();
                let value = if plain { typed(&text) } else { text.as_ref().into() };
                self.put(apply_tag(function, value), place)
            }
            Event::SequenceStart(_, tag) => self.begin(CollectionMembers::List(Vec::new()), tag.as_deref(), place),
            Event::MappingStart(_, tag) => {
                self.begin(CollectionMembers::Object(Map::new(), None), tag.as_deref(), place)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Collection { members, function }) = self.open.pop() else { return Err(malformed(place)) };
                let value = match members {
                    CollectionMembers::List(items) => Value::Array(items),
                    CollectionMembers::Object(members, _) => Value::Object(members),
                };
                self.put(apply_tag(function, value), place)
            }
            // A second document.
            Event::DocumentStart(_) if self.root.is_some() => Err(malformed(place)),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Collection { members: CollectionMembers::Object(_, None), .. }))
    }

    fn key(&mut self, text: &str, style: ScalarStyle) -> Result<(), Fault> {
        if style == ScalarStyle::Plain && typed(text).is_number() {
            let path = self.path();
            let sentence = format!("[{path}] map keys must be strings; received numeric [{text}] instead");
            return Err(format_error(&sentence));
        }
        if let Some(Collection { members: CollectionMembers::Object(_, key), .. }) = self.open.last_mut() {
            *key = Some(text.to_owned());
        }
        Ok(())
    }

    /// The current path, such as `/Mappings/Accounts`.
    fn path(&self) -> String {
        let part = |open: &Collection| match &open.members {
            CollectionMembers::List(items) => Some(format!("/{}", items.len())),
            CollectionMembers::Object(_, key) => key.as_ref().map(|key| format!("/{key}")),
        };
        self.open.iter().filter_map(part).collect()
    }

    fn begin(&mut self, members: CollectionMembers, tag: Option<&Tag>, place: &Marker) -> Result<(), Fault> {
        if self.expects_key() || self.open.len() >= MAX_DEPTH {
            return Err(malformed(place));
        }
        self.open.push(Collection { members, function: function_of(tag, place)? });
        Ok(())
    }

    fn put(&mut self, value: Value, place: &Marker) -> Result<(), Fault> {
        match self.open.last_mut().map(|open| &mut open.members) {
            None => self.root = Some(value),
            Some(CollectionMembers::List(items)) => items.push(value),
            Some(CollectionMembers::Object(members, key)) => {
                let key = key.take().ok_or_else(|| malformed(place))?;
                members.insert(key, value);
            }
        }
        Ok(())
    }
}

/// The function of a tag, by its long name; `None` for YAML's own tags.
fn function_of(tag: Option<&Tag>, place: &Marker) -> Result<Option<String>, Fault> {
    let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) else { return Ok(None) };
    let name = match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    };
    if tag.handle == "!" && (functions::find(&name).is_some() || name == "Fn::Transform") {
        return Ok(Some(name));
    }
    Err(malformed(place))
}

fn apply_tag(function: Option<String>, value: Value) -> Value {
    match (function, value) {
        (None, value) => value,
        (Some(name), Value::String(text)) if name == "Fn::GetAtt" => match text.split_once('.') {
            Some((resource, attribute)) => json!({ name: [resource, attribute] }),
            None => json!({ name: [text] }),
        },
        (Some(name), value) => json!({ name: value }),
    }
}

/// The value of a plain scalar. Numbers with leading zeros are text, as account ids are.
fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return true.into(),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return false.into(),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let begins = digits.starts_with(|first: char| first.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if !begins || padded || text.len() - digits.len() > 1 {
        return text.into();
    }
    if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return text.trim_start_matches('+').parse::<i64>().map_or_else(|_| text.into(), Value::from);
    }
    let decimal =
        digits.contains('.') && digits.bytes().all(|digit| digit.is_ascii_digit() || b".eE+-".contains(&digit));
    let number = text.parse::<f64>().ok().filter(|_| decimal).and_then(Number::from_f64);
    number.map_or_else(|| text.into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse, typed};

    #[test]
    fn tags_become_functions() {
        let text = "A: !Sub '${B}'\nC: !GetAtt D.E.F\nG: !GetAtt [H, I]\nJ: !If [K, !Ref L, !Ref 'AWS::NoValue']\n";
        let expected = json!({
            "A": { "Fn::Sub": "${B}" },
            "C": { "Fn::GetAtt": ["D", "E.F"] },
            "G": { "Fn::GetAtt": ["H", "I"] },
            "J": { "Fn::If": ["K", { "Ref": "L" }, { "Ref": "AWS::NoValue" }] },
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn plain_scalars_have_the_types_of_yaml_1_1() {
        let cases = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("2010-09-09", json!("2010-09-09")),
            ("012345678901", json!("012345678901")),
            ("12", json!(12)),
            ("-1.50", json!(-1.5)),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.0/16", json!("10.0.0.0/16")),
            ("~", json!(null)),
        ];
        for (text, value) in cases {
            assert_eq!(typed(text), value, "{text}");
        }
    }

    #[test]
    fn errors_have_their_position() {
        let aliases = "Template format error: YAML aliases are not allowed in CloudFormation templates";
        let cases = [
            ("A: &x 1\nB: *x\n", aliases),
            ("A: !Nope x\n", "Template format error: YAML not well-formed. (line 1, column 4)"),
            ("just text", "Template format error: unsupported structure."),
            (
                "Mappings:\n  Accounts:\n    123: {a: b}\n",
                "Template format error: [/Mappings/Accounts] map keys must be strings; received numeric [123] instead",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).expect_err(text).message, message);
        }
        let broken = parse("A:\n  B: test\n C:\n").expect_err("it is broken").message;
        assert!(broken.starts_with("Template format error: YAML not well-formed. (line 3, column "), "{broken}");
    }
}
