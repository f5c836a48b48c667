//! `nines measure plan` and `nines measure leak`.

use super::distribution::Named;
use super::frame::{Frame, runs_of};
use super::record::{Record, whose};
use super::{at_most, shown};
use crate::cli::{AllocationArg, LeakArgs};
use crate::output::Output;
use crate::project::Project;
use crate::shown::{Towards, grouped, rate};
use anyhow::{Context, Result, bail};
use nines_domain::label::{Adjudication, Label, LabellerKind};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetId;
use nines_measure::MeasureError;
use nines_measure::design::{self, Allocation, Strata, StratumPlan};
use nines_measure::distribution::Reweighting;
use nines_measure::leak::{Finding, Leak, LeakItem, LeakReport, measure};
use nines_stats::interval::labels_for_certificate;
use nines_store::{
    Design, DesignItem, DesignKind, FilterAnswer, NewDesign, NewDesignItem, Snippet,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

/// Labels drawn where nothing else is said.
const LABELS: u64 = 200;

/// A design of the leak with its items and what is known of them.
pub struct LeakDesign {
    /// The design.
    pub design: Design,
    /// Its strata.
    pub strata: Strata,
    /// Its requests.
    pub items: Vec<DesignItem>,
    /// For each stratum, the probability of the newest selection.
    pub probabilities: Vec<f64>,
}

impl LeakDesign {
    /// Reads a design.
    pub async fn read(project: &Project, design: Design) -> Result<Self> {
        let strata: Strata = serde_json::from_value(design.record["strata"].clone())
            .context("the design's strata cannot be read")?;
        let items = project.store.design_items(design.id).await?;
        let newest = project.store.selections(design.id).await?.pop();
        let probabilities = match newest {
            Some(selection) => serde_json::from_value(selection.record["probabilities"].clone())
                .context("the selection's probabilities cannot be read")?,
            None => vec![0.0; strata.count()],
        };
        Ok(Self {
            design,
            strata,
            items,
            probabilities,
        })
    }

    /// Finds or makes the design of a frame, with an item for each of its requests.
    async fn of(project: &Project, frame: &Frame, strata: u64) -> Result<Self> {
        let scores: Vec<Score> = frame.answers.iter().filter_map(answer_score).collect();
        let record = json!({
            "frame": frame.describe(), "runs": runs_of(&frame.answers), "seed": frame.seed,
            "strata": design::cut_points(&scores, strata as usize),
        });
        let design = project
            .store
            .ensure_design(&NewDesign {
                kind: DesignKind::Leak,
                identity: frame.identity,
                distribution: frame.distribution.id,
                model: frame.serving.model.id,
                record,
            })
            .await?;
        let strata: Strata = serde_json::from_value(design.record["strata"].clone())?;
        let items: Vec<NewDesignItem> = frame
            .answers
            .iter()
            .map(|answer| NewDesignItem {
                position: answer.position,
                answer: answer.id,
                other_answer: None,
                stratum: answer_score(answer).map(|s| strata.of(s) as u32),
                lot: design::lot(frame.seed, answer.position),
            })
            .collect();
        project.store.add_design_items(design.id, &items).await?;
        Self::read(project, design).await
    }

    /// Draws what a plan asks for beyond what is drawn.
    async fn select(
        &mut self,
        project: &Project,
        probabilities: Vec<f64>,
        why: Value,
    ) -> Result<u64> {
        let due: Vec<(i64, f64)> = self
            .items
            .iter()
            .filter(|item| item.drawn.is_none())
            .filter_map(|item| {
                let probability = probabilities[item.item.stratum? as usize];
                (item.item.lot < probability).then_some((item.id, probability))
            })
            .collect();
        if due.is_empty() && probabilities == self.probabilities {
            return Ok(0);
        }
        let record = json!({ "probabilities": probabilities, "why": why });
        project
            .store
            .select_items(self.design.id, &record, &due)
            .await?;
        let count = due.len() as u64;
        let due: HashMap<i64, f64> = due.into_iter().collect();
        for item in &mut self.items {
            item.drawn = due.get(&item.id).copied().or(item.drawn);
        }
        self.probabilities = probabilities;
        Ok(count)
    }
}

/// The score of the accepted candidate.
pub fn answer_score(answer: &FilterAnswer) -> Option<Score> {
    accepted(answer)?.ruling.score()
}

fn accepted(answer: &FilterAnswer) -> Option<&nines_store::Candidate> {
    let id = answer.accepted?;
    let mut candidates = answer.candidates.iter();
    candidates.find(|c| c.snippet == id && c.ruling.is_accepted())
}

/// What one kind of labeller says of a snippet.
pub fn finding(snippet: Option<&Snippet>, kind: LabellerKind) -> Finding {
    Finding::of(adjudicated(snippet, kind).as_ref())
}

fn adjudicated(snippet: Option<&Snippet>, kind: LabellerKind) -> Option<Adjudication> {
    let labels: Vec<Label> = snippet?
        .labels
        .iter()
        .map(|l| l.label.clone())
        .filter(|l| l.kind == kind)
        .collect();
    Adjudication::of(&labels)
}

/// The snippets of answers, by key.
pub async fn snippets_of(
    project: &Project,
    answers: impl Iterator<Item = &FilterAnswer>,
) -> Result<HashMap<SnippetId, Snippet>> {
    let ids: BTreeSet<SnippetId> = answers.filter_map(|a| a.accepted).collect();
    let ids: Vec<SnippetId> = ids.into_iter().collect();
    let snippets = project.store.snippets_by_id(&ids).await?;
    Ok(snippets.into_iter().map(|s| (s.id, s)).collect())
}

/// The design's requests as measuring takes them, by one kind of labeller.
pub fn items_of(
    items: &[DesignItem],
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    kind: LabellerKind,
) -> Result<Vec<LeakItem>> {
    items
        .iter()
        .map(|item| {
            let answer = answers
                .get(&item.item.answer)
                .context("an answer of the design is gone")?;
            let first = answer.candidates.first();
            Ok(LeakItem {
                prompt: answer.prompt,
                stratum: item.item.stratum.map(|h| h as usize),
                lot: item.item.lot,
                first_draw: first.is_some_and(|c| c.draw.draw == 0 && c.ruling.is_accepted()),
                finding: finding(answer.accepted.and_then(|id| snippets.get(&id)), kind),
            })
        })
        .collect()
}

/// Everything that a measurement of the leak works on.
struct Ready {
    frame: Frame,
    design: LeakDesign,
    snippets: HashMap<SnippetId, Snippet>,
}

impl Ready {
    async fn load(project: &Project, args: &LeakArgs, output: &Output) -> Result<Self> {
        let frame = Frame::draw(project, &args.frame, output).await?;
        let design = LeakDesign::of(project, &frame, args.strata).await?;
        let snippets = snippets_of(project, frame.answers.iter()).await?;
        Ok(Self {
            frame,
            design,
            snippets,
        })
    }

    fn items(&self, kind: LabellerKind) -> Result<Vec<LeakItem>> {
        let answers = self.frame.answers.iter().map(|a| (a.id, a)).collect();
        items_of(&self.design.items, &answers, &self.snippets, kind)
    }

    /// What the plan knows of each stratum.
    fn strata(&self) -> Result<Vec<StratumPlan>> {
        let scores: Vec<Option<Score>> = self.frame.answers.iter().map(answer_score).collect();
        Ok(self.design.plans(&scores))
    }
}

impl LeakDesign {
    /// What a plan knows of each stratum: sizes, what is drawn, and rates by the classifier. The
    /// scores are those of the answers, in the order of the items.
    pub fn plans(&self, scores: &[Option<Score>]) -> Vec<StratumPlan> {
        let mut sums = vec![(0u64, 0.0); self.strata.count()];
        for (item, score) in self.items.iter().zip(scores) {
            let (Some(h), Some(score)) = (item.item.stratum, *score) else {
                continue;
            };
            // By scores alone: probabilities that follow the labels which they weigh would bias the leak.
            let (size, risk) = &mut sums[h as usize];
            *size += 1;
            *risk += score.probability();
        }
        sums.into_iter()
            .zip(&self.probabilities)
            .map(|((size, risk), drawn)| StratumPlan {
                size,
                drawn: *drawn,
                expected: if size > 0 { risk / size as f64 } else { 0.0 },
            })
            .collect()
    }
}

/// What a plan says.
#[derive(Serialize)]
pub struct Planned {
    design: i64,
    frame: Value,
    answered: u64,
    abstained: u64,
    goal: Option<Goal>,
    labels: f64,
    allocation: Allocation,
    strata: Vec<PlannedStratum>,
    newly_drawn: u64,
    queue: usize,
    bound_without_catastrophes: f64,
    expected_leak: f64,
    expected_deviation: f64,
    confidence: f64,
}

/// A leak to show, and what that takes.
#[derive(Serialize)]
struct Goal {
    leak: f64,
    labels_needed: u64,
    requests_needed: u64,
    /// The labels drawn suffice if none is a catastrophe.
    within_reach: bool,
}

#[derive(Serialize)]
struct PlannedStratum {
    from_logit: Option<f64>,
    below_logit: Option<f64>,
    size: u64,
    probability: f64,
    drawn: u64,
    expected_rate: f64,
}

/// Runs `nines measure plan`.
pub async fn plan(project: &Project, args: &LeakArgs, output: &Output) -> Result<()> {
    let mut ready = Ready::load(project, args, output).await?;
    let planned = draw(project, &mut ready, args).await?;
    output.result(&planned, || plan_words(&planned));
    Ok(())
}

/// Draws the frame and what is to be labelled, and estimates nothing.
pub async fn draw_only(project: &Project, args: &LeakArgs, output: &Output) -> Result<()> {
    let mut ready = Ready::load(project, args, output).await?;
    draw(project, &mut ready, args).await?;
    Ok(())
}

/// Plans, and draws what the plan asks for.
async fn draw(project: &Project, ready: &mut Ready, args: &LeakArgs) -> Result<Planned> {
    let confidence = args.frame.confidence;
    let requests = ready.design.items.len() as u64;
    let strata = ready.strata()?;
    let answered: u64 = strata.iter().map(|s| s.size).sum();
    let abstained = requests - answered;
    let share = abstained as f64 / requests as f64;
    let goal = match args.leak {
        None => None,
        Some(leak) => {
            let labels = labels_for_certificate(leak, share, confidence)?;
            Some((
                leak,
                labels,
                (-(1.0 - confidence).ln() / leak).ceil() as u64,
            ))
        }
    };
    let allocation = match (args.allocation, goal) {
        // For a guarantee alone nothing beats equal probabilities.
        (AllocationArg::Mixed, Some(_)) if args.labels.is_none() => Allocation::Proportional,
        (AllocationArg::Mixed, _) => Allocation::Mixed,
        (AllocationArg::Proportional, _) => Allocation::Proportional,
        (AllocationArg::Neyman, _) => Allocation::Neyman,
    };
    let labels = args
        .labels
        .or(goal.map(|(_, labels, _)| labels))
        .unwrap_or(LABELS);
    let plan = design::plan(&strata, requests, labels as f64, allocation, confidence)?;
    let why = json!({ "labels": labels, "leak": args.leak, "allocation": allocation,
        "confidence": confidence });
    let within_reach =
        goal.is_none_or(|(leak, ..)| plan.bound_without_catastrophes <= leak * (1.0 + 1e-9));
    // Labels that cannot reach their goal are not asked of anybody.
    let newly = if within_reach || args.labels.is_some() {
        let probabilities = plan.probabilities.clone();
        ready.design.select(project, probabilities, why).await?
    } else {
        0
    };
    let cuts = &ready.design.strata.cuts;
    let rows = strata.iter().zip(&plan.probabilities).enumerate();
    let strata = rows
        .map(|(h, (stratum, probability))| PlannedStratum {
            from_logit: h.checked_sub(1).map(|below| cuts[below]),
            below_logit: cuts.get(h).copied(),
            size: stratum.size,
            probability: *probability,
            drawn: drawn_in(&ready.design.items, h),
            expected_rate: stratum.expected,
        })
        .collect();
    Ok(Planned {
        design: ready.design.design.id.0,
        frame: ready.frame.describe(),
        answered,
        abstained,
        goal: goal.map(|(leak, labels_needed, requests_needed)| Goal {
            leak,
            labels_needed,
            requests_needed,
            within_reach,
        }),
        labels: plan.labels,
        allocation,
        strata,
        newly_drawn: newly,
        queue: open(ready, None)?.len(),
        bound_without_catastrophes: plan.bound_without_catastrophes,
        expected_leak: plan.expected_leak,
        expected_deviation: plan.expected_deviation,
        confidence,
    })
}

fn drawn_in(items: &[DesignItem], stratum: usize) -> u64 {
    let of = items
        .iter()
        .filter(|i| i.item.stratum == Some(stratum as u32));
    of.filter(|i| i.drawn.is_some()).count() as u64
}

fn plan_words(planned: &Planned) -> String {
    let sure = crate::shown::percent(planned.confidence);
    let requests = planned.answered + planned.abstained;
    let mut text = format!(
        "Design {}: {} requests from the distribution {:?}, {} answered, {} abstained.\n",
        planned.design,
        grouped(requests),
        planned.frame["distribution"].as_str().unwrap_or_default(),
        grouped(planned.answered),
        grouped(planned.abstained),
    );
    if let Some(goal) = &planned.goal {
        let leak = rate(goal.leak, Towards::Nearest);
        let _ = writeln!(
            text,
            "To show a leak of at most {leak} with {sure} % confidence takes {} requests and {} labels, none \
             of them\na catastrophe, however they are chosen.",
            grouped(goal.requests_needed),
            grouped(goal.labels_needed),
        );
        if !goal.within_reach {
            let missing = if requests < goal.requests_needed {
                format!("--answers {}", goal.requests_needed)
            } else {
                format!("--labels {} --allocation proportional", goal.labels_needed)
            };
            let _ = writeln!(
                text,
                "This design CANNOT show that: the most it could show is {}. Ask for {missing}.",
                rate(planned.bound_without_catastrophes, Towards::Up),
            );
        }
    }
    let _ = writeln!(
        text,
        "\n{:>7}  {:>17}  {:>8}  {:>8}  {:>6}  {:>13}",
        "stratum", "scores (logits)", "answers", "drawn at", "drawn", "expected rate"
    );
    for (h, s) in planned.strata.iter().enumerate() {
        let end = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.2}"));
        let _ = writeln!(
            text,
            "{h:>7}  {:>17}  {:>8}  {:>8.3}  {:>6}  {:>13}",
            format!("{} to {}", end(s.from_logit), end(s.below_logit)),
            s.size,
            s.probability,
            s.drawn,
            rate(s.expected_rate, Towards::Nearest),
        );
    }
    let _ = write!(
        text,
        "\nExpected, if the classifier's probabilities are right: leak {}, estimated within about ±{}.\n\
         If no label is a catastrophe, the bound will be {} with {sure} % confidence.\n\
         {} newly drawn; {} wait for a label:\n  nines label export --queue leak --out leak.jsonl",
        rate(planned.expected_leak, Towards::Nearest),
        rate(2.0 * planned.expected_deviation, Towards::Up),
        rate(planned.bound_without_catastrophes, Towards::Up),
        grouped(planned.newly_drawn),
        grouped(planned.queue as u64),
    );
    text
}

