//! Ctrl-C: the first asks the work to stop at the next safe point, the second ends the process.

use anyhow::{Context, Result};
use nines_infer::cancel::CancelFlag;
use std::sync::OnceLock;

static FLAG: OnceLock<CancelFlag> = OnceLock::new();

/// Returns the flag that ctrl-C (and SIGTERM) sets.
///
/// # Errors
/// When the handler cannot be installed.
pub fn flag() -> Result<CancelFlag> {
    if let Some(flag) = FLAG.get() {
        return Ok(flag.clone());
    }
    let flag = CancelFlag::default();
    let handler = flag.clone();
    ctrlc::set_handler(move || {
        if handler.is_cancelled() {
            std::process::exit(130);
        }
        handler.cancel();
        eprintln!("\nstopping at the next safe point; once more to end at once");
    })
    .context("cannot listen for ctrl-C")?;
    Ok(FLAG.get_or_init(|| flag).clone())
}
