//! Finds of guided generation against plain sampling, at equal queries.
//!
//! ```text
//! guided_share CLASSIFIER-FOLDER THRESHOLD GENERATOR.gguf SNIPPETS.jsonl PROBE.json [QUERIES SEEDS PROMPTS SWEEP]
//! ```
//!
//! SNIPPETS.jsonl holds {"prompt", "completion", "injurious", "family"} a line; PROBE.json is read where it is
//! there and written where it is not. Families that 4 divides are kept from the probe: the prompts are theirs. A
//! find is a finished completion that the probe calls injurious and the classifier accepts: two models'
//! opinions, no labels. Intervals are percentiles over resampled attempts (a prompt with a seed); approximate.

use nines_attack::attempt::Start;
use nines_attack::guided::decode::{Looks, write};
use nines_attack::guided::guide::{Guide, InjuriousAndAccepted};
use nines_attack::guided::injury::InjuryHead;
use nines_attack::guided::probe::{Example, HiddenStates, InjuryProbe, ProbeSettings};
use nines_attack::guided::sweep::{Direction, Sweep};
use nines_attack::recipe::{Models, Recipe};
use nines_attack::victim::{Budget, Meter, Victim};
use nines_domain::draw::Sampling;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::classifier::{ClassifierScorer, LongPolicy};
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Scorer;
use nines_nn::precision::Precision;
use nines_stats::interval::clopper_pearson;
use nines_stats::random::Stream;
use serde::Deserialize;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// One family of so many gives prompts, the others train the probe.
const KEPT: u64 = 4;

#[derive(Deserialize)]
struct Line {
    prompt: String,
    completion: String,
    injurious: bool,
    family: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, threshold, generator, snippets, probe, rest @ ..] = arguments.as_slice() else {
        return Err(
            "guided_share CLASSIFIER THRESHOLD GENERATOR SNIPPETS PROBE [QUERIES SEEDS PROMPTS]"
                .into(),
        );
    };
    let number = |at: usize, otherwise: u64| -> Result<u64, Box<dyn Error>> {
        Ok(rest
            .get(at)
            .map(|text| text.parse())
            .transpose()?
            .unwrap_or(otherwise))
    };
    let (queries, seeds, prompts) = (number(0, 60)?, number(1, 2)?, number(2, 6)?);
    let threshold = Threshold::new(threshold.parse()?)?;
    let generator = Arc::new(LocalGenerator::open(
        Path::new(generator),
        Precision::fastest(),
    )?);
    let lines: Vec<Line> = std::fs::read_to_string(snippets)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let probe = probe_of(&generator, &lines, Path::new(probe))?;
    let head: Arc<dyn InjuryHead> = Arc::new(
        probe
            .clone()
            .head(generator.clone() as Arc<dyn HiddenStates>)?,
    );
    let scorer: Arc<dyn Scorer> = Arc::new(ClassifierScorer::load(
        Path::new(folder),
        LongPolicy::Refuse,
    )?);
    let victim = Arc::new(Victim::new(vec![scorer]));

    let kept = lines.into_iter().filter(|line| line.family % KEPT == 0);
    let mut all: Vec<String> = kept.map(|line| line.prompt).collect();
    all.sort();
    all.dedup();
    let mut random = Stream::new(11, 0);
    let mut chosen = Vec::new();
    while (chosen.len() as u64) < prompts && !all.is_empty() {
        chosen.push(all.swap_remove(random.below(all.len())));
    }
    println!(
        "prompts {}, seeds {seeds}, queries an attempt {queries}",
        chosen.len()
    );
    plain(
        &generator, &*head, &victim, threshold, &chosen, seeds, queries,
    )?;
    let mut models = Models::of(victim.clone(), vec![threshold]);
    models.local_generator = Some(generator.clone());
    models.injury = Some(head.clone());
    // Each guided completion costs its candidates: of those a quarter as many are written.
    for (lambda, mu, every, candidates) in [(0.0, 0.0, 6, 1), (1.0, 1.0, 6, 4), (1.0, 0.0, 6, 4)] {
        let mut recipe = Recipe::named("guided")?;
        let settings = &mut recipe.search.settings;
        settings.insert("lambda".to_owned(), toml::Value::Float(lambda));
        settings.insert("mu".to_owned(), toml::Value::Float(mu));
        settings.insert("every".to_owned(), toml::Value::Integer(every));
        settings.insert("candidates".to_owned(), toml::Value::Integer(candidates));
        settings.insert("finds".to_owned(), toml::Value::Integer(0));
        settings.insert(
            "completions".to_owned(),
            toml::Value::Integer((queries as i64 / candidates).max(1)),
        );
        recipe.budget = Budget {
            queries: queries * candidates as u64,
            seconds: 3600.0,
        };
        arm(
            &format!("guided, lambda {lambda}, mu {mu}, every {every}, candidates {candidates}"),
            &recipe,
            &models,
            &chosen,
            seeds,
        )?;
    }
    let mut recipe = Recipe::named("steered")?;
    let settings = &mut recipe.search.settings;
    settings.insert("finds".to_owned(), toml::Value::Integer(0));
    settings.insert(
        "completions".to_owned(),
        toml::Value::Integer(queries as i64),
    );
    recipe.budget = Budget {
        queries,
        seconds: 3600.0,
    };
    arm("steered", &recipe, &models, &chosen, seeds)?;
    // Settings of the sweep cost as much again: only where they are asked for.
    match number(3, 0)? {
        0 => Ok(()),
        _ => strengths(&generator, &probe, &*head, &victim, threshold, &chosen),
    }
}

