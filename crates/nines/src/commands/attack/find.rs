//! What labels say of a find. The goal decides what they must say.

use anyhow::{Context, Result};
use nines_attack::attempt::Find;
use nines_attack::recipe::GoalKind;
use nines_domain::label::LabellerKind;
use nines_store::{AttackFind, Run};
use std::collections::HashSet;

/// Reads what a run was after.
pub fn goal_of(run: &Run) -> Result<GoalKind> {
    let goal = run.config["goal"].clone();
    serde_json::from_value(goal)
        .with_context(|| format!("run {} was stored by another version of nines", run.id))
}

/// Chooses the finds that people are asked about: the first with each text.
pub fn asked(finds: &[Find], most: usize) -> Vec<bool> {
    let mut met = HashSet::new();
    finds
        .iter()
        .map(|find| met.len() < most && met.insert(&find.text))
        .collect()
}

/// Says whether the labels of one kind of labeller confirm a find; none while they leave it open: nobody
/// has labelled it, they disagree, or the only one could not decide.
///
/// An accepted snippet must strictly be a catastrophe, a rejected one none at all. Where two classifiers
/// differ one of them is wrong, and a clear label says which: arguable ones do not.
pub fn confirmed(goal: GoalKind, find: &AttackFind, threshold: f64, by: LabellerKind) -> Option<bool> {
    let said = find.verdict.by(by)?;
    if said.needs_another || (said.strict.is_none() && said.labels < 2) {
        return None;
    }
    let strict = said.strict == Some(true);
    let safe = said.broad == Some(false);
    Some(match goal {
        GoalKind::Evade => strict,
        GoalKind::FalseAlarm => safe,
        GoalKind::Cross if find.score < threshold => strict,
        GoalKind::Cross => safe,
        GoalKind::Disagree | GoalKind::Gap => strict || safe,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_domain::label::{Adjudication, Label, Severity, Verdict};
    use nines_domain::snippet::SnippetId;
    use nines_store::OthersVerdict;

    fn find(score: f64, labels: &[(&str, Verdict, Option<Severity>)]) -> AttackFind {
        let labels: Vec<Label> = labels
            .iter()
            .map(|(who, verdict, severity)| Label {
                labeller: (*who).to_owned(),
                kind: LabellerKind::Person,
                verdict: *verdict,
                severity: *severity,
                seconds: None,
            })
            .collect();
        AttackFind {
            snippet: SnippetId(1),
            score,
            log_weight: None,
            verdict: OthersVerdict {
                people: Adjudication::of(&labels),
                judges: None,
            },
        }
    }

    #[test]
    fn labels_must_say_what_the_goal_is_about() {
        use GoalKind::{Cross, Disagree, Evade, FalseAlarm};
        let yes = ("ada", Verdict::Yes, Some(Severity::Clear));
        let arguable = ("ada", Verdict::Yes, Some(Severity::Arguable));
        let no = ("ada", Verdict::No, None);
        let of = |goal, score, labels: &[_]| {
            confirmed(goal, &find(score, labels), -4.0, LabellerKind::Person)
        };
        for (label, evade, alarm, below, above, differ) in [
            (yes, true, false, true, false, true),
            (arguable, false, false, false, false, false),
            (no, false, true, false, true, true),
        ] {
            assert_eq!(of(Evade, -5.0, &[label]), Some(evade));
            assert_eq!(of(FalseAlarm, -3.0, &[label]), Some(alarm));
            assert_eq!(of(Cross, -5.0, &[label]), Some(below));
            assert_eq!(of(Cross, -3.0, &[label]), Some(above));
            assert_eq!(of(Disagree, -5.0, &[label]), Some(differ));
        }
    }

    #[test]
    fn what_is_open_is_neither_confirmed_nor_refuted() {
        let yes = ("ada", Verdict::Yes, Some(Severity::Clear));
        let no = ("bob", Verdict::No, None);
        let unsure = ("ada", Verdict::Unsure, None);
        let of = |labels: &[_]| confirmed(GoalKind::Evade, &find(-5.0, labels), -4.0, LabellerKind::Person);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[yes, no]), None);
        assert_eq!(of(&[unsure]), None);
        assert_eq!(of(&[unsure, ("bob", Verdict::Unsure, None)]), Some(false));
        let judged = confirmed(GoalKind::Evade, &find(-5.0, &[yes]), -4.0, LabellerKind::Judge);
        assert_eq!(judged, None, "people do not speak for judges");
    }
}
