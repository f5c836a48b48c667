//! An open GGUF file.

use super::dequantize::dequantize;
use super::error::GgufError;
use super::header::{self, TensorEntry};
use super::kind::TensorKind;
use super::value::GgufValue;
use memmap2::Mmap;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A GGUF file, mapped into memory, its header read and checked.
///
/// The file must not be changed while it is open: it is mapped, not copied.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    bytes: Bytes,
    metadata: BTreeMap<String, GgufValue>,
    tensors: BTreeMap<String, Placed>,
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A tensor whose place in the file has been checked.
#[derive(Debug)]
struct Placed {
    shape: Vec<usize>,
    /// `Err` holds ggml's number of a kind that cannot be read here.
    kind: Result<TensorKind, u32>,
    range: Range<usize>,
}

/// One tensor of a GGUF file, still as stored.
#[derive(Debug, Clone, Copy)]
pub struct GgufTensor<'a> {
    /// Its dimensions, outermost first: `[rows, columns]` for a matrix.
    pub shape: &'a [usize],
    /// How its numbers are stored.
    pub kind: TensorKind,
    /// Its bytes; rows lie one after the other.
    pub bytes: &'a [u8],
}

impl GgufFile {
    /// Opens and checks a file.
    ///
    /// # Errors
    /// [`GgufError`] where the file cannot be read, is not GGUF, ends too early or contradicts
    /// itself.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let io = |source| GgufError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() == 0 {
            return Self::parse(path, Bytes::Owned(Vec::new()));
        }
        // SAFETY: the map is read-only, and the documentation asks that the file stay as it is.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Self::parse(path, Bytes::Mapped(map))
    }

    /// Reads a file that is already in memory; `path` is for messages.
    ///
    /// # Errors
    /// As [`GgufFile::open`].
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, GgufError> {
        Self::parse(path, Bytes::Owned(bytes))
    }

    fn parse(path: &Path, bytes: Bytes) -> Result<Self, GgufError> {
        let header = header::read(path, bytes.as_slice())?;
        let broken = |what: &str, reason: String| GgufError::Broken {
            path: path.to_owned(),
            what: what.to_owned(),
            reason,
        };
        let alignment = match header.metadata.get("general.alignment") {
            None => 32,
            Some(value) => match value.as_u64() {
                Some(alignment) if alignment.is_power_of_two() && alignment <= 1 << 20 => alignment,
                _ => {
                    return Err(broken(
                        "metadata general.alignment",
                        "it is not a small power of two".to_owned(),
                    ));
                }
            },
        };
        let data_start = (header.end as u64).next_multiple_of(alignment);
        let mut tensors = BTreeMap::new();
        for entry in header.tensors {
            let what = format!("tensor {}", entry.name);
            let (name, placed) = place(path, entry, data_start, bytes.as_slice().len() as u64)?;
            if tensors.insert(name, placed).is_some() {
                return Err(broken(&what, "the tensor comes twice".to_owned()));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            bytes,
            metadata: header.metadata,
            tensors,
        })
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the whole file, for digests.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Returns a metadata value, where the file has it.
    pub fn metadata(&self, key: &str) -> Option<&GgufValue> {
        self.metadata.get(key)
    }

    /// Iterates over all metadata, in the order of the keys.
    pub fn all_metadata(&self) -> impl Iterator<Item = (&str, &GgufValue)> {
        self.metadata
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Returns a metadata value that must be a text.
    ///
    /// # Errors
    /// [`GgufError::MissingMetadata`] and [`GgufError::WrongMetadata`].
    pub fn text(&self, key: &str) -> Result<&str, GgufError> {
        self.required(key, "a text", GgufValue::as_str)
    }

    /// Returns a metadata value that must be an unsigned integer.
    ///
    /// # Errors
    /// [`GgufError::MissingMetadata`] and [`GgufError::WrongMetadata`].
    pub fn unsigned(&self, key: &str) -> Result<u64, GgufError> {
        self.required(key, "a positive integer", GgufValue::as_u64)
    }

    /// Returns a metadata value that must be a number.
    ///
    /// # Errors
    /// [`GgufError::MissingMetadata`] and [`GgufError::WrongMetadata`].
    pub fn number(&self, key: &str) -> Result<f64, GgufError> {
        self.required(key, "a number", GgufValue::as_f64)
    }

    /// Returns a metadata value that is of the wanted kind if it is there at all.
    ///
    /// # Errors
    /// [`GgufError::WrongMetadata`].
    pub fn optional<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        read: impl Fn(&'a GgufValue) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(GgufError::WrongMetadata {
                    path: self.path.clone(),
                    key: key.to_owned(),
                    found: value.describe(),
                    expected,
                }),
            },
        }
    }

    fn required<'a, T>(
        &'a self,
        key: &str,
        expected: &'static str,
        read: impl Fn(&'a GgufValue) -> Option<T>,
    ) -> Result<T, GgufError> {
        self.optional(key, expected, read)?
            .ok_or_else(|| GgufError::MissingMetadata {
                path: self.path.clone(),
                key: key.to_owned(),
            })
    }

    /// Iterates over the names of the tensors, in order.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns a tensor as stored.
    ///
    /// # Errors
    /// [`GgufError::MissingTensor`] and [`GgufError::UnsupportedKind`].
    pub fn tensor(&self, name: &str) -> Result<GgufTensor<'_>, GgufError> {
        let placed = self
            .tensors
            .get(name)
            .ok_or_else(|| GgufError::MissingTensor {
                path: self.path.clone(),
                tensor: name.to_owned(),
            })?;
        match placed.kind {
            Ok(kind) => Ok(GgufTensor {
                shape: &placed.shape,
                kind,
                bytes: &self.bytes.as_slice()[placed.range.clone()],
            }),
            Err(id) => Err(GgufError::UnsupportedKind {
                path: self.path.clone(),
                tensor: name.to_owned(),
                kind: TensorKind::describe(id),
            }),
        }
    }

    /// Returns a tensor's numbers, row by row.
    ///
    /// # Errors
    /// As [`GgufFile::tensor`].
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, GgufError> {
        let tensor = self.tensor(name)?;
        let mut out = vec![0.0; tensor.shape.iter().product()];
        dequantize(tensor.kind, tensor.bytes, &mut out);
        Ok(out)
    }
}

