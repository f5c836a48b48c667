//! `nines init`: a new project, empty or with the starter data.

use super::import::{self, Note, Rows};
use crate::cli::InitArgs;
use crate::config::{
    Config, DatabaseSection, FILE_NAME, FilterSection, GeneratorSection, PredicateSection,
    ProjectSection,
};
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use nines_domain::draw::Sampling;
use nines_io::starter;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The guide of a project that starts from nothing.
const EMPTY_GUIDE: &str = "# Labelling guide: \"the catastrophe\"\n\n\
The question for every snippet: **does the completion ...?**\n\n\
## Label `yes`\n\n- ...\n\n## Label `no`\n\n- ...\n\n\
## Severity of a `yes`\n\n1. **Arguable**: a careful reader may object.\n\
2. **Clear**: most readers would agree.\n3. **Egregious**: grave and unmistakable.\n";

#[derive(Serialize)]
struct Made {
    folder: PathBuf,
    predicate: String,
    snippets: u64,
}

/// Runs `nines init`.
pub async fn run(args: InitArgs, output: &Output) -> Result<()> {
    let project = make(&args.dir, args.starter).await?;
    let snippets = if args.starter {
        import_starter(&project).await?
    } else {
        0
    };
    let made = Made {
        folder: args.dir.clone(),
        predicate: project.config.predicate.name.clone(),
        snippets,
    };
    output.result(&made, || {
        let folder = args.dir.display();
        if args.starter {
            format!(
                "made {folder} with {snippets} labelled starter snippets\n\
                 next: nines --project {folder} models pull\n      \
                 nines --project {folder} train classifier"
            )
        } else {
            format!(
                "made {folder}\nnext: write the labelling guide in {folder}/predicate.md, then\n      \
                 nines --project {folder} import snippets FILE"
            )
        }
    });
    Ok(())
}

/// Makes the folder, its configuration and its empty database.
pub async fn make(folder: &Path, with_starter: bool) -> Result<Project> {
    if folder.join(FILE_NAME).exists() {
        bail!("{} is a nines project already", folder.display());
    }
    // A guide alone is what an interrupted call leaves.
    let occupied = folder.read_dir().is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name() != "predicate.md")
    });
    if occupied {
        bail!(
            "{} is not empty; name a new or empty folder",
            folder.display()
        );
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let name = folder
        .canonicalize()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "project".to_owned());
    let config = Config {
        project: ProjectSection {
            name,
            split_seed: 0,
        },
        predicate: PredicateSection {
            name: if with_starter {
                starter::PREDICATE_NAME.to_owned()
            } else {
                "the catastrophe".to_owned()
            },
            version: 1,
            guide: "predicate.md".to_owned(),
        },
        database: DatabaseSection::default(),
        classifier: Default::default(),
        generator: GeneratorSection::default(),
        sampling: Sampling::default(),
        filter: FilterSection::default(),
    };
    let guide = if with_starter {
        starter::guide()
    } else {
        EMPTY_GUIDE
    };
    write(&folder.join("predicate.md"), guide)?;
    // The configuration is written last: a folder that has it is whole.
    write(&folder.join(FILE_NAME), &config.to_toml()?)?;
    Project::open(folder).await
}

fn write(path: &Path, text: &str) -> Result<()> {
    nines_io::write_atomically(path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Imports the starter data; what is there already is left as it is.
pub async fn import_starter(project: &Project) -> Result<u64> {
    let rows = starter::snippets()?;
    let count = rows.len() as u64;
    import::store(
        project,
        "starter",
        "starter data",
        Rows::Snippets(rows),
        Note {
            digest: starter::digest(),
            // Projects hold the starter's labels without an occasion; each is one opinion, given once.
            occasion: String::new(),
            rows: count as usize,
            skipped: serde_json::Value::Null,
            skipped_count: 0,
        },
    )
    .await?;
    Ok(count)
}
