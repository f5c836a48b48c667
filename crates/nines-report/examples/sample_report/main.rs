//! Writes a full report of an invented project and the report of an empty one, as HTML and JSON.
//!
//! ```text
//! cargo run -p nines-report --example sample_report -- DIR
//! ```

mod sample;

use nines_report::report::Report;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".into()));
    fs::create_dir_all(&folder)?;
    for (name, report) in [("full", sample::full()), ("empty", sample::empty())] {
        write(
            &folder.join(format!("{name}.html")),
            &nines_report::html(&report),
        )?;
        write(&folder.join(format!("{name}.json")), &json(&report))?;
    }
    Ok(())
}

fn json(report: &Report) -> String {
    nines_report::json(report)
}

fn write(path: &std::path::Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    println!("{}", path.display());
    Ok(())
}
