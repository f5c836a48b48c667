//! The workbench and what runs in it: `nines serve`, `nines accounts`, `nines runs`.

use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `nines serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The address to listen on; port 0 takes any free one
    #[arg(
        long,
        value_name = "ADDR",
        env = "NINES_LISTEN",
        hide_env_values = true
    )]
    #[arg(default_value = "127.0.0.1:7420", value_parser = address)]
    pub listen: SocketAddr,
    /// The address that browsers use, where a proxy is in front: links begin with it, and cookies
    /// are kept to TLS where it does
    #[arg(long, value_name = "URL", value_parser = origin)]
    pub origin: Option<String>,
    /// A proxy in front speaks TLS (an --origin of https:// says so too)
    #[arg(long)]
    pub tls_terminated: bool,
    /// Listen without TLS on an address that other machines reach: everything crosses readable
    #[arg(long)]
    pub plain_http: bool,
    /// A folder with a masked language model, which proposes words on Rewrite beside the generator
    #[arg(long, value_name = "FOLDER")]
    pub masked: Option<PathBuf>,
}

/// `nines accounts`.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// Print a link that gives an account another password, good once and for an hour
    #[command(after_help = "Example:\n  nines accounts reset ann\n\
It works while `nines serve` runs, too. Until the link is used the old password stays;\n\
then the account's sessions end.")]
    Reset {
        /// The account's name
        name: String,
        /// The address that the workbench has in the browser
        #[arg(long, value_name = "URL", value_parser = origin)]
        #[arg(default_value = "http://127.0.0.1:7420")]
        origin: String,
    },
}

/// An address with its port; `localhost` is this machine's.
fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| {
        "it is no address with a port; write 127.0.0.1:7420, or 0.0.0.0:7420 for all networks"
            .to_owned()
    })
}

/// Where links begin: a scheme, a host, perhaps a port.
fn origin(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .filter(|host| !host.is_empty());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    match host {
        Some(host) if host.chars().all(is_plain) => Ok(text.to_ascii_lowercase()),
        _ => Err(
            "write the scheme and the host alone, such as https://nines.example.org; paths are not supported"
                .to_owned(),
        ),
    }
}

/// `nines runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// List runs and jobs, newest first
    #[command(after_help = "Example:\n  nines runs list --kind train")]
    List {
        /// Only this kind, such as train or generate
        #[arg(long)]
        kind: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
    },
    /// Show a run or a job: what was asked for, how far it is, what came of it
    #[command(after_help = "Examples:\n  nines runs show 12\n  nines runs show job3")]
    Show {
        /// A run's number, or job and a job's number
        id: RunRef,
    },
    /// Stop a run or a job at its next safe point; what it has done is kept
    #[command(after_help = "Examples:\n  nines runs cancel 12\n  nines runs cancel job3")]
    Cancel {
        /// A run's number, or job and a job's number
        id: RunRef,
    },
}

/// A run (`12`) or a job (`job3`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRef {
    /// A run.
    Run(i64),
    /// A job.
    Job(i64),
}

impl std::str::FromStr for RunRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, of): (_, fn(i64) -> Self) = match text.strip_prefix("job") {
            Some(number) => (number, Self::Job),
            None => (text, Self::Run),
        };
        match number.parse::<u32>() {
            Ok(number) => Ok(of(number.into())),
            Err(_) => Err("write a run's number, such as 12, or a job's, such as job3".to_owned()),
        }
    }
}
