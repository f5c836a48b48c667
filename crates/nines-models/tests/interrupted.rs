//! Pulls that die, and pulls that meet.
#![cfg(unix)]

mod support;

use nines_models::{Cache, PullEvent, PullRequest};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::go_on;
use support::hub::{Behaviour, Hub, encoder};
use support::wheel::{cache_with, calls, catalogued, contents, request, write_python, write_wheel};
use tempfile::tempdir;

/// Not a test of its own: the other tests start it in a process that they may kill.
#[test]
fn child() {
    let Ok(source) = std::env::var("NINES_TEST_PULLS") else {
        return;
    };
    let cache = Cache::open()
        .expect("NINES_CACHE is set")
        .with_catalogue(vec![catalogued()]);
    let source = cache.parse_source(&source).expect("well written");
    let request = PullRequest {
        replace: std::env::var_os("NINES_TEST_REPLACES").is_some(),
        ..PullRequest::new(source)
    };
    cache.pull(&request, &mut go_on).expect("pulled");
}

fn spawn(cache: &Path, source: &str, variables: &[(&str, &Path)]) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["--exact", "child", "--nocapture"])
        .env("NINES_TEST_PULLS", source)
        .env("NINES_CACHE", cache)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started")
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_pull_killed_while_pip_runs_leaves_nothing_that_the_next_one_trusts() {
    let folder = tempdir().expect("a folder");
    let root = folder.path().join("cache");
    let slow = tempdir().expect("a folder");
    let python = write_python(
        slow.path(),
        "head -c 1000 /dev/zero > \"$dest/tiny-1.0-py3-none-any.whl\"; exec sleep 5",
    );
    let mut child = spawn(&root, "pypi:tiny==1.0", &[("NINES_PYTHON", &python)]);
    wait_until("the half wheel", || {
        support::leftovers(&root)
            .iter()
            .any(|path| path.extension().is_some_and(|e| e == "whl"))
    });
    child.kill().expect("killed");
    child.wait().expect("ended");
    let cache = cache_with(folder.path(), &contents());
    assert!(cache.resolve("tiny").is_err() && cache.list().expect("readable").is_empty());
    let model = cache.pull(&request(), &mut go_on).expect("pulled anew");
    model.verify().expect("whole");
    assert!(support::leftovers(&root).is_empty());
}

#[test]
fn a_pull_killed_at_any_moment_of_a_hub_download_leaves_nothing_half_made() {
    let behaviour = Behaviour {
        files: encoder(),
        slow: Some(Duration::from_micros(300)),
        ..Behaviour::default()
    };
    let hub = Hub::start(behaviour);
    let folder = tempdir().expect("a folder");
    let root = folder.path().join("cache");
    let endpoint = Path::new(&hub.endpoint);
    for milliseconds in [20, 60, 100, 140, 180, 240] {
        let mut child = spawn(&root, "hf:owner/name", &[("HF_ENDPOINT", endpoint)]);
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().ok();
        child.wait().expect("ended");
        let cache = Cache::at(&root);
        for model in cache.list().expect("readable") {
            model
                .folder
                .expect("whole once it has its name")
                .verify()
                .expect("whole");
            cache.remove(&model.name).expect("removed");
        }
    }
    let child = spawn(&root, "hf:owner/name", &[("HF_ENDPOINT", endpoint)]).wait();
    assert!(child.expect("ended").success());
    Cache::at(&root).verify("owner--name").expect("whole");
    assert!(support::leftovers(&root).is_empty());
}

#[test]
fn a_replacement_killed_at_any_moment_keeps_one_of_the_two_models() {
    let folder = tempdir().expect("a folder");
    let root = folder.path().join("cache");
    let cache = cache_with(folder.path(), &contents());
    cache.pull(&request(), &mut go_on).expect("pulled");
    let python = folder.path().join("python3");
    let variables: [(&str, &Path); 2] = [
        ("NINES_PYTHON", &python),
        ("NINES_TEST_REPLACES", Path::new("yes")),
    ];
    let nobody = tempdir().expect("a folder");
    let offline = write_python(nobody.path(), "exit 1");
    let offline = support::wheel::cache(folder.path(), &offline);
    for milliseconds in [5, 20, 40, 80, 160] {
        let mut child = spawn(&root, "pypi:tiny==1.0", &variables);
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().ok();
        child.wait().expect("ended");
        let model = offline.pull(&request(), &mut go_on).expect("there");
        model.verify().expect("whole");
    }
    // The moment between the two renames, which is too short to be met: the old model is set
    // aside, and no new one is in its place.
    let aside = root.join(".replaced");
    std::fs::create_dir_all(&aside).expect("made");
    std::fs::rename(root.join("tiny"), aside.join("tiny")).expect("moved");
    assert_eq!(cache.list().expect("readable").len(), 0);
    let model = offline.pull(&request(), &mut go_on).expect("brought back");
    model.verify().expect("whole");
    assert!(!aside.join("tiny").exists());
}

#[test]
fn two_pulls_at_once_download_once() {
    let folder = tempdir().expect("a folder");
    let root = folder.path().join("cache");
    let wheel = folder.path().join("tiny-1.0-py3-none-any.whl");
    write_wheel(&wheel, &contents());
    let python = write_python(
        folder.path(),
        &format!("sleep 1; cp \"{}\" \"$dest\"", wheel.display()),
    );
    let variables: [(&str, &Path); 1] = [("NINES_PYTHON", &python)];
    let mut children: Vec<Child> = (0..3)
        .map(|_| spawn(&root, "pypi:tiny==1.0", &variables))
        .collect();
    for child in &mut children {
        assert!(child.wait().expect("ended").success());
    }
    Cache::at(&root).verify("tiny").expect("whole");
    assert_eq!(
        calls(folder.path()).len(),
        1,
        "one of them downloaded, the others used it"
    );
}

#[test]
fn waiting_is_told_and_can_be_stopped() {
    let folder = tempdir().expect("a folder");
    let root = folder.path().join("cache");
    let python = write_python(folder.path(), "exec sleep 20");
    let mut child = spawn(&root, "pypi:tiny==1.0", &[("NINES_PYTHON", &python)]);
    wait_until("pip", || !calls(folder.path()).is_empty());
    let cache = support::wheel::cache(folder.path(), &python);
    let mut seen = Vec::new();
    let result = cache.pull(&request(), &mut |event| {
        seen.push(event);
        if seen.len() < 3 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert!(
        matches!(result, Err(nines_models::ModelsError::Stopped)),
        "{result:?}"
    );
    assert_eq!(seen, vec![PullEvent::Waiting; 3]);
    child.kill().expect("killed");
    child.wait().expect("ended");
}
