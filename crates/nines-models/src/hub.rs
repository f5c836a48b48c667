//! Models from the Hugging Face hub, pinned to the commit that the revision stands for.

use crate::digest::{HashedWriter, hex};
use crate::error::ModelsError;
use crate::layout;
use crate::manifest::{DigestOrigin, FileRecord, Role};
use crate::progress::{PullEvent, Reporter};
use crate::pull::Fetched;
use crate::source::{Source, check_name};
use futures_util::{StreamExt, pin_mut};
use hf_hub::repository::RepoTreeEntry;
use hf_hub::{HFClient, HFError, HFRepository, RepoTypeModel};
use sha1::{Digest, Sha1};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// A hub that says nothing for this long counts as unreachable.
const SILENCE: Duration = Duration::from_secs(60);

/// Which hub, and who asks. What is `None` comes from `HF_ENDPOINT` and `HF_TOKEN`.
#[derive(Clone, Default)]
pub(crate) struct HubAccess {
    pub(crate) endpoint: Option<String>,
    pub(crate) token: Option<String>,
}

impl std::fmt::Debug for HubAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubAccess")
            .field("endpoint", &self.endpoint)
            .field("token_set", &self.token.is_some())
            .finish()
    }
}

/// Fetches on a thread of its own with its own runtime, so that callers need none and may have one.
pub(crate) fn fetch(
    access: &HubAccess,
    source: &Source,
    into: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<Fetched, ModelsError> {
    let stop = AtomicBool::new(false);
    let (events, inbox) = mpsc::channel();
    let work = Work {
        what: source.to_string(),
        access,
        source,
        into,
        events,
        stop: &stop,
    };
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(ModelsError::io("start a thread for", into))?
                .block_on(work.run())
        });
        let mut said = Ok(());
        for event in inbox {
            if said.is_ok() {
                said = match event {
                    PullEvent::Downloading { done, total } => reporter.bytes(done, total),
                    other => reporter.say(other),
                };
                if said.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        }
        let fetched = match worker.join() {
            Ok(fetched) => fetched,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        said.and(fetched)
    })
}

struct Work<'a> {
    what: String,
    access: &'a HubAccess,
    source: &'a Source,
    into: &'a Path,
    events: mpsc::Sender<PullEvent>,
    stop: &'a AtomicBool,
}

struct Wanted {
    path: String,
    name: String,
    bytes: u64,
    /// Git's object id: of the content, or of the pointer that stands for it in git (large files).
    object: String,
    is_large: bool,
}

impl Wanted {
    /// Says whether the hub's object id fits what arrived.
    fn fits(&self, record: &FileRecord, content: Option<String>) -> bool {
        let found = match (self.is_large, content) {
            (true, _) => {
                let pointer = format!(
                    "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n",
                    record.sha256, record.bytes
                );
                let mut git = GitBlob::new(pointer.len() as u64);
                git.update(pointer.as_bytes());
                git.id()
            }
            (false, Some(content)) => content,
            (false, None) => return false,
        };
        found.eq_ignore_ascii_case(&self.object)
    }
}

/// Computes the id that git gives to a content (SHA-1: what the hub states, not our own choice).
struct GitBlob(Sha1);

impl GitBlob {
    fn new(bytes: u64) -> Self {
        Self(Sha1::new_with_prefix(format!("blob {bytes}\0")))
    }

    fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    fn id(self) -> String {
        hex(&self.0.finalize())
    }
}

