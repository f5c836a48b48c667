//! Tensors of a Hugging Face folder: one safetensors file, or shards with an index.

use super::error::LlamaError;
use crate::gguf::TensorKind;
use ::safetensors::{Dtype, SafeTensors};
use memmap2::Mmap;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The open safetensors files of a folder.
#[derive(Debug)]
pub(super) struct SafetensorsFolder {
    folder: PathBuf,
    shards: Vec<Mmap>,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    shard: usize,
    shape: Vec<usize>,
    kind: Result<TensorKind, String>,
    range: Range<usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl SafetensorsFolder {
    pub(super) fn open(folder: &Path) -> Result<Self, LlamaError> {
        let mut opened = Self {
            folder: folder.to_owned(),
            shards: Vec::new(),
            tensors: BTreeMap::new(),
        };
        let single = folder.join("model.safetensors");
        let index_path = folder.join("model.safetensors.index.json");
        if single.is_file() || !index_path.is_file() {
            opened.add(&single)?;
            return Ok(opened);
        }
        let text = std::fs::read_to_string(&index_path).map_err(|source| LlamaError::Io {
            path: index_path.clone(),
            source,
        })?;
        let index: Index = serde_json::from_str(&text).map_err(|error| LlamaError::Config {
            path: index_path.clone(),
            field: "weight_map".to_owned(),
            reason: error.to_string(),
        })?;
        let names: BTreeSet<&String> = index.weight_map.values().collect();
        for name in names {
            // A shard lies in the folder itself: an index must not lead elsewhere.
            if Path::new(name).file_name() != Some(name.as_ref()) {
                return Err(LlamaError::Config {
                    path: index_path,
                    field: "weight_map".to_owned(),
                    reason: format!("{name:?} is not the name of a file in the folder"),
                });
            }
            opened.add(&folder.join(name))?;
        }
        Ok(opened)
    }

    fn add(&mut self, path: &Path) -> Result<(), LlamaError> {
        let io = |source| LlamaError::Io {
            path: path.to_owned(),
            source,
        };
        let broken = |reason: String| LlamaError::Safetensors {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(io)?;
        if file.metadata().map_err(io)?.len() == 0 {
            return Err(broken("it is empty".to_owned()));
        }
        // SAFETY: the map is read-only; as with GGUF files, the file must stay as it is.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let parsed = SafeTensors::deserialize(&map).map_err(|error| broken(error.to_string()))?;
        let start = map.as_ptr() as usize;
        for (name, view) in parsed.iter() {
            let kind = match view.dtype() {
                Dtype::F32 => Ok(TensorKind::F32),
                Dtype::F16 => Ok(TensorKind::F16),
                Dtype::BF16 => Ok(TensorKind::Bf16),
                other => Err(format!("{other:?}")),
            };
            let from = view.data().as_ptr() as usize - start;
            let entry = Entry {
                shard: self.shards.len(),
                shape: view.shape().to_vec(),
                kind,
                range: from..from + view.data().len(),
            };
            if self.tensors.insert(name.to_owned(), entry).is_some() {
                return Err(broken(format!("tensor {name} comes in two files")));
            }
        }
        self.shards.push(map);
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub(super) fn tensor(&self, name: &str) -> Result<(&[usize], TensorKind, &[u8]), LlamaError> {
        let entry = self
            .tensors
            .get(name)
            .ok_or_else(|| LlamaError::MissingTensor {
                path: self.folder.clone(),
                tensor: name.to_owned(),
            })?;
        match &entry.kind {
            Ok(kind) => Ok((
                &entry.shape,
                *kind,
                &self.shards[entry.shard][entry.range.clone()],
            )),
            Err(found) => Err(LlamaError::Unsupported {
                path: self.folder.clone(),
                field: format!("tensor {name}"),
                found: found.clone(),
                hint: "F32, F16 and BF16 are",
            }),
        }
    }
}
