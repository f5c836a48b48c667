//! An ensemble's gradients.
//!
//! The members' word embeddings differ, for each member learned its own. Side by side, `[E1 | E2 | …]`,
//! they are read as one table, and the gradients, each weighed by what its member counts for, are one gradient with
//! respect to it. A product of a row and that gradient is then the sum of the members' products: to first
//! order what exchanging a token does to the ensemble's logit, exactly as for one classifier.

use super::Ensemble;
use crate::gradients::{Differentiable, EmbeddingTable, SnippetGradient};
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::snippet::SnippetText;
use nines_text::SnippetTokenizer;

impl Ensemble {
    /// Returns the members as scorers with gradients, where all of them are.
    fn differentiables(&self) -> Option<Vec<&dyn Differentiable>> {
        let members = self.members.iter();
        members.map(|member| member.differentiable()).collect()
    }

    /// Says whether all members have gradients and cut text into the same tokens.
    pub(super) fn reads_alike(&self) -> bool {
        let look = || {
            let Some(members) = self.differentiables() else {
                return false;
            };
            let first = members[0];
            members.iter().all(|member| {
                member.embeddings().vocabulary() == first.embeddings().vocabulary()
                    && member.tokenizer().reads_as(first.tokenizer())
            })
        };
        *self.alike.get_or_init(look)
    }

    /// Combines the members' gradients of one snippet.
    fn gradient(
        &self,
        members: Vec<Result<SnippetGradient, Unscoreable>>,
    ) -> Result<SnippetGradient, Unscoreable> {
        let members = members.into_iter().collect::<Result<Vec<_>, _>>()?;
        let failed = |why: &str| Unscoreable::Model(why.to_owned());
        let encoded = match members.first() {
            Some(first) => first.encoded.clone(),
            None => return Err(failed("it has no members")),
        };
        if members.iter().any(|member| member.encoded != encoded) {
            return Err(failed("the members cut it into different tokens"));
        }
        let logits: Vec<f64> = members.iter().map(|member| member.logit).collect();
        let weights = self.combine.weights(&logits);
        let hidden = members.iter().map(|member| member.hidden).sum();
        let mut gradient = Vec::with_capacity(encoded.len() * hidden);
        for token in 0..encoded.len() {
            for (member, weight) in members.iter().zip(&weights) {
                let slopes = member.token(token).iter();
                gradient.extend(slopes.map(|slope| (f64::from(*slope) * weight) as f32));
            }
        }
        let logit = self.combine.of(&logits);
        if !logit.is_finite() {
            return Err(failed("its gradient is not a finite number"));
        }
        Ok(SnippetGradient {
            encoded,
            logit,
            gradient,
            hidden,
        })
    }
}

impl Differentiable for Ensemble {
    fn gradients(&self, snippets: &[SnippetText]) -> Vec<Result<SnippetGradient, Unscoreable>> {
        let Some(members) = self.differentiables() else {
            let why = format!("{} has a member without gradients", self.version());
            return vec![Err(Unscoreable::Model(why)); snippets.len()];
        };
        let mut rows: Vec<Vec<Result<SnippetGradient, Unscoreable>>> =
            snippets.iter().map(|_| Vec::new()).collect();
        for member in members {
            let mut found = member.gradients(snippets).into_iter();
            for row in &mut rows {
                row.push(found.next().unwrap_or_else(|| {
                    Err(Unscoreable::Model("a gradient is missing".to_owned()))
                }));
            }
        }
        rows.into_iter().map(|row| self.gradient(row)).collect()
    }

    fn embeddings(&self) -> EmbeddingTable<'_> {
        // `differentiable` gives nobody an ensemble with other members.
        let members = self.differentiables().unwrap_or_default();
        EmbeddingTable::beside(members.into_iter().map(Differentiable::embeddings))
    }

    /// Returns the first member's tokenizer: all members cut text alike.
    ///
    /// # Panics
    /// If no member has one; [`Scorer::differentiable`] gives nobody such an ensemble.
    fn tokenizer(&self) -> &SnippetTokenizer {
        let mut members = self.members.iter();
        let first = members.find_map(|member| member.differentiable());
        first.expect("a member with gradients").tokenizer()
    }
}