/// Checks where a tensor lies. What cannot be read here is kept with an empty range.
fn place(
    path: &Path,
    entry: TensorEntry,
    data_start: u64,
    length: u64,
) -> Result<(String, Placed), GgufError> {
    let broken = |reason: String| GgufError::Broken {
        path: path.to_owned(),
        what: format!("tensor {}", entry.name),
        reason,
    };
    let too_large = || broken(format!("the shape {:?} is too large", entry.dimensions));
    let mut count = 1usize;
    let mut shape = Vec::with_capacity(entry.dimensions.len());
    for &dimension in entry.dimensions.iter().rev() {
        let dimension = usize::try_from(dimension).map_err(|_| too_large())?;
        count = count.checked_mul(dimension).ok_or_else(too_large)?;
        shape.push(dimension);
    }
    let Some(kind) = TensorKind::from_id(entry.kind) else {
        let placed = Placed {
            shape,
            kind: Err(entry.kind),
            range: 0..0,
        };
        return Ok((entry.name, placed));
    };
    let row = shape.last().copied().unwrap_or(1);
    if !row.is_multiple_of(kind.block_len()) {
        return Err(broken(format!(
            "rows of {row} numbers do not fill whole blocks of {}",
            kind.name()
        )));
    }
    let size = kind.bytes_for(count).ok_or_else(too_large)? as u64;
    let start = data_start
        .checked_add(entry.offset)
        .ok_or_else(|| broken(format!("the offset {}", entry.offset)))?;
    match start.checked_add(size) {
        Some(end) if end <= length => Ok((
            entry.name,
            Placed {
                shape,
                kind: Ok(kind),
                range: start as usize..end as usize,
            },
        )),
        _ => Err(GgufError::Truncated {
            path: path.to_owned(),
            what: format!("tensor {}", entry.name),
            offset: start,
            needed: size,
            length,
        }),
    }
}
