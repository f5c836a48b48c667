//! What filters answered: every candidate that was looked at, with its ruling.

use crate::batch::{self, KEYS_PER_STATEMENT};
use crate::entity::filter_answer::{self, Column, Entity};
use crate::entity::filter_candidate;
use crate::error::StoreError;
use crate::generations::{self, NewGeneration, Sampler};
use crate::prompts::{self, NewPrompt};
use crate::snippets::{self, Bringer, NewSnippet, Origin};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul, signed, unsigned};
use jiff::Timestamp;
use nines_domain::draw::{Draw, Ruling};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{CalibrationId, ModelId, PromptId, RunId, SnippetId, SnippetText};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::{BTreeSet, HashMap};

/// The filter that gave a batch of answers, and the generator it drew from.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterSetting {
    /// The run that asks.
    pub run: RunId,
    /// The classifier that scores.
    pub model: ModelId,
    /// The calibration that chose the threshold; none if somebody set it by hand.
    pub calibration: Option<CalibrationId>,
    /// The threshold.
    pub threshold: Threshold,
    /// The law: `first-accepted`, or `pick-safest-of-N`.
    pub law: String,
    /// What was drawn from.
    pub sampler: Sampler,
}

/// A candidate that a filter looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCandidate {
    /// What was drawn.
    pub draw: Draw,
    /// What the filter said of it.
    pub ruling: Ruling,
}

/// An answer to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFilterAnswer {
    /// Which request of its run it answers, from 0.
    pub position: u64,
    /// The prompt; stored with the answer where it is new.
    pub prompt: NewPrompt,
    /// Which candidate is the answer; none if the filter abstained.
    pub accepted: Option<usize>,
    /// All candidates, in the order they were drawn.
    pub candidates: Vec<NewCandidate>,
    /// How many draws were looked at: the candidates, and those that the generator failed to make.
    pub draws: u32,
    /// Why the generator failed to make the last of those, or cannot continue the prompt at all.
    pub reason: Option<String>,
}

/// A stored candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The snippet that the prompt and the draw make.
    pub snippet: SnippetId,
    /// What was drawn.
    pub draw: Draw,
    /// What the filter said of it.
    pub ruling: Ruling,
}

/// A stored answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterAnswer {
    /// Its key.
    pub id: i64,
    /// The run that asked.
    pub run: RunId,
    /// Which request of its run it answers, from 0.
    pub position: u64,
    /// The prompt.
    pub prompt: PromptId,
    /// The classifier that scored.
    pub model: ModelId,
    /// The calibration that chose the threshold.
    pub calibration: Option<CalibrationId>,
    /// The threshold.
    pub threshold: Threshold,
    /// The law.
    pub law: String,
    /// The snippet that is the answer; none if the filter abstained.
    pub accepted: Option<SnippetId>,
    /// All candidates, in the order they were drawn.
    pub candidates: Vec<Candidate>,
    /// How many draws were looked at: the candidates, and those that the generator failed to make.
    pub draws: u32,
    /// Why the generator failed to make the last of those, or cannot continue the prompt at all.
    pub reason: Option<String>,
    /// When it was stored.
    pub created: Timestamp,
}

impl FilterAnswer {
    /// Returns the candidate that is the answer; none if the filter abstained.
    pub fn accepted_candidate(&self) -> Option<&Candidate> {
        let id = self.accepted?;
        self.candidates
            .iter()
            .find(|c| c.snippet == id && c.ruling.is_accepted())
    }
}

impl Store {
    /// Stores answers with their prompts, candidates and draws in one transaction. Returns their
    /// keys in the order given.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] for an accepted candidate that the filter did not accept;
    /// [`StoreError::RunState`] for a request that is answered already; [`StoreError::Dangling`];
    /// [`StoreError::Nul`]; and those of writing. Nothing is stored then.
    pub async fn insert_filter_answers(
        &self,
        setting: &FilterSetting,
        answers: &[NewFilterAnswer],
    ) -> Result<Vec<i64>, StoreError> {
        refuse_nul(0, "law", &setting.law)?;
        for (row, answer) in answers.iter().enumerate() {
            check(row, answer)?;
        }
        in_transaction!(self.connection, |tx| put(tx, setting, answers).await)
    }

    /// Returns which requests of a run are answered: what a resumed run need not ask again.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn answered_positions(&self, run: RunId) -> Result<BTreeSet<u64>, StoreError> {
        let select = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Position])
            .filter(Column::RunId.eq(run.0))
            .into_query();
        let mut positions = BTreeSet::new();
        for row in self.connection.query_all(&select).await? {
            let place = Place {
                table: "filter_answers",
                id: row.try_get("", "id")?,
                column: "position",
            };
            positions.insert(unsigned(place, row.try_get("", "position")?)?);
        }
        Ok(positions)
    }

    /// Lists the answers of a run, in the order of its requests.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn filter_answers(&self, run: RunId) -> Result<Vec<FilterAnswer>, StoreError> {
        let rows = Entity::find()
            .filter(Column::RunId.eq(run.0))
            .order_by_asc(Column::Position)
            .all(&self.connection)
            .await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let mut candidates = candidates(&self.connection, &ids).await?;
        rows.into_iter()
            .map(|row| {
                let candidates = candidates.remove(&row.id).unwrap_or_default();
                read(row, candidates)
            })
            .collect()
    }
}

