//! `nines attack show`: closing tables with the labels as they are now.

mod page;

pub use page::page;

use super::find::asked_about;
use super::sampling::{self, Controls};
use super::table::{self, About};
use super::transfer::Transfer;
use super::two::{Second, accepting};
use super::{KIND, confirmed, finds, goal_of};
use crate::cli::AttackShowArgs;
use crate::commands::BadUsage;
use crate::commands::measure::whose;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Result, bail};
use nines_attack::guided::probe::ProbeRecord;
use nines_attack::recipe::{GoalKind, Recipe};
use nines_attack::table::{Row, Table};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{ContentHash, RunId};
use nines_store::{AttackAttempt, AttackOutcome, Run};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What is shown of one run.
#[derive(Serialize)]
pub struct Shown {
    /// The run.
    pub run: RunId,
    recipe: String,
    goal: GoalKind,
    classifier: String,
    against: Option<String>,
    /// The second classifier's threshold and scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    second: Option<Second>,
    /// The threshold, as log odds.
    threshold: f64,
    path: String,
    judge: Option<String>,
    /// Constraints that are a model's opinion.
    fallible: Vec<String>,
    /// How well the probe that says what is injurious does so, on families that it never saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<ProbeRecord>,
    /// Whether the search wrote until a model's opinion was met: success before labels then says little.
    by_opinion: bool,
    /// Whether the search gives its finds weights.
    weighted: bool,
    status: String,
    starts: Value,
    /// Queries and seconds that an attempt may take.
    budget: Value,
    /// The version of nines that attacked.
    version: String,
    seed: Option<u64>,
    /// Whose labels confirm: people's or judges', which are models.
    by: &'static str,
    #[serde(skip)]
    kind: LabellerKind,
    /// The closing table; success after labels by those.
    pub table: Table,
    /// Whether a second classifier is fooled too.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Transfer>,
    /// What the labels of the other kind say.
    by_others: Others,
    /// Finds of one attempt that people are asked about: the attempt counts as confirmed where any is.
    asked: u64,
    /// Why starts were skipped, and how many for each reason.
    skipped: BTreeMap<String, u64>,
    /// What failed, and how often.
    broken: BTreeMap<String, u64>,
    /// What readers of the log should know, with the attempts that say so, counted from 1.
    notes: BTreeMap<String, Vec<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finds: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    controls: Option<Controls>,
}

/// What the labels say that do not confirm: they are told beside, and never mixed with the others.
#[derive(Clone, Copy, Serialize)]
struct Others {
    /// Whose labels these are.
    by: &'static str,
    /// Attempts that they confirm.
    confirmed: u64,
    /// Attempts that they decide.
    labelled: u64,
}

/// A run with its attempts.
pub struct Attacked {
    /// The run.
    pub run: Run,
    /// What it was after.
    pub goal: GoalKind,
    /// Its attempts.
    pub attempts: Vec<AttackAttempt>,
}

impl Attacked {
    /// Reads a run of an attack.
    pub async fn read(project: &Project, id: RunId) -> Result<Self> {
        let run = project.store.run(id).await?;
        if run.kind != KIND {
            bail!(BadUsage(format!("run {id} is no attack but {}", run.kind)));
        }
        Ok(Self {
            goal: goal_of(&run)?,
            attempts: project.store.attack_attempts(&[id]).await?,
            run,
        })
    }

    /// Says what one kind of labeller says of an attempt: confirmed where any find is, open while one that
    /// they were asked about is.
    pub fn verdict(&self, attempt: &AttackAttempt, by: LabellerKind) -> Option<bool> {
        let said: Vec<Option<bool>> = attempt
            .finds
            .iter()
            .map(|find| confirmed(self.goal, find, attempt.threshold, by))
            .collect();
        if said.contains(&Some(true)) {
            return Some(true);
        }
        let labelled = said.iter().any(Option::is_some);
        let asked = asked_about(attempt).len();
        let open = said[..asked].iter().any(Option::is_none);
        (labelled && !open).then_some(false)
    }

    /// Its attempts as tables count them, by one kind of labeller.
    pub fn rows(&self, by: LabellerKind) -> Vec<Row> {
        let row = |attempt: &AttackAttempt| Row {
            outcome: attempt.outcome.as_str().to_owned(),
            verified: self.verdict(attempt, by),
            start_score: attempt.start_score,
            score: attempt.score,
            queries: attempt.queries,
            budget: attempt.detail["budget"]["queries"]
                .as_u64()
                .unwrap_or_default(),
            seconds_allowed: attempt.detail["budget"]["seconds"].as_f64(),
            reached_at: attempt.detail["reached_at"].as_u64(),
            scored: attempt.scored,
            seconds: attempt.seconds,
            words: attempt.words,
            words_changed: attempt.words_changed.unwrap_or_default(),
        };
        self.attempts.iter().map(row).collect()
    }
}

