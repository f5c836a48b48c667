//! Models from folders, and what becomes of a cached model that is damaged.

mod support;

use nines_models::{Cache, ModelsError, PullRequest, Source};
use std::fs;
use support::go_on;
use tempfile::tempdir;

fn folder_model(folder: &std::path::Path) -> Source {
    let model = folder.join("My Model");
    fs::create_dir(&model).expect("writable");
    for (name, content) in support::hub::encoder() {
        if !name.contains('/') {
            fs::write(model.join(name), content).expect("writable");
        }
    }
    Source::Folder(model)
}

#[test]
fn a_folder_is_copied_so_that_it_may_go() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path().join("cache"));
    let source = folder_model(folder.path());
    let model = cache
        .pull(&PullRequest::new(source), &mut go_on)
        .expect("copied");
    assert_eq!(model.manifest.name, "my-model");
    fs::remove_dir_all(folder.path().join("My Model")).expect("removed");
    let again = cache.verify("my-model").expect("whole");
    assert_eq!(again.fingerprint(), model.fingerprint());
    assert!(again.file("pytorch_model.bin").is_none());
    let listed = cache.list().expect("readable");
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0].folder.as_ref().expect("whole").bytes(),
        model.bytes()
    );
}

#[test]
fn a_single_gguf_file_is_a_source() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("Some-Model.Q8_0.gguf");
    fs::write(&file, b"GGUF").expect("writable");
    let cache = Cache::at(folder.path().join("cache"));
    let source = cache
        .parse_source(&file.display().to_string())
        .expect("a path");
    let model = cache
        .pull(&PullRequest::new(source), &mut go_on)
        .expect("copied");
    assert_eq!(model.manifest.name, "some-model.q8_0");
    assert_eq!(
        fs::read(model.gguf().expect("a GGUF model")).expect("readable"),
        b"GGUF"
    );
}

#[test]
fn what_is_no_model_is_refused() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path().join("cache"));
    fs::create_dir(folder.path().join("empty")).expect("writable");
    fs::write(folder.path().join("weights.bin"), b"x").expect("writable");
    for (path, words) in [
        ("empty", "neither"),
        ("weights.bin", ".gguf"),
        ("nowhere", "cannot open"),
    ] {
        let source = Source::Folder(folder.path().join(path));
        let error = cache
            .pull(&PullRequest::new(source), &mut go_on)
            .expect_err(path)
            .to_string();
        assert!(error.contains(words), "{error}");
        support::assert_nothing_half_made(&cache);
    }
}

#[test]
fn damage_is_found_and_repaired_by_pulling_again() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path().join("cache"));
    let mut request = PullRequest::new(folder_model(folder.path()));
    let model = cache.pull(&request, &mut go_on).expect("copied");
    let weights = model.file("model.safetensors").expect("there");
    let mut content = fs::read(&weights).expect("readable");
    content[7] ^= 1;
    fs::write(&weights, &content).expect("writable");
    cache.resolve("my-model").expect("sizes are right");
    let error = cache.verify("my-model").expect_err("changed");
    assert!(matches!(error, ModelsError::WrongDigest { .. }), "{error}");
    assert!(error.to_string().contains("--replace"), "{error}");

    fs::write(&weights, &content[..100]).expect("writable");
    let error = cache.resolve("my-model").expect_err("cut");
    assert!(
        matches!(
            error,
            ModelsError::WrongSize {
                expected: 300_000,
                found: 100,
                ..
            }
        ),
        "{error}"
    );
    fs::remove_file(&weights).expect("removed");
    let error = cache.resolve("my-model").expect_err("gone");
    assert!(matches!(error, ModelsError::MissingFile { .. }), "{error}");
    assert!(cache.list().expect("readable")[0].folder.is_err());

    request.replace = true;
    cache.pull(&request, &mut go_on).expect("repaired");
    cache.verify("my-model").expect("whole");
}

#[test]
fn a_folder_that_nines_did_not_make_is_left_alone() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path().join("cache"));
    let mine = cache.root().join("my-model");
    fs::create_dir_all(&mine).expect("writable");
    fs::write(mine.join("notes.txt"), b"mine").expect("writable");
    let mut request = PullRequest::new(folder_model(folder.path()));
    for replace in [false, true] {
        request.replace = replace;
        let error = cache
            .pull(&request, &mut go_on)
            .expect_err("not ours")
            .to_string();
        assert!(error.contains("did not make this folder"), "{error}");
    }
    cache.remove("my-model").expect_err("not ours");
    assert_eq!(fs::read(mine.join("notes.txt")).expect("readable"), b"mine");
}

#[test]
fn a_manifest_of_another_form_is_refused() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path().join("cache"));
    let request = PullRequest::new(folder_model(folder.path()));
    let model = cache.pull(&request, &mut go_on).expect("copied");
    let path = model.path.join(nines_models::MANIFEST_FILE);
    let text = fs::read_to_string(&path).expect("readable");
    for changed in [
        text.replace("\"format\": 1", "\"format\": 2"),
        text.replace("config.json", "../config.json"),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ] {
        fs::write(&path, changed).expect("writable");
        let error = cache.resolve("my-model").expect_err("unreadable");
        assert!(matches!(error, ModelsError::BadManifest { .. }), "{error}");
    }
}

/// `make test` pulls every model of the catalogue first.
#[test]
fn the_models_of_the_catalogue_are_whole() {
    let cache = Cache::open().expect("a cache folder");
    let must_be_there = std::env::var_os("CI").is_some();
    for known in cache.catalogue() {
        match cache.verify(&known.name) {
            Ok(model) => assert_eq!(model.manifest.files.len(), known.files.len()),
            Err(error @ ModelsError::NotInCache { .. }) if !must_be_there => {
                eprintln!("skipped: {error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}