/// Refuses an answer that would pass off a candidate the filter did not accept.
fn check(row: usize, answer: &NewFilterAnswer) -> Result<(), StoreError> {
    if let Some(reason) = &answer.reason {
        refuse_nul(row, "reason", reason)?;
    }
    if (answer.draws as usize) < answer.candidates.len() {
        return Err(StoreError::BadValue {
            row,
            field: "draws",
            why: format!(
                "is {}, fewer than the {} candidates",
                answer.draws,
                answer.candidates.len()
            ),
        });
    }
    for candidate in &answer.candidates {
        if let Ruling::Unscoreable { reason } = &candidate.ruling {
            refuse_nul(row, "reason", reason)?;
        }
    }
    let Some(index) = answer.accepted else {
        return Ok(());
    };
    let is_accepted = answer
        .candidates
        .get(index)
        .is_some_and(|candidate| candidate.ruling.is_accepted());
    if is_accepted {
        return Ok(());
    }
    Err(StoreError::BadValue {
        row,
        field: "accepted",
        why: format!("names candidate {index}, which the filter did not accept"),
    })
}

async fn put(
    tx: &DatabaseTransaction,
    setting: &FilterSetting,
    answers: &[NewFilterAnswer],
) -> Result<Vec<i64>, StoreError> {
    let bringer = Bringer {
        import: None,
        run: Some(setting.run),
    };
    let new_prompts: Vec<NewPrompt> = answers.iter().map(|answer| answer.prompt.clone()).collect();
    let prompts: Vec<PromptId> = prompts::put(tx, &new_prompts, None).await?.ids().collect();
    let new_snippets: Vec<NewSnippet> = answers
        .iter()
        .flat_map(|answer| {
            answer
                .candidates
                .iter()
                .map(move |candidate| (answer, candidate))
        })
        .map(|(answer, candidate)| {
            let text = SnippetText::new(
                answer.prompt.text.clone(),
                candidate.draw.completion.clone(),
            );
            let source = setting.sampler.generator.clone();
            NewSnippet {
                origin: Origin::Generate,
                ..NewSnippet::imported(text, source)
            }
        })
        .collect();
    let snippets = snippets::put(tx, &new_snippets, bringer).await?;
    let mut ids = snippets.ids();
    let created = now();
    let mut drawn = Vec::with_capacity(ids.len());
    let mut rows = Vec::with_capacity(answers.len());
    let mut candidate_rows = Vec::with_capacity(ids.len());
    for (row, (answer, prompt)) in answers.iter().zip(&prompts).enumerate() {
        let mut accepted = None;
        let mut of_answer = Vec::with_capacity(answer.candidates.len());
        for (index, (candidate, id)) in answer.candidates.iter().zip(ids.by_ref()).enumerate() {
            if answer.accepted == Some(index) {
                accepted = Some(id.0);
            }
            drawn.push((
                NewGeneration {
                    prompt: *prompt,
                    draw: candidate.draw.clone(),
                },
                id,
            ));
            of_answer.push(candidate_row(row, index, candidate, id)?);
        }
        candidate_rows.push(of_answer);
        let outcome = if accepted.is_some() {
            "accepted"
        } else {
            "abstained"
        };
        rows.push(filter_answer::ActiveModel {
            run_id: Set(setting.run.0),
            position: Set(signed(row, "position", answer.position)?),
            prompt_id: Set(prompt.0),
            model_id: Set(setting.model.0),
            calibration_id: Set(setting.calibration.map(|id| id.0)),
            threshold: Set(setting.threshold.logit() + 0.0),
            law: Set(setting.law.clone()),
            outcome: Set(outcome.to_owned()),
            accepted_snippet_id: Set(accepted),
            draws: Set(i64::from(answer.draws)),
            reason: Set(answer.reason.clone()),
            created: Set(created),
            ..Default::default()
        });
    }
    generations::put_drawn(tx, setting.run, &setting.sampler, &drawn).await?;
    let unique = [Column::RunId, Column::Position];
    let mut keys = HashMap::with_capacity(rows.len());
    for row in batch::insert_unless_taken(tx, rows, unique, [Column::Id, Column::Position]).await? {
        keys.insert(
            row.try_get::<i64>("", "position")?,
            row.try_get::<i64>("", "id")?,
        );
    }
    if keys.len() < answers.len() {
        let why = "a request of it is answered already, and an answer is never overwritten";
        let status = "running".to_owned();
        return Err(StoreError::RunState {
            run: setting.run.0,
            status,
            why,
        });
    }
    let mut stored = Vec::with_capacity(answers.len());
    for (row, (answer, candidates)) in answers.iter().zip(&mut candidate_rows).enumerate() {
        let key = keys
            .get(&signed(row, "position", answer.position)?)
            .copied();
        let key = key.ok_or_else(|| StoreError::NotFound {
            what: "answer to request",
            id: answer.position.to_string(),
        })?;
        for candidate in candidates {
            candidate.answer_id = Set(key);
        }
        stored.push(key);
    }
    let candidate_rows = candidate_rows.into_iter().flatten().collect();
    batch::insert_all::<filter_candidate::Entity, _>(tx, candidate_rows).await?;
    Ok(stored)
}

