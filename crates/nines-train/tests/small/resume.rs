//! Stopping and killing: the run goes on to the same weights, bit for bit.

use crate::tiny::{Bench, StopAfter};
use nines_infer::cancel::CancelFlag;
use nines_train::record::{Observer, RunPlan, Silent, StepRecord};
use nines_train::{CheckpointCadence, TrainError};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_stopped_run_goes_on_to_the_same_result() {
    let mut bench = Bench::new(60);
    let whole = bench.train("whole");
    for stop in [1, 5, 12, whole.steps - 1] {
        let run = format!("stopped-{stop}");
        let mut observer = StopAfter(stop, bench.cancel.clone());
        let error = bench.train_in(&run, &mut observer).expect_err("stopped");
        assert!(
            matches!(error, TrainError::Cancelled { step, .. } if step == stop),
            "{error}"
        );
        assert!(error.to_string().contains("goes on from"), "{error}");
        assert!(!bench.path(&format!("{run}-out")).exists());
        bench.cancel = CancelFlag::default();
        // How often it is saved may differ: it is no part of the result.
        bench.cadence = CheckpointCadence {
            every_steps: Some(stop + 1),
            every_seconds: None,
        };
        let resumed = bench.train(&run);
        assert_eq!(
            resumed.weights_digest, whole.weights_digest,
            "stopped after {stop}"
        );
        assert_eq!(resumed.curves.loss, whole.curves.loss);
        assert_eq!(resumed.evaluations, whole.evaluations);
    }
}

#[test]
fn another_recipe_data_or_base_is_not_resumed() {
    let mut bench = Bench::new(60);
    let error = bench
        .train_in("run", &mut StopAfter(5, bench.cancel.clone()))
        .expect_err("stopped");
    assert!(matches!(error, TrainError::Cancelled { .. }));
    bench.cancel = CancelFlag::default();
    let refusal = |bench: &Bench| {
        bench
            .train_in("run", &mut Silent)
            .expect_err("refused")
            .to_string()
    };
    bench.config.learning_rate *= 2.0;
    assert!(
        refusal(&bench).contains(
            "another configuration (learning_rate = 0.005 there, learning_rate = 0.01 now)"
        )
    );
    bench.config.learning_rate /= 2.0;
    let (data, roles) = (bench.data.clone(), bench.roles.clone());
    bench.data = crate::tiny::data(61);
    bench.roles = bench.data.split(1);
    assert!(refusal(&bench).contains("another training data"));
    (bench.data, bench.roles) = (data, roles);
    // Neither weights nor recipe change, and yet the result would.
    for (file, from, to) in [
        ("tokenizer.json", "Lowercase", "NFC"),
        (
            "config.json",
            "\"layer_norm_eps\": 1e-12",
            "\"layer_norm_eps\": 1e-6",
        ),
    ] {
        let path = bench.base.join(file);
        let whole = std::fs::read_to_string(&path).expect("readable");
        assert!(whole.contains(from), "{from} in {whole}");
        std::fs::write(&path, whole.replace(from, to)).expect("written");
        assert!(refusal(&bench).contains("another base model"), "{file}");
        std::fs::write(&path, whole).expect("written");
    }
    bench.train("run");
}

#[test]
fn lost_best_weights_cost_time_and_nothing_else() {
    struct Notices(StopAfter, u64, Vec<String>);
    impl Observer for Notices {
        fn planned(&mut self, plan: &RunPlan) {
            self.1 = plan.first_step;
        }
        fn step(&mut self, step: &StepRecord) {
            self.0.step(step);
        }
        fn notice(&mut self, text: &str) {
            self.2.push(text.to_owned());
        }
    }
    let mut bench = Bench::new(60);
    let whole = bench.train("whole");
    let mut listener = Notices(
        StopAfter(whole.steps - 1, bench.cancel.clone()),
        0,
        Vec::new(),
    );
    bench
        .train_in("run", &mut listener)
        .expect_err("stopped before its end");
    let mut removed = 0;
    for entry in std::fs::read_dir(bench.path("run")).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "weights") {
            std::fs::remove_file(path).expect("removed");
            removed += 1;
        }
    }
    assert!(removed > 0);
    bench.cancel = CancelFlag::default();
    listener.0 = StopAfter(u64::MAX, bench.cancel.clone());
    let record = bench.train_in("run", &mut listener).expect("trained");
    assert_eq!(record.weights_digest, whole.weights_digest);
    assert_eq!(listener.1, 1, "it began anew");
    assert!(listener.2[0].contains("are missing"), "{:?}", listener.2);
    assert_eq!(
        std::fs::read_dir(bench.path("run"))
            .expect("listed")
            .count(),
        1
    );
}

/// A child process that trains in a folder; the parent kills it.
const CHILD_FOLDER: &str = "NINES_TRAIN_TEST_FOLDER";
/// The file by which a child says that it trains.
const CHILD_SIGN: &str = "NINES_TRAIN_TEST_SIGN";

/// Makes a file after the first update.
struct Sign(Option<PathBuf>);

impl Observer for Sign {
    fn step(&mut self, _: &StepRecord) {
        if let Some(path) = self.0.take() {
            std::fs::write(path, "").expect("written");
        }
    }
}

fn child_bench(folder: &Path) -> (Bench, PathBuf, PathBuf) {
    let mut bench = Bench::new(60);
    bench.config.epochs = 30;
    bench.cadence = CheckpointCadence {
        every_steps: Some(2),
        every_seconds: None,
    };
    (bench, folder.join("run"), folder.join("out"))
}

