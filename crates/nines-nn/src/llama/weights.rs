//! The weights of a Llama model, still as stored, whichever file they are in.

use super::config::LlamaConfig;
use super::error::LlamaError;
use super::names::Part;
use super::safetensors::SafetensorsFolder;
use crate::gguf::{GgufFile, TensorKind, dequantize};
use std::path::Path;

/// An open model: its settings, and its weights as stored.
///
/// GGUF files hold the rows of the query and key matrices in the order that interleaved rotation
/// wants; they are read here in the order of `transformers` (halves), so that everything behind
/// this door knows one order.
#[derive(Debug)]
pub struct LlamaWeights {
    config: LlamaConfig,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Gguf(GgufFile),
    Folder(SafetensorsFolder),
}

/// A tensor as stored.
struct Stored<'a> {
    name: String,
    shape: &'a [usize],
    kind: TensorKind,
    bytes: &'a [u8],
}

/// A matrix as stored: rows of `columns` numbers.
#[derive(Clone, Copy)]
pub(super) struct StoredMatrix<'a> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) kind: TensorKind,
    bytes: &'a [u8],
    /// The width of a head, where each head's rows are interleaved.
    interleaved: Option<usize>,
}

impl<'a> StoredMatrix<'a> {
    /// Wraps rows in their own order.
    #[cfg(test)]
    pub(super) fn plain(rows: usize, columns: usize, kind: TensorKind, bytes: &'a [u8]) -> Self {
        Self {
            rows,
            columns,
            kind,
            bytes,
            interleaved: None,
        }
    }

    /// Returns one row as stored; its blocks never reach into another row.
    pub(super) fn row_bytes(&self, row: usize) -> &'a [u8] {
        let stored = match self.interleaved {
            None => row,
            Some(head_dim) => {
                let (head, within) = (row / head_dim, row % head_dim);
                let (half, j) = (within / (head_dim / 2), within % (head_dim / 2));
                head * head_dim + 2 * j + half
            }
        };
        let size = self.bytes.len() / self.rows;
        &self.bytes[stored * size..(stored + 1) * size]
    }

    /// Writes one row's numbers.
    pub(super) fn row_into(&self, row: usize, out: &mut [f32]) {
        dequantize(self.kind, self.row_bytes(row), out);
    }

    /// Returns all numbers, row by row.
    pub(super) fn floats(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.columns];
        for (row, out) in out.chunks_exact_mut(self.columns).enumerate() {
            self.row_into(row, out);
        }
        out
    }
}

impl LlamaWeights {
    /// Opens a GGUF file.
    ///
    /// # Errors
    /// [`LlamaError`] where the file is broken, of another architecture, incomplete, or has a
    /// feature that is not built here.
    pub fn from_gguf(path: &Path) -> Result<Self, LlamaError> {
        Self::from_gguf_file(GgufFile::open(path)?)
    }

    /// Uses a GGUF file that is open already.
    ///
    /// # Errors
    /// As [`LlamaWeights::from_gguf`].
    pub fn from_gguf_file(file: GgufFile) -> Result<Self, LlamaError> {
        let config = LlamaConfig::from_gguf(&file)?;
        Self {
            config,
            source: Source::Gguf(file),
        }
        .checked()
    }

    /// Opens a Hugging Face folder: config.json and model.safetensors, single or in shards.
    ///
    /// # Errors
    /// As [`LlamaWeights::from_gguf`].
    pub fn from_folder(folder: &Path) -> Result<Self, LlamaError> {
        let config = LlamaConfig::from_folder(folder)?;
        let source = Source::Folder(SafetensorsFolder::open(folder)?);
        Self { config, source }.checked()
    }

    /// Opens whatever lies at a path: a GGUF file, or a Hugging Face folder.
    ///
    /// # Errors
    /// As [`LlamaWeights::from_gguf`].
    pub fn open(path: &Path) -> Result<Self, LlamaError> {
        if path.is_dir() {
            Self::from_folder(path)
        } else {
            Self::from_gguf(path)
        }
    }