/// A run's result, as its record keeps it: what does not change with labels.
pub async fn summary(project: &Project, id: RunId) -> Result<Value> {
    let attacked = Attacked::read(project, id).await?;
    let count = |outcome: AttackOutcome| {
        attacked
            .attempts
            .iter()
            .filter(|a| a.outcome == outcome)
            .count()
    };
    let counts: BTreeMap<&str, usize> = AttackOutcome::ALL
        .into_iter()
        .map(|outcome| (outcome.as_str(), count(outcome)))
        .collect();
    Ok(
        json!({ "attempts": attacked.attempts.len(), "outcomes": counts,
        "queries": attacked.attempts.iter().map(|a| a.queries).sum::<u64>() }),
    )
}

impl Shown {
    /// Reads a run with its table, confirmed by people.
    pub async fn read(project: &Project, id: RunId) -> Result<Self> {
        Self::of(&Attacked::read(project, id).await?, LabellerKind::Person)
    }

    fn of(attacked: &Attacked, by: LabellerKind) -> Result<Self> {
        let config = &attacked.run.config;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let other = match by {
            LabellerKind::Person => LabellerKind::Judge,
            LabellerKind::Judge => LabellerKind::Person,
        };
        let others: Vec<bool> = attacked
            .attempts
            .iter()
            .filter_map(|attempt| attacked.verdict(attempt, other))
            .collect();
        let of_outcome = |outcome: AttackOutcome| {
            let why = attacked
                .attempts
                .iter()
                .filter(|attempt| attempt.outcome == outcome)
                .filter_map(|attempt| attempt.why.clone());
            counts(why)
        };
        let mut notes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for attempt in &attacked.attempts {
            let said = attempt.detail["notes"].as_array().into_iter().flatten();
            for note in said.filter_map(Value::as_str) {
                let of = notes.entry(note.to_owned()).or_default();
                of.push(attempt.position + 1);
            }
        }
        let recipe = config["recipe"].as_str().unwrap_or_default();
        let search = Recipe::parse(recipe).map_or_else(|_| String::new(), |r| r.search.kind);
        Ok(Self {
            run: attacked.run.id,
            recipe: text(&config["name"]).unwrap_or_default(),
            goal: attacked.goal,
            classifier: text(&config["attacked"]["classifier"]).unwrap_or_default(),
            against: text(&config["against"]["classifier"]),
            second: Second::of(attacked, by)?,
            threshold: config["attacked"]["threshold"].as_f64().unwrap_or(f64::NAN),
            path: text(&config["path"]).unwrap_or_default(),
            judge: text(&config["judge"]["classifier"]),
            fallible: serde_json::from_value(config["fallible"].clone()).unwrap_or_default(),
            probe: serde_json::from_value(config["probe"]["record"].clone()).ok(),
            by_opinion: ["guided", "steered", "prompts"].contains(&search.as_str()),
            weighted: ["guided", "guided-disagree"].contains(&search.as_str()),
            status: attacked.run.status.as_str().to_owned(),
            starts: described(&config["starts"]),
            budget: config["budget"].clone(),
            version: text(&config["version"]).unwrap_or_default(),
            seed: attacked.run.seed,
            by: whose(by),
            kind: by,
            table: Table::of(&attacked.rows(by))?,
            transfer: Transfer::of(attacked)?,
            by_others: Others {
                by: whose(other),
                confirmed: others.iter().filter(|confirmed| **confirmed).count() as u64,
                labelled: others.len() as u64,
            },
            asked: config["asked"]["verify"].as_u64().unwrap_or(1),
            skipped: of_outcome(AttackOutcome::Skipped),
            broken: of_outcome(AttackOutcome::Broken),
            notes,
            finds: None,
            controls: None,
        })
    }

    fn about(&self) -> About<'_> {
        About {
            run: self.run.0,
            recipe: &self.recipe,
            by: self.kind,
            by_others: (self.by_others.confirmed, self.by_others.labelled),
            asked: self.asked,
            goal: self.goal,
            classifier: &self.classifier,
            second: self.second.as_ref(),
            probe: self.probe.as_ref(),
            by_opinion: self.by_opinion,
        }
    }

    /// Writes what the run was and its table.
    pub fn words(&self) -> String {
        let mut text = format!(
            "run {} ({}): {} attacks {}",
            self.run, self.status, self.recipe, self.classifier
        );
        let _ = writeln!(text, ", {}, on {}", accepting(self.threshold), self.path);
        if let Some(second) = &self.second {
            let (name, accepts) = (&second.classifier, accepting(second.threshold));
            let _ = match self.goal {
                GoalKind::Disagree | GoalKind::Gap => {
                    writeln!(text, "  compared with {name}, {accepts}")
                }
                _ => writeln!(
                    text,
                    "  finds are shown to {name} too, {accepts}: it steers nothing, and says whether they get past it"
                ),
            };
        }
        if let Some(judge) = &self.judge {
            let _ = writeln!(text, "  judge: {judge}, a model, which can be fooled");
        }
        if !self.fallible.is_empty() {
            let names = self.fallible.join(", ");
            let _ = writeln!(text, "  kept to by models' opinion alone: {names}");
        }
        text.push_str(&table::words(&self.table, &self.about()));
        if let Some(transfer) = &self.transfer {
            text.push_str(&transfer.words());
        }
        for (what, reasons) in [("skipped", &self.skipped), ("broken", &self.broken)] {
            for (why, n) in reasons {
                let _ = writeln!(text, "  {what} ({n}): {why}");
            }
        }
        for (note, of) in &self.notes {
            let _ = writeln!(text, "  note ({}): {note}", numbered(of));
        }
        if let Some(finds) = &self.finds {
            text.push_str(&finds::words(finds, &self.classifier, self.weighted));
        }
        text
    }
}

