//! `nines accounts`: who forgot the password gets in again.

use super::BadUsage;
use crate::cli::AccountsCommand;
use crate::output::Output;
use crate::project::Project;
use anyhow::{Context, Result};
use nines_domain::account::AccountName;
use serde::Serialize;

#[derive(Serialize)]
struct Reset {
    account: String,
    link: String,
    expires: String,
}

/// Runs `nines accounts`.
pub async fn run(project: &Project, command: AccountsCommand, output: &Output) -> Result<()> {
    let AccountsCommand::Reset { name, origin } = command;
    let known = name
        .parse::<AccountName>()
        .map_err(|wrong| BadUsage(format!("{name:?} is no account's name: {wrong}")))?;
    let made = nines_server::reset_link(&project.store, &known, &origin)
        .await
        .with_context(|| format!("there is no link for {known}", known = known.as_str()))?;
    let reset = Reset {
        account: made.account.name,
        link: made.link,
        expires: made.expires.to_string(),
    };
    output.result(&reset, || {
        format!(
            "This link gives {} another password, once, within an hour:\n  {}\n\
             Where the workbench has another address, put that in the place of {origin}.",
            reset.account, reset.link
        )
    });
    Ok(())
}