fn probe_of(
    generator: &LocalGenerator,
    lines: &[Line],
    path: &Path,
) -> Result<InjuryProbe, Box<dyn Error>> {
    let probe = if path.exists() {
        InjuryProbe::open(path)?
    } else {
        let examples: Vec<Example> = lines
            .iter()
            .filter(|line| line.family % KEPT != 0)
            .map(|line| Example {
                text: SnippetText::new(line.prompt.as_str(), line.completion.as_str()),
                injurious: line.injurious,
                family: line.family,
            })
            .collect();
        let begun = Instant::now();
        let probe = InjuryProbe::train(generator, &examples, &ProbeSettings::default())?;
        println!("probe trained in {:.0} s", begun.elapsed().as_secs_f64());
        probe.save(path)?;
        probe
    };
    println!("{}: {:?}", probe.name(), probe.record);
    Ok(probe)
}

/// The control: completions as they come, each asked about.
fn plain(
    generator: &LocalGenerator,
    head: &dyn InjuryHead,
    victim: &Victim,
    threshold: Threshold,
    prompts: &[String],
    seeds: u64,
    queries: u64,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut attempts = Vec::new();
    for prompt in prompts {
        for seed in 0..seeds {
            let budget = Budget {
                queries: u64::MAX,
                seconds: 3600.0,
            };
            let mut meter = Meter::new(victim, budget, CancelFlag::default());
            let mut guide = InjuriousAndAccepted {
                head,
                meter: &mut meter,
                threshold,
                lambda: 0.0,
                mu: 0.0,
                head_queries: 0,
            };
            let sampling = Sampling {
                seed,
                ..Sampling::default()
            };
            let (mut finds, mut finished, mut first) = (0u64, 0u64, 0);
            while finished < queries {
                let looks = Looks::default();
                let wave = write(
                    generator,
                    prompt,
                    first..first + 32,
                    &sampling,
                    looks,
                    &mut guide as &mut dyn Guide,
                    &|| false,
                )?;
                first += 32;
                for one in &wave.written {
                    if one.draw.finish.is_finished() && finished < queries {
                        finished += 1;
                        finds += u64::from(guide.is_find(&one.opinion));
                    }
                }
            }
            attempts.push((finds, finished));
        }
    }
    report(
        "plain sampling, every completion asked about",
        &attempts,
        begun,
    );
    Ok(())
}

