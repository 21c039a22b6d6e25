//! YAML templates: read with their tags, so that `!Ref x` becomes `{"Ref": "x"}`, as YAML 1.1 has it, without aliases.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value, json};

use super::{format_error, functions};
use crate::Fault;

/// How deep a template may be nested.
const MAX_DEPTH: usize = 100;

/// Reads YAML.
pub fn parse(body: &str) -> Result<Value, Fault> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(body) {
        let (event, span) = event.map_err(|error| malformed(error.marker()))?;
        reader.take(event, &span.start)?;
    }
    match reader.whole {
        Some(Value::Object(root)) => Ok(Value::Object(root)),
        _ => Err(format_error("unsupported structure.")),
    }
}

fn malformed(place: &Marker) -> Fault {
    let (line, column) = (place.line(), place.col() + 1);
    format_error(&format!("YAML not well-formed. (line {line}, column {column})"))
}

/// A list or an object that has begun.
struct Open {
    members: Members,
    function: Option<String>,
}

enum Members {
    List(Vec<Value>),
    /// With the key whose value comes next.
    Object(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    whole: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>, place: &Marker) -> Result<(), Fault> {
        match event {
            Event::Alias(_) => Err(format_error("YAML aliases are not allowed in CloudFormation templates")),
            Event::Scalar(text, style, _, tag) => {
                let function = function_of(tag.as_deref(), place)?;
                if self.expects_key() {
                    return self.key(&text, style);
                }
                // What a function is given is its text, whatever it looks like.
                let plain = style == ScalarStyle::Plain && function.is_none() && tag.is_none();
                let value = if plain { typed(&text) } else { text.as_ref().into() };
                self.put(called(function, value), place)
            }
            Event::SequenceStart(_, tag) => self.begin(Members::List(Vec::new()), tag.as_deref(), place),
            Event::MappingStart(_, tag) => self.begin(Members::Object(Map::new(), None), tag.as_deref(), place),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { members, function }) = self.open.pop() else { return Err(malformed(place)) };
                let value = match members {
                    Members::List(items) => Value::Array(items),
                    Members::Object(members, _) => Value::Object(members),
                };
                self.put(called(function, value), place)
            }
            // A second document.
            Event::DocumentStart(_) if self.whole.is_some() => Err(malformed(place)),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { members: Members::Object(_, None), .. }))
    }

    fn key(&mut self, text: &str, style: ScalarStyle) -> Result<(), Fault> {
        if style == ScalarStyle::Plain && typed(text).is_number() {
            let path = self.path();
            let sentence = format!("[{path}] map keys must be strings; received numeric [{text}] instead");
            return Err(format_error(&sentence));
        }
        if let Some(Open { members: Members::Object(_, key), .. }) = self.open.last_mut() {
            *key = Some(text.to_owned());
        }
        Ok(())
    }

    /// Where in the template we are, such as `/Mappings/Accounts`.
    fn path(&self) -> String {
        let part = |open: &Open| match &open.members {
            Members::List(items) => Some(format!("/{}", items.len())),
            Members::Object(_, key) => key.as_ref().map(|key| format!("/{key}")),
        };
        self.open.iter().filter_map(part).collect()
    }

    fn begin(&mut self, members: Members, tag: Option<&Tag>, place: &Marker) -> Result<(), Fault> {
        if self.expects_key() || self.open.len() >= MAX_DEPTH {
            return Err(malformed(place));
        }
        self.open.push(Open { members, function: function_of(tag, place)? });
        Ok(())
    }

    fn put(&mut self, value: Value, place: &Marker) -> Result<(), Fault> {
        match self.open.last_mut().map(|open| &mut open.members) {
            None => self.whole = Some(value),
            Some(Members::List(items)) => items.push(value),
            Some(Members::Object(members, key)) => {
                let key = key.take().ok_or_else(|| malformed(place))?;
                members.insert(key, value);
            }
        }
        Ok(())
    }
}

/// The long form of a tag's function; tags of YAML itself are none.
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

fn called(function: Option<String>, value: Value) -> Value {
    match (function, value) {
        (None, value) => value,
        (Some(name), Value::String(text)) if name == "Fn::GetAtt" => match text.split_once('.') {
            Some((resource, attribute)) => json!({ name: [resource, attribute] }),
            None => json!({ name: [text] }),
        },
        (Some(name), value) => json!({ name: value }),
    }
}

/// What a plain scalar is. Numbers that begin with a zero stay texts, because account ids do.
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
    fn short_forms_become_long_ones() {
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
    fn plain_scalars_are_those_of_yaml_1_1() {
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
    fn mistakes_are_told_with_their_place() {
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
