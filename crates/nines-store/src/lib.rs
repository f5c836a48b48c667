//! The project database: one code base for SQLite and PostgreSQL.
//!
//! [`Store`] is the handle; its methods speak in the words of the domain, and every one that
//! writes is one transaction: all of it is stored, or none. Snippets, labels, models, scores and
//! calibrations are only ever added. SeaORM's types stay inside.
//!
//! - [`StoreUrl`]: which database; [`Store::open`] looks before it touches.
//! - Prompts, snippets, labels: what people and generators wrote, and what was said of it;
//!   [`Store::import`] takes a whole file.
//! - Models, runs, metrics: what was made, by what, and how it went; the trials of sweeps.
//! - Jobs: long commands that were asked for, who drives them, and how they ended.
//! - Generations, scores, calibrations, filter answers: what came of it.
//! - Distributions, designs, comparisons, attack sessions, estimates: what is measured, on what.
//! - Attack attempts with their finds: what automatic attacks tried.
//!
//! - Rewriting tasks, sessions, steps, finds: people's timed attacks, and what came of them.
//! - Accounts, login sessions, invitations, API tokens, the audit: who may do what, and who did.
//! - Acquisitions: what was chosen to be labelled so that a classifier learns from it, and how likely that was.
//! - Queues, assignments, checks, the guide, rulings: labelling by many people at once.
//!
//! What this crate does not do: read files, decide on splits (the domain does), or hash passwords.

mod accounts;
mod acquisitions;
mod api_tokens;
mod attack_attempts;
mod attack_sessions;
mod audit;
mod batch;
mod calibrations;
mod choices;
mod comparisons;
mod counts;
mod designs;
mod distributions;
mod entity;
mod error;
mod estimates;
mod facts;
mod families;
mod filters;
mod generations;
mod imports;
mod invitations;
mod jobs;
mod labelling;
mod labels;
mod login_sessions;
mod marks;
mod metrics;
mod migration;
mod models;
mod open;
mod placement;
mod process;
mod prompts;
mod rewriting;
mod runs;
mod scores;
mod snippets;
mod store;
mod sweeps;
mod time;
mod url;
mod values;
mod withdrawals;

pub use accounts::{AccountChange, NewAccount, StoredAccount};
pub use acquisitions::{AcquiredItem, Acquisition, Among, NewAcquiredItem, NewAcquisition};
pub use api_tokens::ApiToken;
pub use attack_attempts::{
    AttackAttempt, AttackFind, AttackOutcome, AttackStart, NewAttackAttempt, NewAttackFind,
};
pub use attack_sessions::{AttackerKind, NewAttackSession, StoredAttackSession};
pub use audit::{AuditEntry, NewAuditEntry};
pub use batch::{Inserted, InsertedRow};
pub use calibrations::{Calibration, NewCalibration};
pub use choices::ChosenBy;
pub use comparisons::{NewComparison, StoredComparison};
pub use counts::Counts;
pub use designs::{Design, DesignItem, DesignKind, NewDesign, NewDesignItem, Selection};
pub use distributions::{Distribution, NewDistribution};
pub use error::StoreError;
pub use estimates::{NewEstimate, StoredEstimate};
pub use filters::{Candidate, FilterAnswer, FilterSetting, NewCandidate, NewFilterAnswer};
pub use generations::{Generation, NewGeneration, Sampler, StoredGenerations};
pub use imports::{Import, ImportCounts, ImportLines, NewImport};
pub use invitations::{Invitation, NewInvitation};
pub use jobs::{Job, JobEnd, JobState, NewJob, TRIES};
pub use labelling::{
    Answer, Assignment, AssignmentState, CheckItem, CheckPurpose, Feedback, Flag, Given, Guide,
    LEASE, LEASES, Labeller, Leased, NewCheckItem, NewGuide, NewQueue, NewRuling, PeopleRatings,
    PersonRecord, Preference, Progress, Purpose, Queue, QueueChange, QueueKind, QueueRow, Ruling,
    Saved, SettledSnippet, Stage, Standing, Today,
};
pub use labels::{NewLabel, SnippetRef, StoredLabel};
pub use login_sessions::{LoginSession, NewLoginSession, SessionLimits};
pub use marks::{AgreementMark, MeasuringMark};
pub use metrics::{Metric, NewMetric};
pub use models::{Model, ModelKind, NewEnsemble, NewModel};
pub use process::Process;
pub use prompts::{NewPrompt, Prompt, PromptFilter};
pub use rewriting::{
    FoundBy, NewRewritingFind, NewRewritingSession, NewRewritingStep, NewRewritingTask, ResultTask,
    RewritingFind, RewritingResult, RewritingSession, RewritingStanding, RewritingStart,
    RewritingState, RewritingStep, RewritingTask, RewritingTaskChange, RewritingTaskRow, SavedStep,
    StepKind, SubmittedFind, ToolCall, Tools, VerifiedFind, WorkTime,
};
pub use runs::{NewRun, Run, RunStatus, SILENT_AFTER};
pub use snippets::{
    DesignPlace, DrawnFrom, Facet, Facets, FoundSnippets, ImportedFrom, LabelState, LabellerFacet,
    NewSnippet, Origin, ScoreOfSnippet, ScoreRange, Sighting, Snippet, SnippetFilter,
    SnippetLineage, SnippetSearch,
};
pub use store::{Store, StoreDescription};
pub use sweeps::{NewTrial, SweepTrial, TrialEnd, TrialNumber, TrialState};
pub use url::StoreUrl;