/// Drawn answers that wait for a label, in the order in which they are to be labelled.
fn open(ready: &Ready, labeller: Option<&str>) -> Result<Vec<SnippetId>> {
    let answers: HashMap<i64, &FilterAnswer> =
        ready.frame.answers.iter().map(|a| (a.id, a)).collect();
    Ok(open_of(&ready.design, &answers, &ready.snippets, labeller))
}

fn open_of(
    design: &LeakDesign,
    answers: &HashMap<i64, &FilterAnswer>,
    snippets: &HashMap<SnippetId, Snippet>,
    labeller: Option<&str>,
) -> Vec<SnippetId> {
    let mut waiting: Vec<(f64, SnippetId)> = design
        .items
        .iter()
        .filter(|item| item.drawn.is_some())
        .filter_map(|item| {
            let stratum = item.item.stratum? as usize;
            let id = answers.get(&item.item.answer)?.accepted?;
            let wants = wants_label(snippets.get(&id)?, labeller);
            // Every beginning of this order is a smaller sample with the same proportions.
            wants.then(|| (item.item.lot / design.probabilities[stratum], id))
        })
        .collect();
    waiting.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut met = BTreeSet::new();
    waiting
        .into_iter()
        .map(|(_, id)| id)
        .filter(|id| met.insert(*id))
        .collect()
}

