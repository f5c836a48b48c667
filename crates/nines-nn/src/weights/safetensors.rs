//! Weights in safetensors files: one, or several with an index.
//!
//! Only headers are kept in memory; each tensor is read from the file when it is asked for, as
//! 32-bit numbers.

use super::files::write_whole;
use crate::error::NnError;
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest header that is read, in bytes: far more than any model's.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// The file of a folder that has its weights in one piece.
pub const FILE_NAME: &str = "model.safetensors";
/// The index of a folder that has its weights in several.
pub const INDEX_NAME: &str = "model.safetensors.index.json";

/// One safetensors file, its header read and checked.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    data_start: u64,
    header: Metadata,
}

impl SafetensorsFile {
    /// Opens a file and checks its header against its length.
    ///
    /// # Errors
    /// [`NnError::Read`] when the file cannot be read, [`NnError::Damaged`] when it is cut off or
    /// is no safetensors file.
    pub fn open(path: &Path) -> Result<Self, NnError> {
        let unread = |source| NnError::Read {
            path: path.to_owned(),
            source,
        };
        let damaged = |reason: String| NnError::Damaged {
            path: path.to_owned(),
            reason,
        };
        let mut file = File::open(path).map_err(unread)?;
        let length = file.metadata().map_err(unread)?.len();
        if length < 8 {
            return Err(damaged(format!("it has only {length} bytes")));
        }
        let mut prefix = [0; 8];
        file.read_exact(&mut prefix).map_err(unread)?;
        let header_length = u64::from_le_bytes(prefix);
        if header_length > MAX_HEADER_BYTES || header_length > length - 8 {
            return Err(damaged(format!(
                "it promises a header of {header_length} bytes, but has {} after the first eight",
                length - 8
            )));
        }
        let mut header = vec![0; header_length as usize];
        file.read_exact(&mut header).map_err(unread)?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|error| damaged(format!("its header says: {error}")))?;
        let (promised, found) = (header.data_len() as u64, length - 8 - header_length);
        if promised != found {
            return Err(damaged(format!(
                "its header promises {promised} bytes of weights, but {found} are there"
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            data_start: 8 + header_length,
            header,
        })
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the tensors, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// Returns a tensor's shape.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|info| info.shape.as_slice())
    }

    /// Reads a tensor of the given shape as 32-bit numbers, row-major.
    ///
    /// # Errors
    /// [`NnError::MissingTensor`], [`NnError::WrongShape`], [`NnError::WrongKind`],
    /// [`NnError::NotFinite`], or [`NnError::Read`] when the system refuses.
    pub fn read(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, NnError> {
        let Some(info) = self.header.info(name) else {
            return Err(NnError::MissingTensor {
                path: self.path.clone(),
                name: name.to_owned(),
                expected: expected.to_vec(),
            });
        };
        if info.shape != expected {
            return Err(NnError::WrongShape {
                path: self.path.clone(),
                name: name.to_owned(),
                expected: expected.to_vec(),
                found: info.shape.clone(),
            });
        }
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let unread = |source| NnError::Read {
            path: self.path.clone(),
            source,
        };
        let mut file = File::open(&self.path).map_err(unread)?;
        file.seek(SeekFrom::Start(self.data_start + start as u64))
            .map_err(unread)?;
        file.read_exact(&mut bytes).map_err(unread)?;
        let values = numbers(info.dtype, &bytes).ok_or_else(|| NnError::WrongKind {
            path: self.path.clone(),
            name: name.to_owned(),
            found: format!("{:?}", info.dtype),
        })?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(NnError::NotFinite {
                path: self.path.clone(),
                name: name.to_owned(),
            });
        }
        Ok(values)
    }
}

/// Turns little-endian elements into 32-bit numbers; `None` for kinds that are not numbers here.
fn numbers(kind: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match kind {
        Dtype::F32 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|chunk| f32::from_le_bytes(*chunk))
            .collect(),
        Dtype::F64 => bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|chunk| f64::from_le_bytes(*chunk) as f32)
            .collect(),
        Dtype::F16 => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|chunk| half::f16::from_le_bytes(*chunk).to_f32())
            .collect(),
        Dtype::BF16 => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|chunk| half::bf16::from_le_bytes(*chunk).to_f32())
            .collect(),
        _ => return None,
    })
}

/// All weights of a model folder, whether they are in one file or in several.
#[derive(Debug)]
pub struct FolderWeights {
    path: PathBuf,
    files: Vec<SafetensorsFile>,
}

impl FolderWeights {
    /// Opens `model.safetensors`, or the files that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// As [`SafetensorsFile::open`]; [`NnError::Damaged`] for an index that cannot be read.
    pub fn open(folder: &Path) -> Result<Self, NnError> {
        let (single, index) = (folder.join(FILE_NAME), folder.join(INDEX_NAME));
        if single.exists() || !index.exists() {
            let file = SafetensorsFile::open(&single)?;
            return Ok(Self {
                path: single,
                files: vec![file],
            });
        }
        #[derive(serde::Deserialize)]
        struct Index {
            weight_map: BTreeMap<String, String>,
        }
        let damaged = |reason: String| NnError::Damaged {
            path: index.clone(),
            reason,
        };
        let text = std::fs::read(&index).map_err(|source| NnError::Read {
            path: index.clone(),
            source,
        })?;
        let parsed: Index =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        let names: std::collections::BTreeSet<String> = parsed.weight_map.into_values().collect();
        let files = names
            .iter()
            .map(|name| {
                if Path::new(name).components().count() != 1 || name.starts_with('.') {
                    return Err(damaged(format!(
                        "it names {name:?}, which is not a file beside it"
                    )));
                }
                SafetensorsFile::open(&folder.join(name))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { path: index, files })
    }

    /// Returns the path of the one file, or of the index.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of all tensors.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().flat_map(SafetensorsFile::names).collect()
    }

    /// Returns a tensor's shape.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.files.iter().find_map(|file| file.shape(name))
    }

    /// Reads a tensor of the given shape as 32-bit numbers, row-major.
    ///
    /// # Errors
    /// As [`SafetensorsFile::read`].
    pub fn read(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, NnError> {
        match self.files.iter().find(|file| file.shape(name).is_some()) {
            Some(file) => file.read(name, expected),
            None => Err(NnError::MissingTensor {
                path: self.path.clone(),
                name: name.to_owned(),
                expected: expected.to_vec(),
            }),
        }
    }
}

/// A tensor to be written: its name, shape and values.
#[derive(Debug, Clone)]
pub struct TensorToWrite {
    /// Name in the file.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Writes a whole safetensors file of 32-bit numbers, as `transformers` reads it.
///
/// # Errors
/// [`NnError::Write`] when the system refuses; nothing half-made is left.
pub fn write(path: &Path, tensors: &[TensorToWrite]) -> Result<(), NnError> {
    let mut header = serde_json::Map::new();
    header.insert(
        "__metadata__".to_owned(),
        serde_json::json!({"format": "pt"}),
    );
    let mut offset = 0;
    for tensor in tensors {
        let end = offset + tensor.values.len() * 4;
        header.insert(
            tensor.name.clone(),
            serde_json::json!({
                "dtype": "F32", "shape": tensor.shape, "data_offsets": [offset, end],
            }),
        );
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    write_whole(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for tensor in tensors {
            for piece in tensor.values.chunks(1 << 16) {
                let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
                file.write_all(&bytes)?;
            }
        }
        Ok(())
    })
}
