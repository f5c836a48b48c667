//! Searching snippets: by text, score, label and origin, newest first, page by page. Nothing counts
//! what it does not show.

use super::read::{newest_adjudication, of_snippet};
use super::{Origin, Snippet, SnippetFilter};
use crate::entity::snippet::{Column, Entity};
use crate::entity::{adjudication, label, prompt, score, sighting, snippet};
use crate::error::StoreError;
use crate::prompts;
use crate::store::Store;
use crate::withdrawals::standing_label;
use nines_domain::snippet::{ModelId, SnippetId};
use nines_domain::split::Split;
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

/// What is looked for; what is left empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SnippetSearch {
    /// Whose prompt or completion holds this text, whatever the case of its letters. No character has a
    /// meaning of its own.
    pub text: Option<String>,
    /// With a score by this classifier and path, from and to these logits, ends included.
    pub score: Option<ScoreRange>,
    /// By what labels say.
    pub label: Option<LabelState>,
    /// Whose strict verdict is this one.
    pub strict: Option<bool>,
    /// First stored from, or met again at, this source.
    pub source: Option<String>,
    /// First stored with this origin.
    pub origin: Option<Origin>,
    /// Leaves out what an attack found or a person rewrote: it was chosen by a score, and stands for nothing
    /// else.
    pub no_finds: bool,
    /// Labelled by this one; labels that were withdrawn do not count.
    pub labeller: Option<String>,
    /// In this split under this seed.
    pub split: Option<(Split, u64)>,
}

/// Scores by one classifier on one path.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRange {
    /// The classifier.
    pub model: ModelId,
    /// The path.
    pub path: String,
    /// The lowest logit.
    pub from: Option<f64>,
    /// The highest logit.
    pub to: Option<f64>,
}

/// What labels say of a snippet, all in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelState {
    /// A catastrophe in the broad sense.
    Yes,
    /// None.
    No,
    /// Labelled, and readers could not decide.
    Unsure,
    /// Without a label.
    Unlabelled,
    /// Labellers disagree, so that another label is wanted.
    Disagreement,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSnippets {
    /// The snippets, newest first.
    pub rows: Vec<Snippet>,
    /// Where the next page begins: pass it as `before`. A page may hold few rows, or none, and still
    /// have a next one, where much was looked through; none when everything was.
    pub next: Option<SnippetId>,
}

/// Rows that one statement reads.
const ROWS_AT_ONCE: usize = 500;

/// Rows that one page looks through where the database cannot tell by itself which are wanted.
const LOOKED_THROUGH: usize = 20_000;

impl SnippetSearch {
    fn select(&self) -> Select<Entity> {
        let mut select = Entity::find();
        if let Some(text) = &self.text {
            let like = |column: (&'static str, &'static str)| {
                Func::lower(Expr::col(column)).like(LikeExpr::new(pattern(text)).escape('\\'))
            };
            let prompts = Query::select()
                .column((prompt::Entity, prompt::Column::Id))
                .from(prompt::Entity)
                .and_where(like(("prompts", "text")))
                .take();
            select = select
                .filter(like(("snippets", "completion")).or(Column::PromptId.in_subquery(prompts)));
        }
        if let Some(range) = &self.score {
            let mut scored = of_snippet(score::Entity, score::Column::SnippetId);
            scored
                .and_where(score::Column::ModelId.eq(range.model.0))
                .and_where(score::Column::Path.eq(range.path.as_str()));
            if let Some(from) = range.from {
                scored.and_where(score::Column::Score.gte(from));
            }
            if let Some(to) = range.to {
                scored.and_where(score::Column::Score.lte(to));
            }
            select = select.filter(Expr::exists(scored));
        }
        if let Some(source) = &self.source {
            let met = of_snippet(sighting::Entity, sighting::Column::SnippetId)
                .and_where(sighting::Column::Source.eq(source.as_str()))
                .take();
            select = select.filter(Column::Source.eq(source.as_str()).or(Expr::exists(met)));
        }
        if let Some(origin) = self.origin {
            select = select.filter(Column::Origin.eq(origin.as_str()));
        }
        if self.no_finds {
            let finds = [Origin::Attack, Origin::Edit];
            select = select.filter(Column::Origin.is_not_in(finds.map(Origin::as_str)));
        }
        if let Some(labeller) = &self.labeller {
            let labelled = of_snippet(label::Entity, label::Column::SnippetId)
                .and_where(label::Column::Labeller.eq(labeller.as_str()))
                .and_where(standing_label())
                .take();
            select = select.filter(Expr::exists(labelled));
        }
        self.by_verdict(select)
    }