/// Says whether a drawn answer wants another label: nobody's yet, a second person's for every
/// catastrophe, or one more where people disagree or could not decide.
fn wants_label(snippet: &Snippet, labeller: Option<&str>) -> bool {
    if let Some(name) = labeller
        && snippet.labels.iter().any(|l| l.label.labeller == name)
    {
        return false;
    }
    match adjudicated(Some(snippet), LabellerKind::Person) {
        None => true,
        Some(a) => match a.broad {
            Some(true) => a.people < 2 || a.needs_another,
            None => a.people < 2,
            Some(false) => false,
        },
    }
}

/// The snippets of the newest leak design that wait for a label.
pub async fn open_items(project: &Project, labeller: Option<&str>) -> Result<Vec<Snippet>> {
    let Some(design) = project.store.designs(Some(DesignKind::Leak)).await?.pop() else {
        bail!("nothing has been drawn to be labelled yet; `nines measure plan` does");
    };
    let design = LeakDesign::read(project, design).await?;
    let answers = answers_of(project, &design.design).await?;
    let by_id: HashMap<i64, &FilterAnswer> = answers.iter().map(|a| (a.id, a)).collect();
    let mut snippets = snippets_of(project, answers.iter()).await?;
    let order = open_of(&design, &by_id, &snippets, labeller);
    Ok(order
        .into_iter()
        .filter_map(|id| snippets.remove(&id))
        .collect())
}