    /// Checks that every tensor is there with its shape, and that none is left over: a tensor
    /// that nothing reads, such as a bias, would change the text.
    fn checked(self) -> Result<Self, LlamaError> {
        let mut known = std::collections::BTreeSet::new();
        for part in Part::all(&self.config) {
            let Stored { name, shape, .. } = self.stored(part)?;
            let expected = part.shape(&self.config);
            if shape != expected {
                return Err(LlamaError::Shape {
                    path: self.path().to_owned(),
                    tensor: name,
                    found: shape.to_vec(),
                    expected,
                });
            }
            known.insert(name);
        }
        let ignored = |name: &str| {
            // Written by old converters; the frequencies follow from the settings. A tied output
            // matrix is sometimes stored twice.
            name == "rope_freqs.weight"
                || name.ends_with("rotary_emb.inv_freq")
                || (self.config.tied_embeddings && name == "lm_head.weight")
        };
        let mut names: Box<dyn Iterator<Item = &str>> = match &self.source {
            Source::Gguf(file) => Box::new(file.tensor_names()),
            Source::Folder(folder) => Box::new(folder.names()),
        };
        let unknown = names.find(|name| !known.contains(*name) && !ignored(name));
        if let Some(unknown) = unknown {
            return Err(LlamaError::Unsupported {
                path: self.path().to_owned(),
                field: format!("tensor {unknown}"),
                found: "not part of a plain Llama model".to_owned(),
                hint: "models without biases, adapters and experts are",
            });
        }
        drop(names);
        Ok(self)
    }

    /// Returns the model's settings.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Returns the GGUF file, where the model is one.
    pub fn gguf(&self) -> Option<&GgufFile> {
        match &self.source {
            Source::Gguf(file) => Some(file),
            Source::Folder(_) => None,
        }
    }

    /// Returns where the model is: a file or a folder.
    pub fn path(&self) -> &Path {
        match &self.source {
            Source::Gguf(file) => file.path(),
            Source::Folder(folder) => folder.path(),
        }
    }

    fn stored(&self, part: Part) -> Result<Stored<'_>, LlamaError> {
        let (name, (shape, kind, bytes)) = match &self.source {
            Source::Gguf(file) => {
                let name = part.gguf_name();
                let tensor = file.tensor(&name)?;
                (name, (tensor.shape, tensor.kind, tensor.bytes))
            }
            Source::Folder(folder) => {
                let name = part.hf_name();
                let tensor = folder.tensor(&name)?;
                (name, tensor)
            }
        };
        Ok(Stored {
            name,
            shape,
            kind,
            bytes,
        })
    }

    /// Returns a matrix as stored.
    pub(super) fn matrix(&self, part: Part) -> Result<StoredMatrix<'_>, LlamaError> {
        let Stored {
            shape, kind, bytes, ..
        } = self.stored(part)?;
        let interleaved = match (&self.source, part) {
            (Source::Gguf(_), Part::Query(_) | Part::Key(_)) => Some(self.config.head_dim),
            _ => None,
        };
        Ok(StoredMatrix {
            rows: shape[0],
            columns: shape[1],
            kind,
            bytes,
            interleaved,
        })
    }

    /// Returns the matrix that turns hidden states into logits.
    pub(super) fn output(&self) -> Result<StoredMatrix<'_>, LlamaError> {
        self.matrix(if self.config.tied_embeddings {
            Part::Embedding
        } else {
            Part::Output
        })
    }

    /// Returns a vector's numbers.
    pub(super) fn vector(&self, part: Part) -> Result<Vec<f32>, LlamaError> {
        let Stored {
            shape, kind, bytes, ..
        } = self.stored(part)?;
        let mut out = vec![0.0; shape[0]];
        dequantize(kind, bytes, &mut out);
        Ok(out)
    }
}