    fn by_verdict(&self, mut select: Select<Entity>) -> Select<Entity> {
        use adjudication::Column;
        let counting = || {
            of_snippet(adjudication::Entity, Column::SnippetId)
                .and_where(Column::Id.in_subquery(newest_adjudication()))
                .and_where(Column::Labels.gt(0))
                .take()
        };
        if let Some(state) = self.label {
            let mut verdict = counting();
            let wanted = match state {
                LabelState::Yes => Expr::exists(verdict.and_where(Column::Broad.eq(true)).take()),
                LabelState::No => Expr::exists(verdict.and_where(Column::Broad.eq(false)).take()),
                LabelState::Unsure => {
                    Expr::exists(verdict.and_where(Column::Broad.is_null()).take())
                }
                LabelState::Unlabelled => Expr::exists(verdict).not(),
                LabelState::Disagreement => {
                    Expr::exists(verdict.and_where(Column::NeedsAnother.eq(true)).take())
                }
            };
            select = select.filter(wanted);
        }
        if let Some(strict) = self.strict {
            let verdict = counting().and_where(Column::Strict.eq(strict)).take();
            select = select.filter(Expr::exists(verdict));
        }
        select
    }

    /// Says whether a row that the database let through is wanted: splits, and letters beyond ASCII,
    /// are looked at here, the same for both databases.
    fn wants(&self, row: &snippet::Model, prompt: &prompts::Prompt, text: Option<&str>) -> bool {
        let in_split = self
            .split
            .is_none_or(|(split, seed)| Split::of_family(&prompt.family, seed) == split);
        let holds = |whole: &str, part: &str| whole.to_lowercase().contains(part);
        in_split
            && text.is_none_or(|part| holds(&row.completion, part) || holds(&prompt.text, part))
    }
}

/// A pattern that matches every text which holds this one, and some that hold it but for letters beyond
/// ASCII: the databases differ in what case those have.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            _ if c.is_ascii() => pattern.push(c),
            _ => {
                // A letter may be several in the other case.
                if !pattern.ends_with('%') || pattern.ends_with("\\%") {
                    pattern.push('%');
                }
            }
        }
    }
    if !pattern.ends_with('%') || pattern.ends_with("\\%") {
        pattern.push('%');
    }
    pattern
}

impl Store {
    /// Finds up to `limit` snippets, newest first, among those with a lower key than `before`.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn search_snippets(
        &self,
        search: &SnippetSearch,
        before: Option<SnippetId>,
        limit: usize,
    ) -> Result<FoundSnippets, StoreError> {
        let select = search.select().order_by_desc(Column::Id);
        let text = search.text.as_deref().map(str::to_lowercase);
        let is_sifted = search.split.is_some() || text.is_some();
        let at_once = match is_sifted {
            true => ROWS_AT_ONCE,
            false => limit.min(ROWS_AT_ONCE),
        };
        let mut next = before;
        let mut kept = Vec::new();
        let mut looked_through = 0;
        loop {
            let before = next.map_or(i64::MAX, |id| id.0);
            let rows = select
                .clone()
                .filter(Column::Id.lt(before))
                .limit(at_once as u64)
                .all(&self.connection)
                .await?;
            let is_last = rows.len() < at_once;
            looked_through += rows.len();
            let keys: Vec<i64> = rows.iter().map(|row| row.prompt_id).collect();
            let prompts = prompts::by_id(&self.connection, &keys).await?;
            for row in rows {
                if kept.len() == limit {
                    return self.found(kept, next).await;
                }
                next = Some(SnippetId(row.id));
                let prompt = prompts.get(&row.prompt_id);
                if prompt.is_some_and(|prompt| search.wants(&row, prompt, text.as_deref())) {
                    kept.push(row);
                }
            }
            if is_last {
                return self.found(kept, None).await;
            }
            if kept.len() == limit || looked_through >= LOOKED_THROUGH {
                return self.found(kept, next).await;
            }
        }
    }

    async fn found(
        &self,
        rows: Vec<snippet::Model>,
        next: Option<SnippetId>,
    ) -> Result<FoundSnippets, StoreError> {
        Ok(FoundSnippets {
            rows: self.complete(rows, &SnippetFilter::default()).await?,
            next,
        })
    }

    /// Lists the keys of all snippets that a search finds, newest first, up to `limit`: to fill a queue.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn search_snippet_ids(
        &self,
        search: &SnippetSearch,
        limit: usize,
    ) -> Result<Vec<SnippetId>, StoreError> {
        let mut ids = Vec::new();
        let mut before = None;
        while ids.len() < limit {
            let page = self
                .search_snippets(search, before, ROWS_AT_ONCE.min(limit - ids.len()))
                .await?;
            ids.extend(page.rows.iter().map(|row| row.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_text_has_a_meaning_of_its_own() {
        assert_eq!(pattern("100 %"), "%100 \\%%");
        assert_eq!(pattern("a_b\\C"), "%a\\_b\\\\c%");
        assert_eq!(pattern("%"), "%\\%%");
        assert_eq!(pattern(""), "%");
    }

    #[test]
    fn letters_beyond_ascii_are_left_to_be_looked_at() {
        assert_eq!(pattern("SÉANCE"), "%s%ance%");
        assert_eq!(pattern("ÄÖ"), "%");
        assert_eq!(pattern("İstanbul"), "%i%stanbul%");
    }
}
