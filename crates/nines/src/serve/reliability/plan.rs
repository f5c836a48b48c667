//! Drawing what is to be labelled or rated next, from requests that were answered before.

use super::choice::Choice;
use crate::cli::{AllocationArg, FrameArgs, LeakArgs};
use crate::commands::measure::{Asked, QualityDesign, draw_from, draw_pairs};
use crate::commands::report::CONFIDENCE;
use crate::project::Project;
use crate::shown::{counted, grouped};
use anyhow::{Context, Result, bail};
use nines_server::reliability::{PlanAllocation, PlanRequest, Planned};

/// Draws what a plan asks for from the design that the page shows.
pub async fn plan(project: &Project, asked: &PlanRequest) -> Result<Planned> {
    let choice = Choice::of(project).await?;
    match asked {
        PlanRequest::Leak {
            leak,
            labels,
            confidence,
            allocation,
        } => {
            let args = leak_args(*leak, *labels, *confidence, *allocation)?;
            let mut ready = choice.leak.context(
                "the filter has not been measured yet: a measuring run asks it requests, and draws what to label",
            )?;
            let answered = ready
                .answers
                .iter()
                .filter(|a| a.accepted.is_some())
                .count() as u64;
            if let Some(labels) = labels.filter(|labels| *labels > answered) {
                bail!(
                    "{} were asked for, and there are only {} to label; a measuring run can ask the filter more \
                     requests",
                    counted(labels, "label"),
                    counted(answered, "answer")
                );
            }
            let planned = draw_from(project, &mut ready, &args, false).await?;
            if let Some(why) = planned.refusal() {
                bail!(why);
            }
            Ok(Planned {
                design: planned.design,
                drawn: planned.newly_drawn,
                waiting: planned.queue as u64,
                text: planned.summary(),
            })
        }
        PlanRequest::Quality { pairs } => {
            if *pairs == 0 {
                bail!("a plan of no pairs draws nothing");
            }
            let mut ready = choice.quality.context(
                "the quality has not been measured yet: a measuring run asks the filter requests, and draws \
                 pairs to rate",
            )?;
            let curve = ready.thresholds[1..].to_vec();
            let drawn = draw_pairs(project, &mut ready, Some(*pairs), &curve).await?;
            let ready = QualityDesign::read(project, ready.design).await?;
            let waiting = ready.open(Asked::PEOPLE)?.len() as u64;
            Ok(Planned {
                design: ready.design.id.0,
                drawn,
                waiting,
                text: format!(
                    "{} newly drawn; {} for a rating.",
                    counted(drawn, "pair"),
                    waits(waiting)
                ),
            })
        }
    }
}

fn waits(n: u64) -> String {
    match n {
        1 => "1 waits".to_owned(),
        n => format!("{} wait", grouped(n)),
    }
}

fn leak_args(
    leak: Option<f64>,
    labels: Option<u64>,
    confidence: Option<f64>,
    allocation: Option<PlanAllocation>,
) -> Result<LeakArgs> {
    let is_share = |x: f64| x > 0.0 && x < 1.0;
    if leak.is_none() && labels.is_none() {
        bail!("say how many labels to draw, or the leak to show");
    }
    if labels == Some(0) {
        bail!("a plan of no labels draws nothing");
    }
    if !leak.into_iter().chain(confidence).all(is_share) {
        bail!("a leak and a confidence lie between 0 and 1, ends excluded");
    }
    Ok(LeakArgs {
        frame: FrameArgs {
            classifier: None,
            threshold: None,
            budget: None,
            distribution: String::new(),
            answers: None,
            seed: 0,
            confidence: confidence.unwrap_or(CONFIDENCE),
        },
        leak,
        labels,
        strata: 1,
        allocation: match allocation {
            Some(PlanAllocation::Proportional) => AllocationArg::Proportional,
            Some(PlanAllocation::Neyman) => AllocationArg::Neyman,
            Some(PlanAllocation::Mixed) | None => AllocationArg::Mixed,
        },
    })
}
