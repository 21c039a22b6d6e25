//! Reads a typed input from a value whose scalars may be strings, as they are in templates and in what those are handed on to:
//! `"true"` is a boolean, `"3"` a number, and an empty string an empty list.

use std::fmt;

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde_json::Value;

use crate::base::lower_first;

/// Why an input does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// A required member is missing.
    Missing(&'static str),
    /// A member that the input's type refuses to know.
    Unknown(String),
    /// A number is beyond what the member's type takes: the path to it, the number, and the end of AWS's sentence.
    Beyond(Vec<String>, String, String),
    /// Something else, in words.
    Other(String),
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(member) => write!(formatter, "{member} is missing"),
            Self::Unknown(member) => write!(formatter, "{member} is not known"),
            Self::Beyond(path, value, constraint) => {
                let path = path.iter().rev().map(|name| lower_first(name)).collect::<Vec<_>>().join(".");
                write!(formatter, "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}")
            }
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    // Serde's own sentences name types of this program.
    fn invalid_type(unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self::Other(format!("{} is not of the type that is asked for", given(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let other = || Self::Other(format!("{} is out of the range that is asked for", given(unexpected)));
        beyond(unexpected, &expected.to_string()).unwrap_or_else(other)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Other(format!("'{variant}' is not one of [{}]", expected.join(", ")))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::Unknown(field.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// A value as its client wrote it, as far as serde keeps it.
fn given(unexpected: Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(flag) => format!("'{flag}'"),
        Unexpected::Unsigned(number) => format!("'{number}'"),
        Unexpected::Signed(number) => format!("'{number}'"),
        Unexpected::Float(number) => format!("'{number}'"),
        Unexpected::Str(text) => format!("'{text}'"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        _ => "a value".to_owned(),
    }
}

impl Misfit {
    /// The same, of a member.
    fn within(self, member: &str) -> Self {
        match self {
            Self::Beyond(mut path, value, constraint) => {
                path.push(member.to_owned());
                Self::Beyond(path, value, constraint)
            }
            other => other,
        }
    }
}

/// The greatest values of our types of numbers. AWS's are those of Java, which knows numbers with a sign only.
const GREATEST: [(&str, i64); 6] = [
    ("u16", u16::MAX as i64),
    ("i32", i32::MAX as i64),
    ("u32", i32::MAX as i64),
    ("i64", i64::MAX),
    ("u64", i64::MAX),
    ("usize", i32::MAX as i64),
];

/// A number that does not fit into one of our types, in AWS's words.
fn beyond(value: Unexpected<'_>, expected: &str) -> Option<Misfit> {
    let (_, greatest) = GREATEST.iter().find(|(name, _)| *name == expected)?;
    let value = match value {
        Unexpected::Signed(number) => i128::from(number),
        Unexpected::Unsigned(number) => i128::from(number),
        _ => return None,
    };
    let least = if expected.starts_with('u') { 0 } else { -i128::from(*greatest) - 1 };
    let constraint = if value < least {
        format!("Member must have value greater than or equal to {least}")
    } else {
        format!("Member must have value less than or equal to {greatest}")
    };
    Some(Misfit::Beyond(Vec::new(), value.to_string(), constraint))
}

/// Reads a typed input.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Misfit> {
    T::deserialize(Lenient(value))
}

struct Lenient(Value);

/// The members of a structure; it tells of which one a refusal is.
struct Members<I> {
    given: I,
    current: Option<(String, Value)>,
}

impl<'de, I: Iterator<Item = (String, Value)>> MapAccess<'de> for Members<I> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        self.current = self.given.next();
        let name = self.current.as_ref().map(|(name, _)| name.clone());
        name.map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(Lenient(value)).map_err(|misfit| misfit.within(&name))
    }
}

impl IntoDeserializer<'_, Misfit> for Lenient {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Numbers and booleans that came as text are parsed; everything else goes its usual way.
macro_rules! parsed_from_text {
    ($($method:ident $visit:ident $Type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            match &self.0 {
                Value::String(text) => match text.parse::<$Type>() {
                    Ok(parsed) => visitor.$visit(parsed),
                    Err(_) => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Lenient {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., Some(number)) => visitor.visit_f64(number),
                _ => visitor.visit_string(number.to_string()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Lenient))),
            Value::Object(members) => {
                // A null member is one that was not given.
                let given = members.into_iter().filter(|(_, value)| !value.is_null());
                visitor.visit_map(Members { given, current: None })
            }
        }
    }

    parsed_from_text! {
        deserialize_bool visit_bool bool,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_f64 visit_f64 f64,
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Bool(flag) => visitor.visit_string(flag.to_string()),
            Value::Number(number) => visitor.visit_string(number.to_string()),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.0 {
            Value::String(text) if text.is_empty() => Self(Value::Array(Vec::new())).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::String(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            other => other.deserialize_enum(name, variants, visitor).map_err(de::Error::custom),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}
