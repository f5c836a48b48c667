//! `nines serve`: the workbench for browsers, until it is told to stop.

use super::BadUsage;
use crate::cli::ServeArgs;
use crate::models;
use crate::output::Output;
use crate::project::Project;
use crate::serve::ProjectWorkbench;
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_jobs::{Program, Supervisor};
use nines_server::{AppState, Settings};
use serde::Serialize;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Serialize)]
struct Serving {
    address: SocketAddr,
    origin: String,
    /// The link that makes the first account, while there is none.
    setup: Option<String>,
}

/// What to do where the address is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Say so.
    Refuse,
    /// Take any free port beside it: who asked for the demo did not ask for a port.
    Beside,
}

/// Runs `nines serve`.
pub async fn run(project: Project, args: &ServeArgs, taken: Taken, output: &Output) -> Result<()> {
    let is_private = args.listen.ip().is_loopback();
    let tls = args.tls_terminated
        || args
            .origin
            .as_ref()
            .is_some_and(|origin| origin.starts_with("https://"));
    if !is_private && !tls && !args.plain_http {
        bail!(BadUsage(format!(
            "{} can be reached from other machines, and passwords and labels would cross the network readable \
             by anybody on it. Put a proxy that speaks TLS in front and name its address: --origin \
             https://nines.example.org; or, in a network where nobody listens, say --plain-http",
            args.listen
        )));
    }
    let masked = args.masked.as_deref();
    let masked = masked.map(models::masked_language_model).transpose()?;
    let listener = match listen(args.listen).await {
        Err(error) if taken == Taken::Beside && is_taken(&error) => {
            listen(SocketAddr::new(args.listen.ip(), 0)).await?
        }
        other => other?,
    };
    let address = listener
        .local_addr()
        .context("cannot say where it listens")?;
    let scheme = if tls { "https" } else { "http" };
    let origin = args.origin.clone().unwrap_or_else(|| {
        // All addresses are none that a link can name; this machine's own works here at least.
        let host = match address.ip().is_unspecified() {
            true => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
            false => address,
        };
        format!("{scheme}://{host}")
    });
    if args.origin.is_none() && address.ip().is_unspecified() {
        output.note(
            "links, such as those of invitations, name this machine alone; say how others reach it with --origin",
        );
    }
    if !is_private && !tls {
        output.note(
            "caution: this is plain HTTP on an address that other machines reach: passwords, sessions and texts \
             cross the network readable by anybody on it",
        );
    }
    let project = Arc::new(project);
    let state = state(&project, masked, tls, &origin);
    let setup = nines_server::setup_link(&state)
        .await
        .context("cannot say whether there is an account yet")?;
    nines_server::prepare(&state)
        .await
        .context("cannot make the project ready for labelling")?;
    let serving = Serving {
        address,
        origin,
        setup,
    };
    output.result(&serving, || words(&serving, tls));
    let numbers = tokio::spawn(nines_server::reliability::watch(state.clone()));
    nines_server::serve(listener, state, told_to_stop())
        .await
        .context("the server failed")?;
    numbers.abort();
    output.note("stopped");
    Ok(())
}

/// Takes an address, or says who has it and what to do.
async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let what = match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{address} is taken, perhaps by another `nines serve`; choose another with --listen {}:{}, or 0 \
                 for any free port",
                address.ip(),
                address.port().checked_add(1).unwrap_or(7421)
            ),
            ErrorKind::PermissionDenied => format!(
                "this account may not listen on {address}; ports from 1024 on are free to all: --listen {}:7420",
                address.ip()
            ),
            ErrorKind::AddrNotAvailable => {
                format!("{address} is no address of this machine; name one that is, with --listen")
            }
            _ => format!("cannot listen on {address}"),
        };
        anyhow::Error::new(error).context(what)
    })
}

fn is_taken(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|cause| cause.kind() == ErrorKind::AddrInUse)
}

fn state(
    project: &Arc<Project>,
    masked: Option<Arc<MaskedLanguageModel>>,
    tls: bool,
    origin: &str,
) -> AppState {
    let config = &project.config;
    let settings = Settings {
        folder: project.folder.clone(),
        project: config.project.name.clone(),
        predicate: config.predicate.name.clone(),
        predicate_version: config.predicate.version,
        split_seed: config.project.split_seed,
        tls,
        origin: origin.to_owned(),
    };
    let workbench = ProjectWorkbench::new(Arc::clone(project), masked);
    let mut state = AppState::new(project.store.clone(), settings, Arc::new(workbench));
    if let Some(precision) = project.precision.and_then(|p| p.to_possible_value()) {
        // What the server was told holds for its jobs too: a score belongs to its precision.
        let option = format!("--precision={}", precision.get_name());
        state.jobs = jobs(project, [option]);
    }
    state
}

/// The queue of jobs, which are commands of this program with these options.
fn jobs(project: &Project, options: [String; 1]) -> Supervisor {
    let program = std::env::current_exe().unwrap_or_else(|_| "nines".into());
    let program = Program::new(program, &project.folder).with_options(options);
    let settings = nines_jobs::Settings::default();
    Supervisor::new(project.store.clone(), program, settings)
}

/// Waits for ctrl-C or SIGTERM. A second one ends the process at once.
async fn told_to_stop() {
    signalled().await;
    eprintln!("\nstopping; once more to end at once");
    tokio::spawn(async {
        signalled().await;
        std::process::exit(130);
    });
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let both = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut interrupted), Ok(mut terminated)] = both else {
        // Without handlers the system ends the process by itself.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn words(serving: &Serving, tls: bool) -> String {
    let behind = match tls {
        true => format!(" (listening on {} for the proxy)", serving.address),
        false => String::new(),
    };
    let mut text = format!("The workbench is at {}{behind}\n", serving.origin);
    if let Some(link) = &serving.setup {
        text.push_str(&format!(
            "There is no account yet. This link makes the first, once:\n  {link}\n"
        ));
    }
    text.push_str("Ctrl-C stops it; jobs under way go on.");
    text
}
