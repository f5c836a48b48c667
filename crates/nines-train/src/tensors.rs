//! Named f32 and f64 arrays and text fields in one safetensors file, with a digest over all of them.
//!
//! The safetensors crate's own writer neither flushes to the disk nor streams from borrowed
//! arrays; the format is small enough to write here. Reading goes through the crate, whose
//! header checks are the tested ones.

use crate::files::write_whole;
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// The header field of the digest.
const DIGEST: &str = "nines_digest";

/// An array to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ArrayRef<'a> {
    /// 32-bit numbers.
    F32(&'a [f32]),
    /// 64-bit numbers.
    F64(&'a [f64]),
}

impl<'a> ArrayRef<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::F32(values) => bytemuck::cast_slice(values),
            Self::F64(values) => bytemuck::cast_slice(values),
        }
    }

    fn dtype_and_len(self) -> (&'static str, usize) {
        match self {
            Self::F32(values) => ("F32", values.len()),
            Self::F64(values) => ("F64", values.len()),
        }
    }
}

/// Returns a digest of named arrays: SHA-256 over the names, in their order,
/// and each array's own SHA-256.
pub(crate) fn digest<'a>(arrays: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut arrays: Vec<(&str, &[u8])> = arrays.into_iter().collect();
    arrays.sort_by_key(|(name, _)| *name);
    let each: Vec<_> = arrays
        .par_iter()
        .map(|(_, bytes)| Sha256::digest(bytes))
        .collect();
    let mut all = Sha256::new();
    for ((name, bytes), hash) in arrays.iter().zip(each) {
        all.update((name.len() as u64).to_le_bytes());
        all.update(name.as_bytes());
        all.update((bytes.len() as u64).to_le_bytes());
        all.update(hash);
    }
    all.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Returns a digest of everything that a file says: its arrays and its text fields.
fn digest_of_file<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    fields: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> String {
    let fields = fields
        .into_iter()
        .filter(|(name, _)| *name != DIGEST)
        .map(|(name, text)| (name.as_str(), text.as_bytes()));
    let (arrays, fields) = (digest(arrays), digest(fields));
    digest([("arrays", arrays.as_bytes()), ("fields", fields.as_bytes())])
}

/// Writes arrays and text fields as one whole safetensors file.
pub(crate) fn write(
    path: &Path,
    arrays: &[(String, ArrayRef<'_>)],
    fields: &BTreeMap<String, String>,
) -> io::Result<()> {
    if cfg!(target_endian = "big") {
        return Err(io::Error::other("checkpoints need a little-endian machine"));
    }
    let mut fields = fields.clone();
    let hashed = arrays
        .iter()
        .map(|(name, array)| (name.as_str(), array.bytes()));
    let digest = digest_of_file(hashed, &fields);
    fields.insert(DIGEST.to_owned(), digest);
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), serde_json::json!(fields));
    let mut offset = 0;
    for (name, array) in arrays {
        let (dtype, len) = array.dtype_and_len();
        let end = offset + array.bytes().len();
        header.insert(
            name.clone(),
            serde_json::json!({"dtype": dtype, "shape": [len], "data_offsets": [offset, end]}),
        );
        offset = end;
    }
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    write_whole(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        arrays
            .iter()
            .try_for_each(|(_, array)| file.write_all(array.bytes()))
    })
}

/// What a file held: arrays and text fields.
#[derive(Debug, Default)]
pub(crate) struct Arrays {
    /// 32-bit arrays by name.
    pub f32s: BTreeMap<String, Vec<f32>>,
    /// 64-bit arrays by name.
    pub f64s: BTreeMap<String, Vec<f64>>,
    /// Text fields.
    pub fields: HashMap<String, String>,
}

/// Why a file could not be used.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It could not be read.
    Io(io::Error),
    /// It is not what was written.
    Damaged(String),
}

/// Reads a file's text fields alone.
pub(crate) fn read_fields(path: &Path) -> Result<HashMap<String, String>, ReadError> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).map_err(ReadError::Io)?;
    let size = file.metadata().map_err(ReadError::Io)?.len();
    let damaged = |problem: &str| ReadError::Damaged(problem.to_owned());
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| damaged("it is too short"))?;
    let length = u64::from_le_bytes(length);
    if length > size {
        return Err(damaged("its header is longer than the file"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header)
        .map_err(|_| damaged("it is too short"))?;
    let header: serde_json::Value =
        serde_json::from_slice(&header).map_err(|e| ReadError::Damaged(e.to_string()))?;
    serde_json::from_value(header["__metadata__"].clone())
        .map_err(|e| ReadError::Damaged(e.to_string()))
}

/// Reads a whole file and checks its digest.
pub(crate) fn read(path: &Path) -> Result<Arrays, ReadError> {
    let bytes = std::fs::read(path).map_err(ReadError::Io)?;
    let damaged = |e: safetensors::SafeTensorError| ReadError::Damaged(e.to_string());
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let mut arrays = Arrays {
        fields: header.metadata().clone().unwrap_or_default(),
        ..Arrays::default()
    };
    let named: Vec<(String, safetensors::tensor::TensorView<'_>)> = file.tensors();
    let found = digest_of_file(
        named
            .iter()
            .map(|(name, view)| (name.as_str(), view.data())),
        &arrays.fields,
    );
    if arrays.fields.get(DIGEST) != Some(&found) {
        return Err(ReadError::Damaged(
            "its content does not match its digest".to_owned(),
        ));
    }
    for (name, view) in named {
        match view.dtype() {
            Dtype::F32 => {
                arrays
                    .f32s
                    .insert(name, bytemuck::pod_collect_to_vec(view.data()));
            }
            Dtype::F64 => {
                arrays
                    .f64s
                    .insert(name, bytemuck::pod_collect_to_vec(view.data()));
            }
            other => {
                return Err(ReadError::Damaged(format!(
                    "array {name} has type {other:?}"
                )));
            }
        }
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_bit_for_bit_and_damage_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("arrays");
        let (a, b, c) = (
            vec![1.5f32, f32::MIN_POSITIVE, -0.0],
            vec![0.1f64; 5],
            Vec::<f32>::new(),
        );
        let arrays = [
            ("z".to_owned(), ArrayRef::F32(&a)),
            ("empty".to_owned(), ArrayRef::F32(&c)),
            ("b".to_owned(), ArrayRef::F64(&b)),
        ];
        let fields = BTreeMap::from([("state".to_owned(), "{\"step\": 3}".to_owned())]);
        write(&path, &arrays, &fields).expect("written");
        let back = read(&path).expect("whole");
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back.f32s["z"]), bits(&a));
        assert_eq!((&back.f64s["b"], back.f32s["empty"].len()), (&b, 0));
        assert_eq!(
            read_fields(&path).expect("readable")["state"],
            fields["state"]
        );

        let whole = std::fs::read(&path).expect("readable");
        for (what, bytes) in [
            ("cut", whole[..whole.len() - 4].to_vec()),
            ("flipped", {
                let mut bytes = whole.clone();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                bytes
            }),
            ("empty", Vec::new()),
        ] {
            std::fs::write(&path, bytes).expect("written");
            assert!(matches!(read(&path), Err(ReadError::Damaged(_))), "{what}");
        }
        // No bit of the file may change unseen, those of the fields and of the header included.
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).expect("written");
            assert!(matches!(read(&path), Err(ReadError::Damaged(_))), "{at}");
        }
    }
}
