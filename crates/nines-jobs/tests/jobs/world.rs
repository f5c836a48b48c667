//! A folder with a database and a program that does jobs; and this test program as another process.

use nines_domain::snippet::JobId;
use nines_jobs::{JobRequest, Program, Settings, Supervisor, TrainRequest};
use nines_store::{Job, JobState, Store, StoreUrl};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Longer than anything here takes on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

pub struct World {
    folder: TempDir,
    pub store: Store,
}

impl World {
    /// A folder whose program is a shell script. In it, `$3` is the job's first word.
    pub async fn with(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = StoreUrl::Sqlite(folder.path().join("nines.db"));
        let store = Store::open(&url).await.expect("opens");
        let world = Self { folder, store };
        world.set(script);
        world
    }

    /// Puts another program in place of the one that is there.
    pub fn set(&self, script: &str) {
        // Written aside and moved: a file that is being written cannot be started.
        let (aside, path) = (self.path("aside"), self.path("program"));
        std::fs::write(&aside, format!("#!/bin/sh\n{script}\n")).expect("written");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&aside, executable).expect("made executable");
        std::fs::rename(aside, path).expect("moved");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn supervisor(&self) -> Supervisor {
        supervisor(&self.store, self.folder.path().to_owned())
    }

    /// A supervisor that drives.
    pub fn supervised(&self) -> (Supervisor, JoinHandle<()>) {
        let supervisor = self.supervisor();
        let driven = supervisor.clone();
        (supervisor, tokio::spawn(async move { driven.run().await }))
    }

    /// Waits until a job is as it should be.
    #[track_caller]
    pub fn until(
        &self,
        job: JobId,
        what: &str,
        is: impl Fn(&Job) -> bool,
    ) -> impl Future<Output = Job> {
        let place = std::panic::Location::caller();
        let started = Instant::now();
        async move {
            loop {
                let job = self.store.job(job).await.expect("read");
                if is(&job) {
                    return job;
                }
                assert!(started.elapsed() < LONGEST, "{place}: not {what}: {job:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    #[track_caller]
    pub fn until_state(&self, job: JobId, state: JobState) -> impl Future<Output = Job> {
        self.until(job, state.as_str(), move |job| job.state == state)
    }

    /// Waits until the program has written a file, and reads it.
    pub async fn written(&self, name: &str) -> String {
        let started = Instant::now();
        loop {
            match std::fs::read_to_string(self.path(name)) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => assert!(started.elapsed() < LONGEST, "{name} is never written"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn log(&self, job: JobId) -> String {
        let name = format!("runs/jobs/{:06}.log", job.0);
        std::fs::read_to_string(self.path(&name)).expect("a log")
    }
}

/// A supervisor that is impatient.
pub fn supervisor(store: &Store, folder: PathBuf) -> Supervisor {
    let settings = Settings {
        look_every: Duration::from_millis(20),
        patience: Duration::from_millis(300),
        grace: Duration::from_millis(300),
        ..Settings::default()
    };
    let program = Program::new(folder.join("program"), folder);
    Supervisor::new(store.clone(), program, settings)
}

pub fn train() -> JobRequest {
    JobRequest::Train(TrainRequest::default())
}

pub async fn ask(supervisor: &Supervisor) -> JobId {
    let job = supervisor.ask(&train(), Some("ada".into())).await;
    job.expect("queued").id
}

/// Shell words that make this test program run one of its ignored tests.
pub fn myself(test: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    format!(
        "exec '{}' --exact {test} --ignored --nocapture",
        program.display()
    )
}
