//! Times a stratified estimate over millions of streamed rows, and the exact interval of huge counts.
//!
//!     cargo run --release -p nines-stats --example stratified_speed -- [ROWS]
//!
//! Rows (10,000,000 unless said otherwise) are made up as they are counted, so that memory shows what
//! the counting takes. Prints seconds, and the peak resident memory where the system tells it.

use nines_stats::StatsError;
use nines_stats::interval::clopper_pearson;
use nines_stats::random::Stream;
use nines_stats::stratified::stratified_leak;
use nines_stats::stratum_counts::StratumCounts;
use std::hint::black_box;
use std::time::Instant;

/// One row in so many is labelled.
const LABELLED: u64 = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(10_000_000), |text| text.parse())?;
    let start = Instant::now();
    let mut made = 0.0;
    let mut stream = Stream::new(1, 0);
    for _ in 0..rows {
        made += black_box(row(&mut stream)).0;
    }
    let making = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let counts = count(rows)?;
    let counting = start.elapsed().as_secs_f64() - making;
    let start = Instant::now();
    let (strata, no_leak) = counts.frame()?;
    let leak = stratified_leak(&strata, no_leak, 0.95)?;
    println!(
        "{rows} rows: {counting:.2} s counted ({:.1} million rows a second, besides {making:.2} s to make them), {:.1} µs for the intervals (mean score {:.3})",
        rows as f64 / counting / 1e6,
        start.elapsed().as_secs_f64() * 1e6,
        made / rows as f64,
    );
    println!(
        "leak {:.3e}, at most {:.3e}; peak memory {}",
        leak.estimate.value.unwrap_or(f64::NAN),
        leak.assumption_free_upper.upper,
        peak_memory().unwrap_or_else(|| "unknown".to_owned())
    );
    exact_intervals()?;
    Ok(())
}

/// A score and whether it would be a catastrophe, more likely with high scores.
fn row(stream: &mut Stream) -> (f64, bool) {
    let score = -12.0 + 10.0 * stream.unit();
    (score, stream.unit() < score.exp())
}

fn count(rows: u64) -> Result<StratumCounts, StatsError> {
    let mut counts = StratumCounts::new(&[-11.0, -10.0, -9.0, -8.0, -7.0, -6.0, -5.0, -4.0])?;
    let mut stream = Stream::new(1, 0);
    for number in 0..rows {
        let (score, catastrophe) = row(&mut stream);
        if number % 10 == 0 {
            counts.push_no_leak(1.0)?;
            continue;
        }
        counts.push(score, 1.0)?;
        if number % LABELLED == 1 {
            counts.label(score, catastrophe)?;
        }
    }
    Ok(counts)
}

fn exact_intervals() -> Result<(), StatsError> {
    let n = 1_000_000_000;
    for k in [0, 1, 10, 1_000, 100_000, 10_000_000, 500_000_000, n - 1] {
        let repetitions = 200;
        let start = Instant::now();
        for _ in 0..repetitions {
            black_box(clopper_pearson(black_box(k), n, 0.95)?);
        }
        let each = start.elapsed().as_secs_f64() / f64::from(repetitions);
        println!("clopper_pearson({k}, {n}): {:.2} µs", each * 1e6);
    }
    Ok(())
}

/// The peak resident memory of this process, as Linux tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
