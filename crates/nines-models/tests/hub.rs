//! Models from the hub, against a server on this machine.

mod support;

use nines_models::{Cache, DigestOrigin, ModelFolder, ModelsError, PullRequest};
use std::ops::ControlFlow;
use std::time::Duration;
use support::hub::{Behaviour, COMMIT, Hub, encoder};
use support::{assert_nothing_half_made, go_on};
use tempfile::{TempDir, tempdir};

fn pull(
    behaviour: Behaviour,
    source: &str,
) -> (TempDir, Cache, Hub, Result<ModelFolder, ModelsError>) {
    let folder = tempdir().expect("a folder");
    let hub = Hub::start(behaviour);
    let cache = Cache::at(folder.path()).with_hub_endpoint(&hub.endpoint);
    let request = PullRequest::new(cache.parse_source(source).expect("well written"));
    let result = cache.pull(&request, &mut go_on);
    (folder, cache, hub, result)
}

fn small() -> Behaviour {
    Behaviour {
        files: encoder(),
        large: vec!["model.safetensors".to_owned()],
        ..Behaviour::default()
    }
}

#[test]
fn takes_only_the_needed_files_and_pins_the_commit() {
    let (_folder, cache, hub, result) = pull(small(), "hf:owner/name@main");
    let model = result.expect("pulled");
    let names: Vec<_> = model
        .manifest
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["config.json", "model.safetensors", "tokenizer.json"]
    );
    for (name, content) in encoder()
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
    {
        assert_eq!(
            std::fs::read(model.path.join(name)).expect("readable"),
            *content
        );
    }
    assert_eq!(model.manifest.name, "owner--name");
    assert_eq!(model.manifest.revision.as_deref(), Some(COMMIT));
    assert_eq!(model.manifest.licence.as_deref(), Some("apache-2.0"));
    assert_eq!(model.manifest.digests, DigestOrigin::Hub);
    cache.verify("owner--name").expect("whole");
    let before = hub.requests();
    assert!(
        !before.iter().any(|line| line.contains("pytorch_model")),
        "{before:?}"
    );
    assert!(
        before
            .iter()
            .filter(|line| line.contains("/resolve/"))
            .all(|line| line.contains(COMMIT)),
        "{before:?}"
    );
    let request = PullRequest::new(
        cache
            .parse_source("hf:owner/name@main")
            .expect("well written"),
    );
    cache.pull(&request, &mut go_on).expect("there");
    assert_eq!(hub.requests(), before, "the hub was asked again");
}

#[test]
fn another_revision_under_one_name_must_be_asked_for() {
    let (_folder, cache, _hub, result) = pull(small(), "hf:owner/name@main");
    result.expect("pulled");
    let mut request = PullRequest::new(
        cache
            .parse_source("hf:owner/name@v1")
            .expect("well written"),
    );
    let error = cache
        .pull(&request, &mut go_on)
        .expect_err("taken")
        .to_string();
    assert!(
        error.contains("hf:owner/name@main") && error.contains("--replace"),
        "{error}"
    );
    request.replace = true;
    let model = cache.pull(&request, &mut go_on).expect("replaced");
    assert_eq!(model.manifest.source, "hf:owner/name@v1");
}

#[test]
fn a_gguf_file_is_chosen_by_name() {
    let mut behaviour = Behaviour::default();
    for name in ["a-q4.gguf", "sub/b-q8.gguf", "c-q8.gguf"] {
        behaviour
            .files
            .insert(name.to_owned(), name.as_bytes().to_vec());
    }
    let (_f, _c, _h, result) = pull(behaviour.clone(), "hf:owner/name");
    let error = result.expect_err("in doubt").to_string();
    assert!(error.contains("a-q4.gguf, c-q8.gguf"), "{error}");
    let (_f, _c, _h, result) = pull(behaviour, "hf:owner/name#sub/b-q8.gguf");
    let model = result.expect("pulled");
    assert_eq!(model.manifest.name, "owner--name--b-q8");
    let content = std::fs::read(model.gguf().expect("a GGUF model")).expect("readable");
    assert_eq!(content, b"sub/b-q8.gguf");
}

#[test]
fn changed_or_cut_content_is_refused() {
    for file in ["config.json", "model.safetensors"] {
        let behaviour = Behaviour {
            tampered: Some(file.to_owned()),
            ..small()
        };
        let (_f, cache, _h, result) = pull(behaviour, "hf:owner/name");
        let error = result.expect_err("tampered");
        assert!(matches!(error, ModelsError::WrongDigest { .. }), "{error}");
        assert!(error.to_string().contains(file), "{error}");
        assert_nothing_half_made(&cache);

        let behaviour = Behaviour {
            cut: Some(file.to_owned()),
            ..small()
        };
        let (_f, cache, _h, result) = pull(behaviour, "hf:owner/name");
        let error = result.expect_err("cut short");
        assert!(
            matches!(
                error,
                ModelsError::WrongSize { .. } | ModelsError::NoNetwork { .. }
            ),
            "{error}"
        );
        assert_nothing_half_made(&cache);
    }
}

#[test]
fn refusals_say_what_to_do() {
    let closed = Behaviour {
        token: Some("secret".to_owned()),
        ..small()
    };
    let (_f, cache, hub, result) = pull(closed, "hf:owner/name");
    let error = result.expect_err("closed").to_string();
    assert!(error.contains("HF_TOKEN"), "{error}");
    assert_nothing_half_made(&cache);
    let cache = cache.with_hub_token("secret");
    let request = PullRequest::new(cache.parse_source("hf:owner/name").expect("well written"));
    cache.pull(&request, &mut go_on).expect("let in");
    assert!(
        !format!("{cache:?}").contains("secret"),
        "the token is shown"
    );
    drop(hub);

    for (source, words) in [
        ("hf:owner/other", "no such repository"),
        ("hf:owner/name@nowhere", "nowhere"),
        ("hf:owner/name#none.gguf", "none.gguf"),
    ] {
        let (_f, cache, _h, result) = pull(small(), source);
        let error = result.expect_err(source).to_string();
        assert!(error.contains(words), "{error}");
        assert_nothing_half_made(&cache);
    }
}

#[test]
fn no_network_is_said_and_short_failures_are_outlived() {
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path()).with_hub_endpoint("http://127.0.0.1:9");
    let request = PullRequest::new(cache.parse_source("hf:owner/name").expect("well written"));
    let error = cache
        .pull(&request, &mut go_on)
        .expect_err("nobody there")
        .to_string();
    assert!(
        error.contains("127.0.0.1:9") && error.contains("cannot be reached"),
        "{error}"
    );
    assert_nothing_half_made(&cache);

    let (_f, _c, _h, result) = pull(
        Behaviour {
            failures: 2,
            ..small()
        },
        "hf:owner/name",
    );
    result.expect("the third try works");
}

#[test]
fn a_pull_inside_an_async_program_works_and_can_be_stopped() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let hub = Hub::start(Behaviour {
        slow: Some(Duration::from_millis(20)),
        ..small()
    });
    let folder = tempdir().expect("a folder");
    let cache = Cache::at(folder.path()).with_hub_endpoint(&hub.endpoint);
    let request = PullRequest::new(cache.parse_source("hf:owner/name").expect("well written"));
    let result = runtime.block_on(async {
        let mut events = 0;
        cache.pull(&request, &mut |_| {
            events += 1;
            if events < 4 {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
    });
    assert!(matches!(result, Err(ModelsError::Stopped)), "{result:?}");
    assert_nothing_half_made(&cache);
}
