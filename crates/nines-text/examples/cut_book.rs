//! Cuts a plain-text book into three-sentence prompts and prints them, one a line, with where they
//! come from: `cargo run -p nines-text --example cut_book -- BOOK.txt`.

use nines_text::cut_book;

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: cut_book BOOK.txt");
        std::process::exit(2);
    };
    let book = std::fs::read_to_string(path)?;
    let cut = cut_book(&book, 3);
    for prompt in &cut.prompts {
        println!(
            "{}\t{}\t{}\t{}",
            prompt.chapter, prompt.start_byte, prompt.sentence_index, prompt.text
        );
    }
    eprintln!(
        "{} prompts from {} sentences",
        cut.prompts.len(),
        cut.sentences
    );
    for (skip, count) in &cut.skipped {
        eprintln!("  left out: {count} {}", skip.as_str());
    }
    Ok(())
}
