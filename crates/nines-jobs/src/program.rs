//! The program that does jobs, and how it is started so that it outlives whoever started it.

use crate::attempt::{ATTEMPT, JOB};
use crate::error::JobError;
use nines_domain::snippet::JobId;
use nines_store::Job;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::process::{Child, Command};

/// How much a job gives way to the server that people wait for.
const NICENESS: i32 = 10;

/// Files that were kept by this process, so that each has a name of its own while it is written.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// The program that does jobs, and the project that it does them in.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    options: Vec<String>,
}

impl Program {
    /// Names a program and a project's folder.
    pub fn new(path: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self {
            path: path.into(),
            // A job is started in the folder, where a relative path would name another one.
            folder: std::path::absolute(&folder).unwrap_or(folder),
            options: Vec::new(),
        }
    }

    /// Gives every job these options too, such as those that its server was given.
    pub fn with_options(mut self, options: impl IntoIterator<Item = String>) -> Self {
        self.options.extend(options);
        self
    }

    /// Returns where a job's words go.
    pub fn log(&self, job: JobId) -> PathBuf {
        let name = format!("{:06}.log", job.0);
        self.folder.join("runs").join("jobs").join(name)
    }

    /// Keeps a file that a job reads, at a path of the project's folder: whole or not at all, and once.
    pub(crate) fn keep(&self, path: &str, text: &str) -> Result<(), JobError> {
        let path = self.folder.join(path);
        let keep = || {
            let parent = path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent)?;
            if path.is_file() {
                return Ok(());
            }
            // Two that ask at once write the same words under names of their own.
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            let aside = path.with_extension(format!("{}-{asked}.new", std::process::id()));
            let mut file = File::create(&aside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&aside, &path)
        };
        let kept: std::io::Result<()> = keep();
        kept.map_err(|source| JobError::Keep {
            path: path.clone(),
            source,
        })
    }

    /// Starts an attempt at a job in a session of its own: neither the end of this process nor of
    /// its terminal reaches it. Returns the child and where its words begin in the log.
    pub(crate) fn start(&self, job: &Job) -> Result<(Child, u64), JobError> {
        let (log, begins) = self.open_log(job)?;
        let path = self.log(job.id);
        let other = log
            .try_clone()
            .map_err(|source| JobError::Log { path, source })?;
        let mut command = Command::new(&self.path);
        command
            .arg("--project")
            .arg(&self.folder)
            .args(&self.options)
            .args(&job.arguments)
            .current_dir(&self.folder)
            .env(JOB, job.id.to_string())
            .env(ATTEMPT, job.attempts.to_string())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(other);
        let apart = || {
            rustix::process::setsid()?;
            // A job that may not be made to give way is done all the same.
            let _ = rustix::process::nice(NICENESS);
            Ok(())
        };
        // SAFETY: between fork and exec only two system calls are made, which allocate nothing and
        // take no lock.
        unsafe { command.pre_exec(apart) };
        match command.spawn() {
            Ok(child) => Ok((child, begins)),
            Err(source) => Err(JobError::Start {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Opens a job's log at its end and heads the attempt.
    fn open_log(&self, job: &Job) -> Result<(File, u64), JobError> {
        let path = self.log(job.id);
        let open = || {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            let mut log = OpenOptions::new().create(true).append(true).open(&path)?;
            writeln!(
                log,
                "--- attempt {}, {:.0}: nines {}",
                job.attempts,
                jiff::Timestamp::now(),
                job.arguments.join(" ")
            )?;
            let begins = log.metadata()?.len();
            Ok((log, begins))
        };
        let opened: std::io::Result<_> = open();
        opened.map_err(|source| JobError::Log { path, source })
    }
}