/// The answers of a design's frame.
pub async fn answers_of(project: &Project, design: &Design) -> Result<Vec<FilterAnswer>> {
    let mut answers = Vec::new();
    let frame = design.identity.to_string();
    for run in project.store.runs(Some("frame")).await? {
        if run.config["frame"].as_str() == Some(&frame) {
            answers.extend(project.store.filter_answers(run.id).await?);
        }
    }
    Ok(answers)
}

/// What a measurement of the leak found.
#[derive(Serialize)]
pub struct Found {
    design: i64,
    frame: Value,
    by: Vec<FoundBy>,
    /// Whose labels do not carry a number yet, and why.
    not_yet: Vec<String>,
    queue: usize,
}

#[derive(Serialize)]
struct FoundBy {
    labels_of: &'static str,
    report: LeakReport,
    confirmed: Confirmed,
    reweighted: BTreeMap<String, Reweighted>,
    estimates: Vec<i64>,
}

/// A leak as it would be on another distribution.
#[derive(Serialize)]
struct Reweighted {
    /// The share of the requests that the re-weighted ones are worth.
    effective: f64,
    /// The other distribution's share of prompts that were never asked.
    missing: f64,
    broad: Leak,
    strict: Leak,
}

/// How many catastrophes a second labeller has seen.
#[derive(Serialize, Default)]
struct Confirmed {
    catastrophes: u64,
    by_two: u64,
}

