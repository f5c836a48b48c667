//! Drawing what is to be labelled or rated next, from requests that were answered before.

use super::choice::Choice;
use crate::cli::{AllocationArg, FrameArgs, LeakArgs, LongArg};
use crate::commands::filter::threshold_of;
use crate::commands::measure::{Asked, QualityDesign, draw_from, draw_pairs};
use crate::commands::report::CONFIDENCE;
use crate::models::{self, ScorePath};
use crate::project::Project;
use crate::shown::{counted, grouped};
use anyhow::{Error, Result, bail};
use nines_server::reliability::{PlanAllocation, PlanRequest, Planned};
use std::fmt;

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
            let Some(mut ready) = choice.leak else {
                return Err(not_measured(project, "its leak").await);
            };
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
            let Some(mut ready) = choice.quality else {
                return Err(not_measured(project, "its quality").await);
            };
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

/// The filter could be measured, and has not been.
#[derive(Debug)]
pub struct NotMeasured(String);

impl fmt::Display for NotMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotMeasured {}

/// Says why nothing can be drawn: there is no filter yet, or it has not been asked anything.
async fn not_measured(project: &Project, what: &str) -> Error {
    let filter = async {
        let model = models::classifier(project, None).await?;
        let path = ScorePath::of(project, LongArg::Refuse)?;
        threshold_of(project, &model, None, path).await?;
        Ok(model.label())
    };
    match filter.await {
        Err(error) => error,
        Ok(classifier) => Error::new(NotMeasured(format!(
            "the filter of {classifier} has not been asked anything for {what} yet: a measuring run asks it \
             requests, and draws from its answers"
        ))),
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
            caution: crate::cli::CautionArgs::default(),
            budget: None,
            tighten: None,
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
