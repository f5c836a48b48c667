//! `nines report`.

use clap::Args;
use std::path::PathBuf;

/// `nines report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The page to write
    #[arg(long, default_value = "report.html")]
    pub out: PathBuf,
    /// Also write the same numbers as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub json_out: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long)]
    pub replace: bool,
    /// What an hour of a person's labelling costs, to say what labels cost
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub cost_per_hour: Option<f64>,
    /// The currency of --cost-per-hour
    #[arg(long, default_value = "USD", requires = "cost_per_hour")]
    pub currency: String,
}

/// An amount of money.
fn amount(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(amount) if (0.0..=1e9).contains(&amount) => Ok(amount),
        _ => Err("it must be a number from 0 on".to_owned()),
    }
}