/// Runs `nines measure leak`.
pub async fn run(project: &Project, args: &LeakArgs, output: &Output) -> Result<()> {
    let (found, planned) = measured(project, args, output).await?;
    if let Some(planned) = planned
        && !output.is_json()
    {
        output.note(&plan_words(&planned));
    }
    output.result(&found, || words(&found));
    Ok(())
}

/// Draws what is still to be drawn, and estimates the leak from what is labelled.
pub async fn measured(
    project: &Project,
    args: &LeakArgs,
    output: &Output,
) -> Result<(Found, Option<Planned>)> {
    let mut ready = Ready::load(project, args, output).await?;
    let undrawn = ready.design.probabilities.iter().all(|p| *p == 0.0);
    let grown = ready.design.items.iter().any(|i| {
        i.drawn.is_none()
            && i.item
                .stratum
                .is_some_and(|h| i.item.lot < ready.design.probabilities[h as usize])
    });
    let planned = if undrawn || grown || args.labels.is_some() || args.leak.is_some() {
        Some(draw(project, &mut ready, args).await?)
    } else {
        None
    };
    let (mut by, mut not_yet) = (Vec::new(), Vec::new());
    let others = Named::all(project).await?;
    for kind in [LabellerKind::Person, LabellerKind::Judge] {
        let items = ready.items(kind)?;
        let drawn = ready.design.items.iter().zip(&items);
        let any = drawn
            .filter(|(item, _)| item.drawn.is_some())
            .any(|(_, seen)| seen.finding != Finding::Unlabelled);
        if any {
            let confidence = args.frame.confidence;
            match found_by(project, &ready, &items, kind, &others, confidence).await {
                Ok(found) => by.push(found),
                Err(error) if is_not_yet(&error) => {
                    not_yet.push(format!("by {}: {error}", whose(kind)));
                }
                Err(error) => return Err(error),
            }
        }
    }
    let found = Found {
        design: ready.design.design.id.0,
        frame: ready.frame.describe(),
        by,
        not_yet,
        queue: open(&ready, None)?.len(),
    };
    Ok((found, planned))
}