fn train_at(
    bench: &Bench,
    run: &Path,
    out: &Path,
    observer: &mut dyn Observer,
) -> Result<String, TrainError> {
    let job = nines_train::Job {
        base: &bench.base,
        data: &bench.data,
        roles: &bench.roles,
        config: &bench.config,
        cadence: bench.cadence,
        run_folder: run,
        cancel: &bench.cancel,
    };
    nines_train::train(job, out, "an injury", observer).map(|record| record.weights_digest)
}

#[test]
#[ignore = "is started by the tests that kill it"]
fn child_that_trains() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let (bench, run, out) = child_bench(Path::new(&folder));
    let mut sign = Sign(std::env::var_os(CHILD_SIGN).map(PathBuf::from));
    if let Err(error) = train_at(&bench, &run, &out, &mut sign) {
        use std::error::Error;
        eprintln!("{error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            eprintln!("caused by {error}");
            cause = error.source();
        }
        std::process::exit(3);
    }
}

fn child(folder: &Path, shell: Option<&str>, sign: &Path) -> Child {
    let program = std::env::current_exe().expect("this test");
    let arguments = [
        "--exact",
        "resume::child_that_trains",
        "--ignored",
        "--nocapture",
    ];
    let mut command = match shell {
        None => Command::new(program),
        Some(before) => {
            let mut command = Command::new("sh");
            command
                .arg("-c")
                .arg(format!("{before}; exec \"$0\" \"$@\""))
                .arg(program);
            command
        }
    };
    command
        .args(arguments)
        .env(CHILD_FOLDER, folder)
        .env(CHILD_SIGN, sign)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started")
}

#[test]
fn a_killed_process_goes_on_to_the_same_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bench, ..) = child_bench(folder.path());
    let whole = train_at(
        &bench,
        &folder.path().join("whole"),
        &folder.path().join("whole-out"),
        &mut Silent,
    )
    .expect("trained");
    let run = folder.path().join("run");
    let mut kills = 0;
    for milliseconds in [30u64, 110, 50, 170, 75, 20, 140] {
        let sign = folder.path().join(format!("sign-{kills}"));
        let mut child = child(folder.path(), None, &sign);
        // Until this very child trains, then a little longer: in an update, an evaluation or the
        // middle of a checkpoint, as it comes.
        let begun = Instant::now();
        while !sign.exists() && child.try_wait().expect("asked").is_none() {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "it never trained"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        let output = child.wait_with_output().expect("ended");
        if output.status.success() {
            break;
        }
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_none(),
            "it failed instead: {message}"
        );
        kills += 1;
    }
    assert!(
        kills >= 3,
        "only {kills} of the children were killed at work"
    );
    struct First(u64);
    impl Observer for First {
        fn planned(&mut self, plan: &RunPlan) {
            self.0 = plan.first_step;
        }
    }
    let mut first = First(0);
    let resumed = train_at(&bench, &run, &folder.path().join("out"), &mut first).expect("trained");
    assert_eq!(resumed, whole);
    assert!(
        first.0 > 1,
        "it went on from a checkpoint, not from the start"
    );
    let partial = |folder: &Path| {
        std::fs::read_dir(folder)
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name.to_string_lossy().ends_with("partial"))
            .count()
    };
    assert_eq!(
        partial(folder.path()) + partial(&folder.path().join("out")),
        0
    );
    let left = std::fs::read_dir(&run).expect("listed").count();
    assert_eq!(left, 1, "the lock alone is left of the run");
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_told_and_the_older_checkpoint_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut bench, run, out) = child_bench(folder.path());
    bench.cancel.cancel();
    let error = train_at(&bench, &run, &out, &mut Silent).expect_err("stopped");
    assert!(
        error.to_string().contains("nothing had been done"),
        "{error}"
    );
    bench.cancel = CancelFlag::default();
    let error =
        train_at(&bench, &run, &out, &mut StopAfter(2, bench.cancel.clone())).expect_err("stopped");
    assert!(matches!(error, TrainError::Cancelled { .. }));
    let checkpoint = run.join("step-0000000002.checkpoint");
    let before = std::fs::read(&checkpoint).expect("there is one");

    // No file may grow beyond 512 bytes times this: what writing to a full disk is like.
    let blocks = before.len() / 512 / 2;
    let child = child(
        folder.path(),
        Some(&format!("trap '' XFSZ; ulimit -f {blocks}")),
        &folder.path().join("sign"),
    );
    let output = child.wait_with_output().expect("ended");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("the disk is full"), "{message}");
    assert!(message.contains("goes on from"), "{message}");
    assert_eq!(std::fs::read(&checkpoint).expect("still there"), before);
    let partial = std::fs::read_dir(&run)
        .expect("listed")
        .filter(|entry| {
            entry
                .as_ref()
                .is_ok_and(|e| e.path().extension().is_some_and(|x| x == "partial"))
        })
        .count();
    assert_eq!(partial, 0);

    bench.cancel = CancelFlag::default();
    let whole = train_at(
        &bench,
        &folder.path().join("w"),
        &folder.path().join("wo"),
        &mut Silent,
    );
    let resumed = train_at(&bench, &run, &out, &mut Silent);
    assert_eq!(resumed.expect("trained"), whole.expect("trained"));
}
