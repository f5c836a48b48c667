//! Reads the header: metadata and the table of tensors.
//!
//! The cursor never goes past the end, and no list is given room for more elements than the bytes
//! left could hold.

use super::error::GgufError;
use super::value::GgufValue;
use std::collections::BTreeMap;
use std::path::Path;

/// Arrays in arrays deeper than this are refused; nothing writes them.
const MAX_ARRAY_DEPTH: usize = 4;
/// ggml has at most four dimensions.
const MAX_DIMENSIONS: u32 = 4;
/// The longest name that ggml itself allows is 64; be generous.
const MAX_NAME_BYTES: u64 = 4096;

/// A tensor as the header describes it, not yet checked against the file's size.
pub(super) struct TensorEntry {
    pub(super) name: String,
    /// Innermost first, as the file has it.
    pub(super) dimensions: Vec<u64>,
    pub(super) kind: u32,
    pub(super) offset: u64,
}

pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, GgufValue>,
    pub(super) tensors: Vec<TensorEntry>,
    /// Where the header ends.
    pub(super) end: usize,
}

struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
    what: String,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> u64 {
        (self.bytes.len() - self.at) as u64
    }

    fn take(&mut self, needed: u64) -> Result<&'a [u8], GgufError> {
        if needed > self.left() {
            return Err(GgufError::Truncated {
                path: self.path.to_owned(),
                what: self.what.clone(),
                offset: self.at as u64,
                needed,
                length: self.bytes.len() as u64,
            });
        }
        let end = self.at + needed as usize;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        let bytes = self.take(length)?;
        // Some converters wrote token texts that are not UTF-8; ggml does not mind, and neither
        // does a vocabulary entry that can then never be matched.
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    fn name(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        if length > MAX_NAME_BYTES {
            return Err(self.broken(format!("a name of {length} bytes")));
        }
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(self.broken("a name that is not UTF-8".to_owned())),
        }
    }

    fn broken(&self, reason: String) -> GgufError {
        GgufError::Broken {
            path: self.path.to_owned(),
            what: self.what.clone(),
            reason,
        }
    }

    /// Checks that `count` elements of at least `min_bytes` each can still follow.
    fn check_count(&self, count: u64, min_bytes: u64) -> Result<usize, GgufError> {
        let needed = count.saturating_mul(min_bytes);
        if needed > self.left() {
            return Err(GgufError::Truncated {
                path: self.path.to_owned(),
                what: format!("{} ({count} elements)", self.what),
                offset: self.at as u64,
                needed,
                length: self.bytes.len() as u64,
            });
        }
        Ok(count as usize)
    }

    fn scalar(&mut self, kind: u32) -> Result<GgufValue, GgufError> {
        Ok(match kind {
            0 => GgufValue::Unsigned(u64::from(self.array::<1>()?[0])),
            1 => GgufValue::Signed(i64::from(i8::from_le_bytes(self.array()?))),
            2 => GgufValue::Unsigned(u64::from(u16::from_le_bytes(self.array()?))),
            3 => GgufValue::Signed(i64::from(i16::from_le_bytes(self.array()?))),
            4 => GgufValue::Unsigned(u64::from(self.u32()?)),
            5 => GgufValue::Signed(i64::from(i32::from_le_bytes(self.array()?))),
            6 => GgufValue::F32(f32::from_le_bytes(self.array()?)),
            7 => GgufValue::Bool(self.array::<1>()?[0] != 0),
            8 => GgufValue::Text(self.text()?),
            10 => GgufValue::Unsigned(self.u64()?),
            11 => GgufValue::Signed(i64::from_le_bytes(self.array()?)),
            12 => GgufValue::F64(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.broken(format!("value type {kind} does not exist"))),
        })
    }

    fn value(&mut self, kind: u32, depth: usize) -> Result<GgufValue, GgufError> {
        if kind != 9 {
            return self.scalar(kind);
        }
        if depth == MAX_ARRAY_DEPTH {
            return Err(self.broken("arrays nested too deeply".to_owned()));
        }
        let element = self.u32()?;
        let count = self.u64()?;
        let min_bytes = match element {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => 12,
            _ => return Err(self.broken(format!("value type {element} does not exist"))),
        };
        let len = self.check_count(count, min_bytes)?;
        Ok(match element {
            8 => GgufValue::Texts((0..len).map(|_| self.text()).collect::<Result<_, _>>()?),
            9 => {
                for _ in 0..len {
                    self.value(9, depth + 1)?;
                }
                GgufValue::Nested(count)
            }
            7 => GgufValue::Bools(self.take(count)?.iter().map(|&byte| byte != 0).collect()),
            6 | 12 => {
                let mut list = Vec::with_capacity(len);
                for _ in 0..len {
                    list.push(self.scalar(element)?.as_f64().unwrap_or(f64::NAN));
                }
                GgufValue::Floats(list)
            }
            _ => {
                let mut list = Vec::with_capacity(len);
                for _ in 0..len {
                    list.push(match self.scalar(element)? {
                        GgufValue::Signed(value) => value,
                        GgufValue::Unsigned(value) => i64::try_from(value)
                            .map_err(|_| self.broken(format!("the integer {value}")))?,
                        other => return Err(self.broken(other.describe())),
                    });
                }
                GgufValue::Integers(list)
            }
        })
    }
}

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Header, GgufError> {
    let not_gguf = |reason: &str| GgufError::NotGguf {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if bytes.len() < 4 || !bytes.starts_with(b"GGUF") {
        return Err(not_gguf("it does not start with the letters GGUF"));
    }
    let mut cursor = Cursor {
        path,
        bytes,
        at: 4,
        what: "the version".to_owned(),
    };
    match cursor.u32()? {
        2 | 3 => {}
        1 => {
            return Err(not_gguf(
                "it has version 1; convert it with a newer llama.cpp",
            ));
        }
        version if version.swap_bytes() <= 3 => {
            return Err(not_gguf("it is big-endian; use the little-endian file"));
        }
        version => {
            return Err(not_gguf(&format!(
                "it has version {version}; versions 2 and 3 are known"
            )));
        }
    }
    cursor.what = "the number of tensors".to_owned();
    let tensor_count = cursor.u64()?;
    cursor.what = "the number of metadata values".to_owned();
    let metadata_count = cursor.u64()?;
    cursor.what = "the metadata".to_owned();
    // A value takes a name's length, a type and a byte at least.
    let metadata_count = cursor.check_count(metadata_count, 13)?;
    let mut metadata = BTreeMap::new();
    for index in 0..metadata_count {
        cursor.what = format!("metadata value {index}");
        let key = cursor.name()?;
        cursor.what = format!("metadata {key}");
        let kind = cursor.u32()?;
        let value = cursor.value(kind, 0)?;
        if metadata.insert(key, value).is_some() {
            return Err(cursor.broken("the key comes twice".to_owned()));
        }
    }
    cursor.what = "the table of tensors".to_owned();
    // A tensor takes a name's length, a dimension count, a type and an offset at least.
    let tensor_count = cursor.check_count(tensor_count, 24)?;
    let mut tensors = Vec::with_capacity(tensor_count);
    for index in 0..tensor_count {
        cursor.what = format!("tensor {index}");
        let name = cursor.name()?;
        cursor.what = format!("tensor {name}");
        let rank = cursor.u32()?;
        if rank > MAX_DIMENSIONS {
            return Err(cursor.broken(format!("it has {rank} dimensions")));
        }
        let dimensions = (0..rank)
            .map(|_| cursor.u64())
            .collect::<Result<Vec<_>, _>>()?;
        let kind = cursor.u32()?;
        let offset = cursor.u64()?;
        tensors.push(TensorEntry {
            name,
            dimensions,
            kind,
            offset,
        });
    }
    Ok(Header {
        metadata,
        tensors,
        end: cursor.at,
    })
}