impl Work<'_> {
    async fn run(self) -> Result<Fetched, ModelsError> {
        let Source::Hub {
            owner,
            name,
            revision,
            file,
        } = self.source
        else {
            return Err(ModelsError::BadSource {
                text: self.what.clone(),
                reason: "it is not a hub source".to_owned(),
            });
        };
        if std::env::var("HF_HUB_OFFLINE").is_ok_and(|v| !matches!(v.as_str(), "" | "0" | "false"))
        {
            return Err(self.unreachable("HF_HUB_OFFLINE is set".to_owned()));
        }
        let mut builder = HFClient::builder()
            .retry_max_attempts(3)
            .cache_enabled(false);
        if let Some(endpoint) = &self.access.endpoint {
            builder = builder.endpoint(endpoint);
        }
        if let Some(token) = &self.access.token {
            builder = builder.token(token);
        }
        let client = builder.build().map_err(|error| self.refused(error))?;
        let repository = client.model(owner, name);
        let info = self
            .patiently(repository.info().maybe_revision(revision.clone()).send())
            .await?;
        let commit = info.sha.clone().ok_or_else(|| ModelsError::HubRefused {
            what: self.what.clone(),
            reason: "it names no commit for the revision, so nothing can be pinned".to_owned(),
        })?;
        let licence = info
            .tags
            .iter()
            .flatten()
            .find_map(|tag| tag.strip_prefix("license:"))
            .map(str::to_owned);

        let wanted = self.choose(&repository, &commit, file.as_deref()).await?;
        let total = wanted.iter().map(|wanted| wanted.bytes).sum();
        let mut before = 0;
        let mut files = Vec::new();
        for wanted in &wanted {
            let record = self
                .download(&repository, &commit, wanted, before, total)
                .await?;
            before += record.bytes;
            files.push(record);
        }
        Ok(Fetched {
            files,
            revision: Some(commit),
            licence,
            role: Role::Unstated,
            digests: DigestOrigin::Hub,
        })
    }

    /// Lists the repository at the commit and chooses the needed files.
    async fn choose(
        &self,
        repository: &HFRepository<RepoTypeModel>,
        commit: &str,
        only: Option<&str>,
    ) -> Result<Vec<Wanted>, ModelsError> {
        let deep = only.is_some_and(|path| path.contains('/'));
        let tree = repository
            .list_tree()
            .revision(commit)
            .recursive(deep)
            .send()
            .map_err(|error| self.refused(error))?;
        pin_mut!(tree);
        let mut entries = std::collections::BTreeMap::new();
        while let Some(entry) = self.next(&mut tree).await? {
            if let RepoTreeEntry::File {
                path,
                size,
                oid,
                lfs,
                ..
            } = entry
                && (!path.contains('/') || Some(path.as_str()) == only)
            {
                entries.insert(path, (size, oid, lfs.is_some()));
            }
            if entries.len() > 10_000 {
                return Err(ModelsError::NotAModel {
                    place: self.what.clone(),
                    reason: "it has more than 10,000 files at its top".to_owned(),
                });
            }
        }
        let names: Vec<String> = entries.keys().cloned().collect();
        let mut wanted = Vec::new();
        for path in layout::select(&names, only, &self.what)? {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            check_name(&name)?;
            if let Some((bytes, object, is_large)) = entries.remove(&path) {
                wanted.push(Wanted {
                    path,
                    name,
                    bytes,
                    object,
                    is_large,
                });
            }
        }
        Ok(wanted)
    }

    async fn download(
        &self,
        repository: &HFRepository<RepoTypeModel>,
        commit: &str,
        wanted: &Wanted,
        before: u64,
        total: u64,
    ) -> Result<FileRecord, ModelsError> {
        self.tell(PullEvent::Checking {
            file: wanted.name.clone(),
        })?;
        let (_, stream) = self
            .patiently(
                repository
                    .download_file_stream()
                    .filename(&wanted.path)
                    .revision(commit)
                    .send(),
            )
            .await?;
        pin_mut!(stream);
        let path = self.into.join(&wanted.name);
        let mut writer = HashedWriter::create(&path)?;
        let mut done = 0;
        let mut git = (!wanted.is_large).then(|| GitBlob::new(wanted.bytes));
        while let Some(chunk) = self.next(&mut stream).await? {
            done += chunk.len() as u64;
            if done > wanted.bytes {
                break;
            }
            writer.write(&chunk)?;
            if let Some(git) = &mut git {
                git.update(&chunk);
            }
            self.tell(PullEvent::Downloading {
                done: before + done,
                total: Some(total),
            })?;
        }
        let shown = format!("{} in {}", wanted.path, self.what);
        let advice = || "nothing was kept; pull it again".to_owned();
        if done != wanted.bytes {
            return Err(ModelsError::WrongSize {
                file: shown,
                expected: wanted.bytes,
                found: done,
                advice: advice(),
            });
        }
        let record = writer.finish(&wanted.name)?;
        if !wanted.fits(&record, git.map(GitBlob::id)) {
            return Err(ModelsError::WrongDigest {
                file: shown,
                expected: format!("that of git object {}", wanted.object),
                found: record.sha256,
                advice: advice(),
            });
        }
        Ok(record)
    }

    fn tell(&self, event: PullEvent) -> Result<(), ModelsError> {
        self.events.send(event).ok();
        if self.stop.load(Ordering::Relaxed) {
            return Err(ModelsError::Stopped);
        }
        Ok(())
    }

    /// Waits for an answer, but not for ever.
    async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, HFError>>,
    ) -> Result<T, ModelsError> {
        match tokio::time::timeout(SILENCE, answer).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.refused(error)),
            Err(_) => Err(self.unreachable(format!("no answer for {} seconds", SILENCE.as_secs()))),
        }
    }

    async fn next<T>(
        &self,
        stream: &mut (impl futures_util::Stream<Item = Result<T, HFError>> + Unpin),
    ) -> Result<Option<T>, ModelsError> {
        self.patiently(async { stream.next().await.transpose() })
            .await
    }

    fn unreachable(&self, reason: String) -> ModelsError {
        ModelsError::NoNetwork {
            place: self
                .access
                .endpoint
                .clone()
                .or_else(|| std::env::var("HF_ENDPOINT").ok())
                .unwrap_or_else(|| "the Hugging Face hub".to_owned()),
            what: self.what.clone(),
            reason,
        }
    }

    fn refused(&self, error: HFError) -> ModelsError {
        let reason = match &error {
            HFError::Request { .. } | HFError::Xet { .. } => {
                return self.unreachable(with_causes(&error));
            }
            HFError::AuthRequired { .. } => {
                "it asks who you are: set HF_TOKEN to a token that may read it".to_owned()
            }
            HFError::Forbidden { .. } => {
                "your token may not read it (a gated model must be accepted on its page first)"
                    .to_owned()
            }
            HFError::RepoNotFound { .. } => {
                "there is no such repository, or it is private: check OWNER/NAME, and HF_TOKEN"
                    .to_owned()
            }
            HFError::RevisionNotFound { revision, .. } => {
                format!("it has no revision {revision:?}")
            }
            HFError::EntryNotFound { path, .. } => format!("it has no file {path:?}"),
            HFError::RateLimited { .. } => "it asks to wait: try again in some minutes".to_owned(),
            other => with_causes(other),
        };
        ModelsError::HubRefused {
            what: self.what.clone(),
            reason,
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