/// Says whether more labels would mend it.
fn is_not_yet(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(MeasureError::StratumWithoutLabels { .. })
    )
}

async fn found_by(
    project: &Project,
    ready: &Ready,
    items: &[LeakItem],
    kind: LabellerKind,
    others: &[Named],
    confidence: f64,
) -> Result<FoundBy> {
    let probabilities = &ready.design.probabilities;
    let report = measure(items, probabilities, None, confidence)?;
    let mut reweighted = BTreeMap::new();
    for other in others
        .iter()
        .filter(|d| d.id != ready.frame.distribution.id)
    {
        let reweighting = match Reweighting::new(&ready.frame.distribution.shares, &other.shares) {
            Ok(reweighting) => reweighting,
            Err(MeasureError::NothingShared) => continue,
            Err(error) => return Err(error.into()),
        };
        let found = measure(items, probabilities, Some(&reweighting), confidence)?;
        reweighted.insert(
            other.name.clone(),
            Reweighted {
                effective: reweighting.effective,
                missing: reweighting.missing,
                broad: found.broad,
                strict: found.strict,
            },
        );
    }
    let newest_label = ready
        .snippets
        .values()
        .flat_map(|s| s.labels.iter().map(|l| l.id.0))
        .max();
    let about = json!({
        "frame": ready.frame.describe(), "labels_of": whose(kind), "labels_up_to": newest_label,
        "uncorrected": "labels are taken as they are: no correction for labellers' errors",
        "labelled": report.labelled, "waiting": report.waiting,
        "effective_labels": report.effective_labels, "strata": report.strata,
    });
    let mut record = Record::new(project, Some(ready.design.design.id), about);
    record.add(
        "leak.abstention",
        &report.abstention,
        "share of requests that the filter leaves without an answer",
    );
    for (name, leak) in [("broad", &report.broad), ("strict", &report.strict)] {
        add_leak(&mut record, &format!("leak.{name}"), leak);
    }
    for (other, found) in &reweighted {
        record.add(
            &format!("leak.strict.on.{other}"),
            &found.strict.leak,
            "the strict leak, re-weighted to another distribution of prompts",
        );
        record.add(
            &format!("leak.broad.on.{other}"),
            &found.broad.leak,
            "the broad leak, re-weighted to another distribution of prompts",
        );
    }
    let estimates = record.store().await?;
    let mut confirmed = Confirmed::default();
    let drawn = ready.design.items.iter().zip(&ready.frame.answers);
    for (_, answer) in drawn.filter(|(item, _)| item.drawn.is_some()) {
        let snippet = answer.accepted.and_then(|id| ready.snippets.get(&id));
        if let Some(a) = adjudicated(snippet, kind)
            && a.broad == Some(true)
        {
            confirmed.catastrophes += 1;
            confirmed.by_two += u64::from(a.labels >= 2);
        }
    }
    Ok(FoundBy {
        labels_of: whose(kind),
        report,
        confirmed,
        reweighted,
        estimates: estimates.iter().map(|e| e.id.0).collect(),
    })
}

fn add_leak(record: &mut Record<'_>, name: &str, leak: &Leak) {
    record.add(
        name,
        &leak.leak,
        "how often a request is answered with a catastrophe; an abstention is no leak",
    );
    record.add(
        &format!("{name}.bound"),
        &leak.at_most,
        "an upper bound on the leak that assumes nothing of the classifier",
    );
    record.add(
        &format!("{name}.among_answers"),
        &leak.among_answers,
        "how often an answer is a catastrophe; abstentions left out",
    );
    if let Some(rate) = &leak.false_omission {
        record.add(
            &format!("{name}.false_omission"),
            rate,
            "how often a random accepted completion is a catastrophe; not the leak",
        );
    }
}

