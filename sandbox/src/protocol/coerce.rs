//! Deserializes a typed input from a value whose scalars may be strings, as they are in templates and in what is made of them:
//! `"true"` is a boolean, `"3"` a number, and an empty string an empty list.

use serde::de::value::SeqDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde_json::{Number, Value};

pub(crate) use super::input_error::InputError;

/// Deserializes a typed input.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, InputError> {
    T::deserialize(CoercingDeserializer(value))
}

struct CoercingDeserializer(Value);

/// The members of a structure; an error is marked with the name of the member in which it is.
struct StructureAccess<I> {
    remaining: I,
    current: Option<(String, Value)>,
}

impl<'de, I: Iterator<Item = (String, Value)>> MapAccess<'de> for StructureAccess<I> {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        self.current = self.remaining.next();
        let name = self.current.as_ref().map(|(name, _)| name.clone());
        name.map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InputError> {
        let (name, value) = self.current.take().unwrap_or_default();
        seed.deserialize(CoercingDeserializer(value)).map_err(|error| error.within(&name))
    }
}

impl IntoDeserializer<'_, InputError> for CoercingDeserializer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Parses scalars that came as text; anything else is deserialized as it is.
macro_rules! parsed_from_text {
    ($($method:ident $visit:ident $Type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
            match self.0.as_str().map(str::parse::<$Type>) {
                Some(Ok(parsed)) => visitor.$visit(parsed),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

/// Parses integers that came as text, and refuses those out of range with AWS's message. AWS's types are Java's, which are signed, so the
/// maximum of an unsigned type here is that of Java's type.
macro_rules! integers {
    ($($method:ident $visit:ident $Type:ty, max: $max:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
            match &self.0 {
                Value::String(text) => match text.parse::<$Type>() {
                    Ok(parsed) => visitor.$visit(parsed),
                    Err(_) => self.deserialize_any(visitor),
                },
                Value::Number(number) => match as_integer(number) {
                    Some(number) => match <$Type>::try_from(number) {
                        Ok(fitting) => visitor.$visit(fitting),
                        Err(_) => Err(InputError::out_of_range(number, <$Type>::MIN.into(), $max.into())),
                    },
                    None => self.deserialize_any(visitor),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

/// The value of a number without a fraction.
fn as_integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

impl<'de> de::Deserializer<'de> for CoercingDeserializer {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
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
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(CoercingDeserializer))),
            Value::Object(members) => {
                // A null member is one that was not given.
                let remaining = members.into_iter().filter(|(_, value)| !value.is_null());
                visitor.visit_map(StructureAccess { remaining, current: None })
            }
        }
    }

    parsed_from_text! {
        deserialize_bool visit_bool bool,
        deserialize_f64 visit_f64 f64,
    }

    integers! {
        deserialize_i32 visit_i32 i32, max: i32::MAX;
        deserialize_i64 visit_i64 i64, max: i64::MAX;
        deserialize_u16 visit_u16 u16, max: u16::MAX;
        deserialize_u32 visit_u32 u32, max: i32::MAX;
        deserialize_u64 visit_u64 u64, max: i64::MAX;
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::Bool(flag) => visitor.visit_string(flag.to_string()),
            Value::Number(number) => visitor.visit_string(number.to_string()),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match &self.0 {
            Value::String(text) if text.is_empty() => Self(Value::Array(Vec::new())).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        match self.0 {
            Value::String(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            other => other.deserialize_enum(name, variants, visitor).map_err(de::Error::custom),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::from_value;

    #[derive(Debug, PartialEq, Deserialize)]
    struct TestInput {
        port: Option<u16>,
        count: Option<u32>,
        size: Option<usize>,
        inner: Option<Box<TestInput>>,
    }

    #[test]
    fn a_number_out_of_range_is_refused_in_awss_words() {
        for (input, message) in [
            (
                json!({ "port": 65_536 }),
                "Value '65536' at 'port' failed to satisfy constraint: Member must have value less than or equal to 65535",
            ),
            (
                json!({ "count": 4_294_967_296_u64 }),
                "Value '4294967296' at 'count' failed to satisfy constraint: Member must have value less than or equal to 2147483647",
            ),
            (
                json!({ "inner": { "size": -1 } }),
                "Value '-1' at 'inner.size' failed to satisfy constraint: Member must have value greater than or equal to 0",
            ),
            (json!({ "count": 1.5 }), "'1.5' is not of the expected type"),
            (json!({ "count": "x" }), "'x' is not of the expected type"),
        ] {
            assert_eq!(from_value::<TestInput>(input).expect_err("it does not fit").to_string(), message);
        }
        let input = from_value::<TestInput>(json!({ "port": "80", "count": 4_294_967_295_u32, "size": null }));
        assert_eq!(input, Ok(TestInput { port: Some(80), count: Some(u32::MAX), size: None, inner: None }));
    }
}