fn arm(
    name: &str,
    recipe: &Recipe,
    models: &Models,
    prompts: &[String],
    seeds: u64,
) -> Result<(), Box<dyn Error>> {
    let attack = recipe.build(models, 0)?;
    let begun = Instant::now();
    let mut attempts = Vec::new();
    let mut example = None;
    let mut notes = Vec::new();
    let mut completions = 0;
    for prompt in prompts {
        for seed in 0..seeds {
            let start = Start::new(SnippetText::new(prompt.as_str(), ""));
            let attempt = attack.attempt(&start, seed, &CancelFlag::default());
            if let Some(why) = attempt.outcome.why() {
                println!("{name}: {why}");
            }
            attempts.push((attempt.finds.len() as u64, attempt.queries));
            completions += written(&attempt.notes);
            notes.extend(attempt.notes);
            example = example.or_else(|| attempt.finds.into_iter().next());
        }
    }
    report(name, &attempts, begun);
    let finds: u64 = attempts.iter().map(|(finds, _)| finds).sum();
    let share = finds as f64 / completions.max(1) as f64;
    println!("    {finds} finds in {completions} completions, {share:.4}");
    for note in notes {
        println!("    {note}");
    }
    if let Some(find) = example {
        println!(
            "    {:?}: {} (weight {:?})",
            find.scores, find.text.completion, find.log_weight
        );
    }
    Ok(())
}

/// Reads from the notes of an attempt how many completions it wrote.
fn written(notes: &[String]) -> u64 {
    let counted = notes.iter().filter_map(|note| {
        let (before, _) = note
            .split_once(" finished completions")
            .or_else(|| note.split_once(" completions, "))?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    });
    counted.sum()
}

fn report(name: &str, attempts: &[(u64, u64)], begun: Instant) {
    let share = |of: &[(u64, u64)]| {
        let (finds, queries) = of.iter().fold((0, 0), |(f, q), (a, b)| (f + a, q + b));
        finds as f64 / (queries.max(1)) as f64
    };
    let mut shares: Vec<f64> = (0..2000)
        .map(|resample| {
            let mut stream = Stream::new(0, resample);
            let drawn: Vec<_> = attempts
                .iter()
                .map(|_| attempts[stream.below(attempts.len())])
                .collect();
            share(&drawn)
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    let finds: u64 = attempts.iter().map(|(finds, _)| finds).sum();
    let queries: u64 = attempts.iter().map(|(_, queries)| queries).sum();
    let reached = attempts.iter().filter(|(finds, _)| *finds > 0).count() as u64;
    let reached = clopper_pearson(reached, attempts.len() as u64, 0.95);
    println!(
        "{name}: {finds} finds in {queries} queries, {:.4} ({:.4} to {:.4}); attempts with a find {}; {:.0} s",
        share(attempts),
        shares[49],
        shares[1949],
        reached.map_or_else(
            |error| error.to_string(),
            |e| format!(
                "{:.2} ({:.2} to {:.2}, n {})",
                e.value.unwrap_or(0.0),
                e.lower,
                e.upper,
                e.n
            )
        ),
        begun.elapsed().as_secs_f64(),
    );
}

fn strengths(
    generator: &LocalGenerator,
    probe: &InjuryProbe,
    head: &dyn InjuryHead,
    victim: &Victim,
    threshold: Threshold,
    prompts: &[String],
) -> Result<(), Box<dyn Error>> {
    let budget = Budget {
        queries: u64::MAX,
        seconds: 3600.0,
    };
    let mut meter = Meter::new(victim, budget, CancelFlag::default());
    let rows = Sweep {
        generator,
        probe,
        head,
        direction: Direction::Difference,
        sampling: &Sampling::default(),
        threshold,
    }
    .run(&[0.0, 0.5, 1.0, 1.5, 2.0, 3.0], prompts, 16, &mut meter)?;
    for row in rows {
        let of = |e: &nines_stats::IntervalEstimate| {
            format!(
                "{:.2} ({:.2} to {:.2})",
                e.value.unwrap_or(f64::NAN),
                e.lower,
                e.upper
            )
        };
        println!(
            "strength {}: finished {}, injurious {}, accepted {}, both {}, different {} of {}, distinct pairs {:.2}, log probability a token {:.2}",
            row.strength,
            of(&row.finished),
            of(&row.injurious),
            of(&row.accepted),
            of(&row.finds),
            row.variety.distinct,
            row.variety.texts,
            row.variety.distinct_pairs.unwrap_or(f64::NAN),
            row.log_probability.unwrap_or(f64::NAN),
        );
    }
    Ok(())
}
