//! Reads the tokenizer of a model folder and saves it into another, as an exported classifier has
//! it: `cargo run -p nines-text --example save_tokenizer -- FROM INTO`. `golden/saved_tokenizer.py`
//! then checks that transformers reads the same tokens from it.

use nines_text::{SnippetTokenizer, TextError};
use std::path::PathBuf;

fn main() -> Result<(), TextError> {
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match folders.as_slice() {
        [from, into] => SnippetTokenizer::from_folder(from)?.save_into(into),
        _ => {
            eprintln!("usage: save_tokenizer FROM INTO (two folders that exist)");
            std::process::exit(2);
        }
    }
}