/// Names attempts by their numbers, the first few of many.
fn numbered(attempts: &[u64]) -> String {
    const NAMED: usize = 5;
    let named: Vec<String> = attempts.iter().take(NAMED).map(u64::to_string).collect();
    let noun = if attempts.len() == 1 {
        "attempt"
    } else {
        "attempts"
    };
    match attempts.len().saturating_sub(NAMED) {
        0 => format!("{noun} {}", named.join(", ")),
        more => format!("{noun} {} and {more} more", named.join(", ")),
    }
}

fn counts(of: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for one in of {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// Runs `nines attack show`.
pub async fn run(project: &Project, args: &AttackShowArgs, output: &Output) -> Result<()> {
    let by = args.by.into();
    let mut all = Vec::new();
    for id in &args.runs {
        let attacked = Attacked::read(project, RunId(*id)).await?;
        let mut shown = Shown::of(&attacked, by)?;
        if args.finds {
            shown.finds = Some(finds::of(project, &attacked, by).await?);
        }
        if args.sampling {
            shown.controls = Some(sampling::controls(project, &attacked, by).await?);
        }
        all.push(shown);
    }
    output.result(&all, || words(&all, args.markdown));
    Ok(())
}

fn words(all: &[Shown], markdown: bool) -> String {
    let rows: Vec<_> = all.iter().map(|s| (s.table.clone(), s.about())).collect();
    let mut text = match all {
        _ if markdown => table::markdown(&rows),
        [one] => one.words(),
        _ => table::side_by_side(&rows),
    };
    if let Some(note) = comparability(all) {
        let paragraph = if markdown { "\n" } else { "" };
        let _ = writeln!(text, "{paragraph}{note}");
    }
    let controls: Vec<_> = all
        .iter()
        .filter_map(|shown| Some((shown.about(), shown.controls.as_ref()?)))
        .collect();
    if markdown && !controls.is_empty() {
        text.push('\n');
        text.push_str(&sampling::markdown(&controls));
        return text;
    }
    for (about, controls) in controls {
        let _ = writeln!(text, "\nrun {}, {}:", about.run, about.recipe);
        text.push_str(&controls.words());
    }
    text
}

/// Says so where runs do not attack the same from the same starts, or are not asked the same.
fn comparability(all: &[Shown]) -> Option<String> {
    let differs =
        |of: &dyn Fn(&Shown) -> String| all.windows(2).any(|pair| of(&pair[0]) != of(&pair[1]));
    let mut differ = Vec::new();
    for (name, is) in [
        (
            "classifier or threshold",
            differs(&|s| format!("{} {} {}", s.classifier, s.threshold, s.path)),
        ),
        (
            "goal",
            differs(&|s| format!("{:?} {:?}", s.goal, s.against)),
        ),
        ("starts", differs(&|s| s.starts["digest"].to_string())),
        ("judge", differs(&|s| format!("{:?}", s.judge))),
        ("finds asked about", differs(&|s| s.asked.to_string())),
        ("version of nines", differs(&|s| s.version.clone())),
    ] {
        if is {
            differ.push(name);
        }
    }
    let mut said = Vec::new();
    if !differ.is_empty() {
        said.push(format!(
            "caution: these runs differ in {}, so that their rows are not compared like for like",
            differ.join(" and ")
        ));
    }
    if differs(&|s| s.budget.to_string()) {
        said.push(
            "Their budgets differ: *success by queries* compares them at equal queries.".to_owned(),
        );
    }
    (!said.is_empty()).then(|| said.join("\n"))
}

/// Describes starts without their texts and keys, which are in the run's record: a digest of them says
/// whether two runs began with the same, in whatever order.
fn described(starts: &Value) -> Value {
    let mut described = starts.clone();
    let Some(fields) = described.as_object_mut() else {
        return described;
    };
    let ids = fields.remove("ids");
    let prompts = fields.remove("prompts");
    if let Some(Value::Array(all)) = ids.or(prompts) {
        let mut all: Vec<String> = all.iter().map(Value::to_string).collect();
        all.sort_unstable();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let digest = ContentHash::of_fields("attack starts", &all).to_string();
        described["digest"] = Value::from(digest);
    }
    described
}
