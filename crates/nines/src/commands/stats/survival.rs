//! `nines stats survival`.

mod plan;
mod sessions;

use super::rows;
use crate::cli::SurvivalArgs;
use crate::output::Output;
use crate::shown::{
    Towards, columns, counted, ends, grouped, percent, rate, trimmed, whole, with_ends,
};
use anyhow::{Context, Result};
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::attack_time::{
    Exposure, clustered_mean_time, clustered_rate_ratio, kaplan_meier, mean_time,
    mean_time_lower_bound, rate_ratio,
};
use nines_stats::bootstrap::Bootstrap;
use plan::Plan;
use serde::Serialize;
use sessions::Group;

/// How many times of a curve are shown to people.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Found {
    confidence: f64,
    /// The seed of the resampling; none where nothing was resampled.
    seed: Option<u64>,
    groups: Vec<Times>,
    compared: Option<Compared>,
    plan: Option<Plan>,
}

#[derive(Serialize)]
struct Times {
    group: Option<String>,
    sessions: usize,
    finds: u64,
    minutes: f64,
    /// The mean time to a find at a constant rate; without finds no value and no upper end.
    mean: Estimate,
    /// What may be claimed: the mean time is at least its lower end.
    at_least: Estimate,
    attackers: Option<usize>,
    /// The mean time for attackers that differ.
    by_attacker: Option<Estimate>,
    /// The time by which half of the sessions have a find.
    median: Estimate,
    /// The share of sessions without a find until each time with finds.
    kaplan_meier: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    minutes: f64,
    at_risk: u64,
    finds: u64,
    without_find: Estimate,
}

#[derive(Serialize)]
struct Compared {
    first: String,
    second: String,
    /// The first's rate of finds over the second's.
    ratio: Estimate,
    /// Two-sided, of equal rates.
    p_value: f64,
    /// The ratio for attackers that differ.
    by_attacker: Option<Estimate>,
}

