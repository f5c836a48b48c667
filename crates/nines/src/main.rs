//! `nines`: one binary that makes a text generator never do one thing, and says how sure that is.
//!
//! This crate holds the command line, the configuration and the wiring between the library
//! crates; what is computed is computed there.

mod cards;
mod cli;
mod commands;
mod config;
mod data;
mod interrupt;
mod models;
mod output;
mod progress;
mod project;
mod runs;
mod scoring;
mod serve;
mod shown;
mod simulated;
mod style;
mod unfamiliarity;

use clap::Parser;
use nines_kernels::lanes::Hold;
use output::Output;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status of a command that was interrupted and kept what it had done.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("NINES_LOG")
                .unwrap_or_else(|_| logged(&cli.command).into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let output = Output::new(cli.json, cli.quiet);
    if let Err(error) = check_vectors() {
        output.error(&error);
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&anyhow::Error::new(error).context("cannot start"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli, &output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            if error.is::<commands::Interrupted>() {
                ExitCode::from(INTERRUPTED)
            } else if error.is::<commands::BadUsage>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// What is logged where `NINES_LOG` says nothing: a server tells what it does.
fn logged(command: &cli::Command) -> &'static str {
    match command {
        cli::Command::Serve(_) => "warn,nines=info,nines_server=info,nines_jobs=info",
        _ => "warn",
    }
}

/// Refuses a name that would otherwise hold nothing back.
fn check_vectors() -> anyhow::Result<()> {
    match std::env::var_os("NINES_VECTORS").filter(|name| !name.is_empty()) {
        Some(name) if name.to_str().and_then(Hold::from_name).is_none() => anyhow::bail!(
            "NINES_VECTORS is {name:?}; it can be baseline, avx2, avx512 or avx512-bf16 (or not set: all \
             that this CPU has)"
        ),
        _ => Ok(()),
    }
}