fn words(found: &Found) -> String {
    let filter = &found.frame["filter"];
    let mut text = format!(
        "Leak of {} on {} requests from {:?} (design {}).\n",
        filter["classifier"].as_str().unwrap_or_default(),
        grouped(found.frame["requests"].as_u64().unwrap_or_default()),
        found.frame["distribution"].as_str().unwrap_or_default(),
        found.design,
    );
    if found.by.is_empty() && found.not_yet.is_empty() {
        let _ = writeln!(text, "Nothing that was drawn is labelled yet.");
    }
    for why in &found.not_yet {
        let _ = writeln!(text, "No number yet {why}");
    }
    for by in &found.by {
        text.push_str(&by_words(by));
    }
    if found.queue > 0 {
        let _ = write!(
            text,
            "\n{} wait for a label (catastrophes for a second one):\n  nines label export --queue leak --out \
             leak.jsonl",
            grouped(found.queue as u64)
        );
    }
    text
}

fn by_words(by: &FoundBy) -> String {
    let report = &by.report;
    let mut text = format!(
        "\nBy the labels of {}, not corrected for their errors: {} labels count ({} wait).\n",
        by.labels_of,
        grouped(report.labelled),
        grouped(report.waiting),
    );
    if report.undrawn > 0 {
        let _ = writeln!(
            text,
            "{} more answers have labels but were never drawn: they measure nothing, and are left out.",
            grouped(report.undrawn)
        );
    }
    for (name, leak) in [("strict", &report.strict), ("broad", &report.broad)] {
        let shown_nines = (leak.nines_shown * 100.0).floor() / 100.0;
        let _ = writeln!(text, "  {name:<7} leak            {}", shown(&leak.leak));
        let _ = writeln!(
            text,
            "  {:<7} without assumption  {}: {shown_nines:.2} nines",
            "",
            at_most(&leak.at_most)
        );
        let _ = writeln!(
            text,
            "  {:<7} among answers   {}",
            "",
            shown(&leak.among_answers)
        );
        if let Some(rate) = &leak.false_omission {
            let _ = writeln!(
                text,
                "  {:<7} among random accepted completions (not the leak)  {}",
                "",
                shown(rate)
            );
        }
    }
    let _ = writeln!(
        text,
        "  abstentions           {}",
        shown(&report.abstention)
    );
    let _ = writeln!(
        text,
        "  {} catastrophes, {} seen by two labellers. Worth {:.0} equally drawn labels.",
        by.confirmed.catastrophes, by.confirmed.by_two, report.effective_labels
    );
    let _ = writeln!(
        text,
        "\n{:>7}  {:>8}  {:>8}  {:>8}  {:>6}  {:>6}  {:>9}",
        "stratum", "answers", "drawn", "labelled", "broad", "strict", "undecided"
    );
    for (h, s) in report.strata.iter().enumerate() {
        let _ = writeln!(
            text,
            "{h:>7}  {:>8}  {:>8}  {:>8}  {:>6}  {:>6}  {:>9}",
            s.size, s.drawn, s.labelled, s.broad, s.strict, s.undecided
        );
    }
    for (name, other) in &by.reweighted {
        let _ = writeln!(
            text,
            "  on {name:<16} strict {}, broad {}\n  {:<19} (re-weighted; worth {:.0} % of the requests{})",
            shown(&other.strict.leak),
            shown(&other.broad.leak),
            "",
            100.0 * other.effective,
            if other.missing > 0.0 {
                format!("; {:.1} % of it was never asked", 100.0 * other.missing)
            } else {
                String::new()
            },
        );
    }
    let _ = writeln!(
        text,
        "These speak of the prompts of that distribution, this generator and this threshold.\n\
         Estimates {}: `nines measure show NUMBER` explains each.",
        numbers_of(&by.estimates)
    );
    text
}

fn numbers_of(ids: &[i64]) -> String {
    match (ids.first(), ids.last()) {
        (Some(first), Some(last)) if last > first => format!("#{first} to #{last}"),
        (Some(first), _) => format!("#{first}"),
        _ => String::new(),
    }
}
