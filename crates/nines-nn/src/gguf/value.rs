//! Metadata values.

/// One metadata value. Integers are widened and floats kept; arrays hold values of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum GgufValue {
    /// An unsigned integer of any width.
    Unsigned(u64),
    /// A signed integer of any width.
    Signed(i64),
    /// A single-precision number.
    F32(f32),
    /// A double-precision number.
    F64(f64),
    /// True or false.
    Bool(bool),
    /// Text.
    Text(String),
    /// Many texts, such as a vocabulary.
    Texts(Vec<String>),
    /// Many integers, such as token types.
    Integers(Vec<i64>),
    /// Many floats, such as token scores.
    Floats(Vec<f64>),
    /// Many booleans.
    Bools(Vec<bool>),
    /// An array of arrays, which nothing here reads: how many it holds.
    Nested(u64),
}

impl GgufValue {
    /// Returns the value as an unsigned integer, whatever its width, where it is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(*value),
            Self::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// Returns the value as a number, where it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::F32(value) => Some(f64::from(*value)),
            Self::F64(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the value as true or false, where it is that.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the value as text, where it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value as a list of texts, where it is one.
    pub fn as_texts(&self) -> Option<&[String]> {
        match self {
            Self::Texts(texts) => Some(texts),
            _ => None,
        }
    }

    /// Returns the value as a list of integers, where it is one.
    pub fn as_integers(&self) -> Option<&[i64]> {
        match self {
            Self::Integers(integers) => Some(integers),
            _ => None,
        }
    }

    /// Returns the value as a list of numbers, where it is one.
    pub fn as_floats(&self) -> Option<&[f64]> {
        match self {
            Self::Floats(floats) => Some(floats),
            _ => None,
        }
    }

    /// Says what kind of value it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Unsigned(_) | Self::Signed(_) => "an integer".to_owned(),
            Self::F32(_) | Self::F64(_) => "a number".to_owned(),
            Self::Bool(_) => "true or false".to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::Texts(list) => format!("a list of {} texts", list.len()),
            Self::Integers(list) => format!("a list of {} integers", list.len()),
            Self::Floats(list) => format!("a list of {} numbers", list.len()),
            Self::Bools(list) => format!("a list of {} booleans", list.len()),
            Self::Nested(count) => format!("a list of {count} lists"),
        }
    }
}