fn candidate_row(
    row: usize,
    index: usize,
    candidate: &NewCandidate,
    snippet: SnippetId,
) -> Result<filter_candidate::ActiveModel, StoreError> {
    let (verdict, reason) = match &candidate.ruling {
        Ruling::Accepted { .. } => ("accepted", None),
        Ruling::Rejected { .. } => ("rejected", None),
        Ruling::Unscoreable { reason } => ("unscoreable", Some(reason.clone())),
    };
    Ok(filter_candidate::ActiveModel {
        position: Set(signed(row, "candidates", index)?),
        snippet_id: Set(snippet.0),
        draw: Set(candidate.draw.draw.into()),
        finish: Set(candidate.draw.finish.as_str().to_owned()),
        tokens: Set(signed(row, "tokens", candidate.draw.tokens)?),
        verdict: Set(verdict.to_owned()),
        score: Set(candidate.ruling.score().map(|score| score.logit() + 0.0)),
        reason: Set(reason),
        ..Default::default()
    })
}

fn read(row: filter_answer::Model, candidates: Vec<Candidate>) -> Result<FilterAnswer, StoreError> {
    let place = |column| Place {
        table: "filter_answers",
        id: row.id,
        column,
    };
    let logit = row.threshold;
    Ok(FilterAnswer {
        id: row.id,
        run: RunId(row.run_id),
        position: unsigned(place("position"), row.position)?,
        prompt: PromptId(row.prompt_id),
        model: ModelId(row.model_id),
        calibration: row.calibration_id.map(CalibrationId),
        threshold: Threshold::new(logit)
            .map_err(|_| place("threshold").unreadable(&logit.to_string()))?,
        law: row.law,
        accepted: row.accepted_snippet_id.map(SnippetId),
        candidates,
        draws: unsigned(place("draws"), row.draws)?,
        reason: row.reason,
        created: moment(row.created),
    })
}

async fn candidates<C: ConnectionTrait>(
    connection: &C,
    answers: &[i64],
) -> Result<HashMap<i64, Vec<Candidate>>, StoreError> {
    use filter_candidate::Column;
    let mut rows = Vec::new();
    for chunk in answers.chunks(KEYS_PER_STATEMENT) {
        let page = filter_candidate::Entity::find()
            .filter(Column::AnswerId.is_in(chunk.iter().copied()))
            .order_by_asc(Column::AnswerId)
            .order_by_asc(Column::Position)
            .all(connection)
            .await?;
        rows.extend(page);
    }
    let ids: Vec<i64> = rows.iter().map(|row| row.snippet_id).collect();
    let completions = generations::completions(connection, &ids).await?;
    let mut found: HashMap<i64, Vec<Candidate>> = HashMap::with_capacity(answers.len());
    for row in rows {
        let answer = row.answer_id;
        found
            .entry(answer)
            .or_default()
            .push(read_candidate(row, &completions)?);
    }
    Ok(found)
}

fn read_candidate(
    row: filter_candidate::Model,
    completions: &HashMap<i64, String>,
) -> Result<Candidate, StoreError> {
    let place = |column| Place {
        table: "filter_candidates",
        id: row.id,
        column,
    };
    let score = row
        .score
        .map(|logit| Score::new(logit).map_err(|_| place("score").unreadable(&logit.to_string())))
        .transpose()?;
    let ruling = match (row.verdict.as_str(), score) {
        ("accepted", Some(score)) => Ruling::Accepted { score },
        ("rejected", Some(score)) => Ruling::Rejected { score },
        ("unscoreable", None) => Ruling::Unscoreable {
            reason: row.reason.clone().unwrap_or_default(),
        },
        (verdict, _) => return Err(place("verdict").unreadable(verdict)),
    };
    let completion = completions.get(&row.snippet_id).cloned();
    Ok(Candidate {
        snippet: SnippetId(row.snippet_id),
        draw: Draw {
            draw: unsigned(place("draw"), row.draw)?,
            completion: completion.ok_or_else(|| StoreError::NotFound {
                what: "snippet",
                id: row.snippet_id.to_string(),
            })?,
            finish: from_word(place("finish"), &row.finish)?,
            tokens: unsigned(place("tokens"), row.tokens)?,
        },
        ruling,
    })
}