/// Runs `nines stats survival`.
pub fn run(args: &SurvivalArgs, output: &Output) -> Result<()> {
    let confidence = args.input.confidence;
    let read = sessions::read(args, output)?;
    let enough = |group: &Group| read.by_attacker && group.attackers() >= 2;
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence,
        ..Bootstrap::default()
    };
    let mut groups = Vec::new();
    for group in &read.groups {
        let resampled = enough(group).then_some(&bootstrap);
        let times = times(group, confidence, read.by_attacker, resampled);
        groups.push(times.with_context(|| {
            let file = rows::name(&args.input.file);
            match &group.name {
                Some(name) => format!("{file}: group {name}"),
                None => file,
            }
        })?);
    }
    let compared = match &read.groups[..] {
        [first, second] => {
            let resampled = (enough(first) && enough(second)).then_some(&bootstrap);
            Some(compare(first, second, confidence, resampled)?)
        }
        _ => None,
    };
    let plan = args
        .plan_ratio
        .map(|ratio| plan::plan(ratio, args.power, &groups[0].mean))
        .transpose()?;
    let resampled = groups.iter().any(|group| group.by_attacker.is_some());
    let found = Found {
        confidence,
        seed: resampled.then_some(args.seed),
        groups,
        compared,
        plan,
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn times(
    group: &Group,
    confidence: f64,
    known: bool,
    bootstrap: Option<&Bootstrap>,
) -> Result<Times> {
    let exposure = Exposure::of_sessions(&group.sessions)?;
    let curve = kaplan_meier(&group.sessions, confidence)?;
    Ok(Times {
        group: group.name.clone(),
        sessions: group.sessions.len(),
        finds: exposure.finds,
        minutes: exposure.time,
        mean: estimate(mean_time(exposure, confidence)?),
        at_least: estimate(mean_time_lower_bound(exposure, confidence)?),
        attackers: known.then(|| group.attackers()),
        by_attacker: bootstrap
            .map(|b| clustered_mean_time(&group.sessions, b).map(estimate))
            .transpose()?,
        median: estimate(curve.median()),
        kaplan_meier: curve
            .steps
            .into_iter()
            .map(|step| Step {
                minutes: step.time,
                at_risk: step.at_risk,
                finds: step.finds,
                without_find: estimate(step.survival),
            })
            .collect(),
    })
}

fn compare(
    first: &Group,
    second: &Group,
    confidence: f64,
    bootstrap: Option<&Bootstrap>,
) -> Result<Compared> {
    let ratio = rate_ratio(
        Exposure::of_sessions(&first.sessions)?,
        Exposure::of_sessions(&second.sessions)?,
        confidence,
    )?;
    Ok(Compared {
        first: first.name.clone().unwrap_or_default(),
        second: second.name.clone().unwrap_or_default(),
        ratio: estimate(ratio.ratio),
        p_value: ratio.p_value,
        by_attacker: bootstrap
            .map(|b| clustered_rate_ratio(&first.sessions, &second.sessions, b).map(estimate))
            .transpose()?,
    })
}

fn words(found: &Found) -> String {
    let mut out = String::new();
    for group in &found.groups {
        out.push_str(&group.words(found.seed));
        out.push('\n');
    }
    if let Some(compared) = &found.compared {
        out.push_str(&compared.words(found.seed));
        out.push('\n');
    } else if found.groups.len() > 2 {
        out.push_str("Two groups are compared where --groups names them.\n\n");
    }
    if let Some(plan) = &found.plan {
        let first = found.groups[0].group.as_deref().unwrap_or("these sessions");
        out.push_str(&plan.words(first));
        out.push('\n');
    }
    out.push_str(
        "Means and ratios suppose one constant rate of finds for each filter, and sessions whose end\n\
         without a find had nothing to do with how near it was. The table supposes no constant rate,\n\
         but sessions of attackers who are alike.",
    );
    out
}

/// Writes minutes with their interval.
fn minutes(of: &Estimate) -> String {
    let sure = percent(of.confidence);
    format!("{} minutes, {sure} %, {}", with_ends(of), of.method)
}

impl Times {
    fn words(&self, seed: Option<u64>) -> String {
        let name = self.group.as_ref().map(|name| format!("{name}: "));
        let mut out = format!(
            "{}{} in {} of {} minutes.\n",
            name.unwrap_or_default(),
            counted(self.finds, "find"),
            counted(self.sessions as u64, "session"),
            trimmed(self.minutes)
        );
        let mut line = |name: &str, text: &str| out.push_str(&format!("  {name:<12}{text}\n"));
        let has_finds = self.finds > 0;
        if has_finds {
            line("Mean time:", &minutes(&self.mean));
        } else {
            line("Mean time:", "not known, for nobody found anything");
        }
        let at_least = format!(
            "{} minutes with {} % confidence, {}",
            rate(self.at_least.lower, Towards::Down),
            percent(self.at_least.confidence),
            self.at_least.method
        );
        line("At least:", &at_least);
        match (&self.by_attacker, self.attackers, seed) {
            (Some(mean), _, Some(seed)) if has_finds => {
                line("Attackers:", &format!("{}, seed {seed}", minutes(mean)));
            }
            (None, Some(attackers), _) => {
                let few = format!("{attackers}; two are needed to see how they differ");
                line("Attackers:", &few);
            }
            _ => {}
        }
        if has_finds {
            line("Median:", &minutes(&self.median));
            out.push_str(&self.table());
        }
        out
    }

    /// The Kaplan-Meier curve; of a long one, times spread over it.
    fn table(&self) -> String {
        let sure = percent(self.mean.confidence);
        let header = [
            "minutes",
            "at risk",
            "finds",
            "without a find",
            &format!("{sure} %"),
        ];
        let mut rows = vec![header.map(str::to_owned)];
        let steps = self.kaplan_meier.len();
        let shown = steps.min(SHOWN);
        for i in 0..shown {
            let step = &self.kaplan_meier[(i + 1) * steps / shown - 1];
            rows.push([
                trimmed(step.minutes),
                grouped(step.at_risk),
                grouped(step.finds),
                rate(step.without_find.value.unwrap_or(0.0), Towards::Nearest),
                ends(&step.without_find),
            ]);
        }
        let mut out = columns(&rows);
        let method = &self.kaplan_meier[0].without_find.method;
        out.push_str(&format!("  ({method})\n"));
        if shown < steps {
            out.push_str(&format!(
                "  ({shown} of {steps} times; finds are those at the time itself; --json has them all)\n"
            ));
        }
        out
    }
}

impl Compared {
    fn words(&self, seed: Option<u64>) -> String {
        let Self { first, second, .. } = self;
        let mut out = format!(
            "Rate of finds, {first} over {second}:\n  Ratio:      {}\n  \
             P-value:    {} of equal rates (exact, two-sided)\n",
            whole(&self.ratio),
            rate(self.p_value, Towards::Nearest)
        );
        if let (Some(ratio), Some(seed)) = (&self.by_attacker, seed) {
            out.push_str(&format!("  Attackers:  {}, seed {seed}\n", whole(ratio)));
        }
        out
    }
}
