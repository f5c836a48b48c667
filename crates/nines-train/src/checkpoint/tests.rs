//! What is kept, what is found again, and what damage does.

use super::*;
use crate::config::TrainConfig;

fn identity(seed: u64, data: &str) -> Identity {
    let config = TrainConfig {
        seed,
        ..TrainConfig::default()
    };
    Identity {
        config_digest: config.digest(),
        config,
        data_digest: data.into(),
        base_digest: "base".into(),
    }
}

fn save(run: &RunFolder, step: u64, best: Option<u64>) -> Result<(PathBuf, u64), TrainError> {
    let mut state = State::new(identity(1, "data"));
    state.step = step;
    state.best = best.map(|step| Best { step, loss: 0.1 });
    let moments = Moments {
        first: vec![step as f32],
        second: vec![0.25],
    };
    let learned = LearnedParameter {
        name: "w",
        values: vec![0.1],
        moments: &moments,
        average: Some(&[0.2]),
    };
    run.save(&state, &Curves::default(), &[learned])
}

#[test]
fn at_most_two_are_kept_with_the_best_that_they_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    for (step, best) in [
        (1, None),
        (2, Some(2)),
        (3, Some(2)),
        (4, Some(4)),
        (5, Some(4)),
    ] {
        if best == Some(step) {
            run.save_best(step, [("w", &[step as f32][..])])
                .expect("saved");
        }
        save(&run, step, best).expect("saved");
    }
    assert_eq!(
        (steps(&run, CHECKPOINT), steps(&run, WEIGHTS)),
        (vec![4, 5], vec![4])
    );
    assert_eq!(run.load_best(4).expect("read")["w"], [4.0]);
    let loaded = run
        .load(&identity(1, "data"), &mut |_| {})
        .expect("read")
        .expect("there is one");
    assert_eq!(
        (loaded.state.step, &loaded.learned["w"].moments.first[..]),
        (5, &[5.0f32][..])
    );
    assert_eq!(loaded.learned["w"].average.as_deref(), Some(&[0.2f32][..]));
    run.clear().expect("cleared");
    assert!(run.newest().is_none());
}

#[test]
fn a_damaged_newest_falls_back_to_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    save(&run, 1, None).expect("saved");
    let (newest, _) = save(&run, 2, None).expect("saved");
    let bytes = fs::read(&newest).expect("readable");
    fs::write(&newest, &bytes[..bytes.len() - 1]).expect("written");
    let (step, notices) = load(&run);
    assert_eq!(step, Some(1));
    assert!(notices[0].contains("is damaged"), "{notices:?}");
}

fn steps(run: &RunFolder, ending: &str) -> Vec<u64> {
    let files = run.files(ending).expect("listed");
    files.into_iter().map(|(step, _)| step).collect()
}

/// Loads, and returns the step found and what was told on the way.
fn load(run: &RunFolder) -> (Option<u64>, Vec<String>) {
    let mut notices = Vec::new();
    let loaded = run.load(&identity(1, "data"), &mut |text| {
        notices.push(text.to_owned())
    });
    let step = loaded.expect("read").map(|loaded| loaded.state.step);
    (step, notices)
}

#[test]
fn lost_or_damaged_best_weights_are_noticed_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    let best = |step: u64| {
        run.save_best(step, [("w", &[step as f32][..])])
            .expect("saved");
    };
    best(2);
    save(&run, 2, Some(2)).expect("saved");
    best(3);
    save(&run, 3, Some(3)).expect("saved");
    assert_eq!(load(&run), (Some(3), vec![]));
    let path = run.path("best", 3, WEIGHTS);
    let mut bytes = fs::read(&path).expect("readable");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let (step, notices) = load(&run);
    assert_eq!((step, notices.len()), (Some(2), 1));
    assert!(notices[0].contains("best-0000000003"), "{notices:?}");
    fs::remove_file(run.path("best", 2, WEIGHTS)).expect("removed");
    // Another run's checkpoint is not set aside for what it lacks.
    let error = run.load(&identity(2, "data"), &mut |_| {});
    assert!(matches!(error, Err(TrainError::OtherRun { .. })));
    let (step, notices) = load(&run);
    assert_eq!((step, notices.len()), (None, 1));
    assert!(notices[0].contains("are missing"), "{notices:?}");
    assert!(notices[0].contains("begins anew"), "{notices:?}");
    // The damaged ones, though later, do not push out those of the run that began anew.
    save(&run, 1, None).expect("saved");
    assert_eq!(load(&run), (Some(1), vec![]));
    run.clear().expect("cleared");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
}

#[test]
fn another_format_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    let mut state = State::new(identity(1, "data"));
    state.format = FORMAT - 1;
    state.step = 1;
    run.save(&state, &Curves::default(), &[]).expect("saved");
    let error = run
        .load(&identity(1, "data"), &mut |_| {})
        .expect_err("refused");
    assert!(matches!(error, TrainError::OtherFormat { .. }), "{error}");
    assert!(run.newest().is_some());
}

#[test]
fn only_the_finished_runs_own_files_are_cleared() {
    let folder = tempfile::tempdir().expect("a folder");
    let clear = |seed| RunFolder::clear_finished(folder.path(), &identity(seed, "data"));
    let run = RunFolder::open(folder.path()).expect("opened");
    run.save_best(1, [("w", &[1.0][..])]).expect("saved");
    save(&run, 1, Some(1)).expect("saved");
    clear(1).expect("somebody works there");
    assert_eq!(steps(&run, CHECKPOINT), [1]);
    drop(run);
    clear(2).expect("another run's");
    let run = RunFolder::open(folder.path()).expect("opened");
    assert_eq!(
        (steps(&run, CHECKPOINT), steps(&run, WEIGHTS)),
        (vec![1], vec![1])
    );
    drop(run);
    clear(1).expect("cleared");
    let run = RunFolder::open(folder.path()).expect("opened");
    assert_eq!(
        (steps(&run, CHECKPOINT), steps(&run, WEIGHTS)),
        (vec![], vec![])
    );
    let absent = folder.path().join("absent");
    RunFolder::clear_finished(&absent, &identity(1, "data")).expect("nothing to do");
    assert!(!absent.exists());
}

#[test]
fn another_run_is_refused_and_the_difference_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    save(&run, 1, None).expect("saved");
    let refused = |given: Identity| {
        run.load(&given, &mut |_| {})
            .expect_err("refused")
            .to_string()
    };
    let message = refused(identity(2, "data"));
    assert!(
        message.contains("another configuration (seed = 1 there, seed = 2 now)"),
        "{message}"
    );
    assert!(refused(identity(1, "other")).contains("another training data"));
}

#[test]
fn two_processes_cannot_share_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunFolder::open(folder.path()).expect("opened");
    assert!(matches!(
        RunFolder::open(folder.path()),
        Err(TrainError::Busy { .. })
    ));
    drop(run);
    RunFolder::open(folder.path()).expect("free again");
}
