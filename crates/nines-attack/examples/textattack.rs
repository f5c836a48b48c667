//! Attacks the starts of the comparison with TextAttack; `make textattack` compares the rows.
//!
//!     cargo run -p nines-attack --example textattack -- crates/nines-attack/tests/fixtures/textattack > rows.jsonl

#[path = "../tests/textattack/mod.rs"]
mod textattack;

use std::io::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return Err("usage: textattack FOLDER > rows.jsonl".into());
    };
    let files = textattack::Files::read(Path::new(folder))?;
    let mut out = std::io::stdout().lock();
    for settings in &files.attacks {
        for row in files.run(settings)? {
            serde_json::to_writer(&mut out, &row)?;
            writeln!(out)?;
        }
    }
    Ok(())
}
