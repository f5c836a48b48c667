//! A small wheel, a catalogue that knows it, and programs that play `python3 -m pip`.

use nines_models::{
    Cache, CataloguedFile, CataloguedModel, CataloguedPart, PullRequest, Role, Source,
};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The files of the small model, by path in the wheel.
pub fn contents() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "tiny/model/config.json",
            br#"{"model_type":"bert"}"#.to_vec(),
        ),
        (
            "tiny/model/model.safetensors",
            (0..200_000u32).map(|i| (i % 251) as u8).collect(),
        ),
        ("tiny/model/tokenizer.json", b"{}".to_vec()),
    ]
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The catalogue entry of the small model.
pub fn catalogued() -> CataloguedModel {
    CataloguedModel {
        name: "tiny".to_owned(),
        title: "A small model".to_owned(),
        role: Role::Base,
        source: Source::Wheel {
            package: "tiny".to_owned(),
            version: "1.0".to_owned(),
        },
        licence: "MIT".to_owned(),
        licence_note: String::new(),
        download_bytes: 200_000,
        parts: Vec::new(),
        files: contents()
            .into_iter()
            .map(|(path, bytes)| CataloguedFile {
                path: path.to_owned(),
                name: path.rsplit('/').next().expect("a name").to_owned(),
                bytes: bytes.len() as u64,
                sha256: sha256(&bytes),
            })
            .collect(),
    }
}

/// The bytes of the small model's archive, and the catalogue entry by which it comes in three wheels.
pub fn split() -> (Vec<u8>, CataloguedModel) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("whole.zip");
    write_wheel(&path, &contents());
    let archive = std::fs::read(&path).expect("readable");
    let parts: Vec<CataloguedPart> = archive
        .chunks(archive.len().div_ceil(3))
        .enumerate()
        .map(|(index, bytes)| CataloguedPart {
            source: Source::Wheel {
                package: format!("tiny-part-{index}"),
                version: "1.0".to_owned(),
            },
            path: part_path(index),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        })
        .collect();
    let model = CataloguedModel {
        source: parts[0].source.clone(),
        parts,
        ..catalogued()
    };
    (archive, model)
}

fn part_path(index: usize) -> String {
    format!("tiny/input/tiny.zip.{index}")
}

/// A cache in a folder that knows the small model by its parts, and whose Python hands out the wheel
/// that it is asked for.
pub fn split_cache(folder: &Path, archive: &[u8], model: CataloguedModel) -> Cache {
    let parts = archive.chunks(archive.len().div_ceil(3)).enumerate();
    for (index, bytes) in parts {
        let wheel = folder.join(format!("tiny-part-{index}==1.0.whl"));
        write_wheel(&wheel, &[(&part_path(index), bytes.to_vec())]);
    }
    let wheels = folder.display();
    let python = write_python(folder, &format!("cp \"{wheels}/$1.whl\" \"$dest\""));
    Cache::at(folder.join("cache"))
        .with_python(python)
        .with_catalogue(vec![model])
}

/// Writes a wheel with these entries.
pub fn write_wheel(path: &Path, entries: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).expect("writable"));
    for (name, bytes) in entries {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("a new entry");
        archive.write_all(bytes).expect("writable");
    }
    archive.finish().expect("writable");
}

/// Writes a program that plays `python3 -m pip download`; `$dest` is the folder asked for.
pub fn write_python(folder: &Path, script: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("python3");
    let text = format!(
        "#!/bin/sh\necho \"$*\" >> \"{calls}\"\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done\n{script}\n",
        calls = folder.join("calls").display(),
    );
    std::fs::write(&path, text).expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permitted");
    path
}

/// How often the Python in this folder was called.
pub fn calls(folder: &Path) -> Vec<String> {
    std::fs::read_to_string(folder.join("calls"))
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A cache in a folder whose Python hands out a wheel with these entries.
pub fn cache_with(folder: &Path, entries: &[(&str, Vec<u8>)]) -> Cache {
    let wheel = folder.join("tiny-1.0-py3-none-any.whl");
    write_wheel(&wheel, entries);
    let python = write_python(folder, &format!("cp \"{}\" \"$dest\"", wheel.display()));
    cache(folder, &python)
}

/// A cache in a folder with a given Python and the small catalogue.
pub fn cache(folder: &Path, python: &Path) -> Cache {
    Cache::at(folder.join("cache"))
        .with_python(python)
        .with_catalogue(vec![catalogued()])
}

/// The request for the small model.
pub fn request() -> PullRequest {
    PullRequest::new(catalogued().source)
}
