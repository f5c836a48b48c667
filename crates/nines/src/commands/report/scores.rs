//! Scores by label, of held-out prompts.

use super::rows::Rows;
use nines_domain::split::Split;
use nines_measure::leak::Finding;
use nines_measure::report::histogram;
use nines_report::report::{Basis, Correction, Labels, ScoreDistributions, ScoreGroup, Verdict};

/// How many bins there are, about.
const BINS: usize = 30;

/// Fills the section from stored scores of labelled snippets that the classifier was not trained on.
pub fn section(rows: &Rows<'_>) -> Option<ScoreDistributions> {
    let filter = rows.filter()?;
    let seed = rows.project.config.project.split_seed;
    let mut labels = Labels::default();
    let (mut items, mut unscored) = (Vec::new(), 0u64);
    for snippet in &rows.labelled {
        if !matches!(snippet.split(seed), Split::Calibration | Split::Test) {
            continue;
        }
        let Some(adjudication) = &snippet.adjudication else {
            continue;
        };
        let finding = Finding::of(Some(adjudication));
        if finding == Finding::Undecided {
            continue;
        }
        let Some(score) = rows.scores.get(&snippet.id) else {
            unscored += 1;
            continue;
        };
        *match adjudication.people {
            0 => &mut labels.judges,
            people if people == adjudication.labels => &mut labels.people,
            _ => &mut labels.both,
        } += 1;
        items.push((finding, score.logit()));
    }
    let found = histogram(&items, filter.threshold.map(|t| t.logit()), BINS)?;
    let mut prompts =
        "labelled snippets of the calibration and test splits, however they were chosen, so \
                       that their shares are no rates"
            .to_owned();
    if unscored > 0 {
        prompts.push_str(&format!("; {unscored} more have no stored score"));
    }
    Some(ScoreDistributions {
        basis: Basis {
            prompts,
            labels,
            correction: Correction::Uncorrected,
        },
        edges: found.edges,
        groups: found
            .groups
            .into_iter()
            .map(|group| ScoreGroup {
                verdict: match group.finding {
                    Finding::Strict => Verdict::Strict,
                    Finding::Broad => Verdict::Arguable,
                    _ => Verdict::No,
                },
                counts: group.counts,
                accepted: group.accepted,
                n: group.n,
                unscoreable: 0,
            })
            .collect(),
    })
}
