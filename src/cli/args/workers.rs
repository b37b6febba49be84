//! Arguments about machines that encode for others.

use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;
use glimpse::engine::{Worker, Workers};

use super::super::outcome::CliError;

/// Who encodes.
#[derive(Debug, Args)]
pub struct WorkersArgs {
    /// Let these encode images, started with `glimpse worker` on other machines: addresses such as
    /// http://10.0.0.7:4748 with commas between them; `local` for this machine too
    #[arg(long, value_name = "URL,URL", value_delimiter = ',')]
    pub workers: Vec<WorkerArg>,

    /// What workers ask for
    #[arg(long, value_name = "TOKEN", env = "GLIMPSE_WORKER_TOKEN", hide_env_values = true)]
    pub worker_token: Option<String>,
}

/// One who encodes.
#[derive(Debug, Clone)]
pub enum WorkerArg {
    /// This machine.
    Local,
    /// Another.
    At(Worker),
}

impl FromStr for WorkerArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "local" => Ok(Self::Local),
            url => Ok(Self::At(url.parse()?)),
        }
    }
}

impl WorkersArgs {
    /// Who encodes: this machine, unless others were named.
    ///
    /// # Errors
    /// If too many were named.
    pub fn workers(&self) -> Result<Workers, CliError> {
        let with_token = |worker: &Worker| worker.clone().with_token(self.worker_token.clone());
        let workers: Vec<Worker> = self
            .workers
            .iter()
            .filter_map(|worker| match worker {
                WorkerArg::Local => None,
                WorkerArg::At(worker) => Some(with_token(worker)),
            })
            .collect();
        if workers.len() > Workers::MOST {
            return Err(CliError::with_hint(
                format!("{} workers were named", workers.len()),
                format!("a run takes {} at most", Workers::MOST),
            ));
        }
        let here = workers.is_empty() || self.workers.iter().any(|worker| matches!(worker, WorkerArg::Local));
        Ok(Workers { workers, here, ..Workers::default() })
    }
}

const WORKER_HELP: &str = "\
A worker holds the model and nothing else. Libraries on other machines read and decode their files themselves, and send what
the model reads of each image; no file and no name leaves them. A server whose workers do not include `local` sends the
texts of searches too, and needs no room for the model's text tower as long as one of them answers. The model must be the library's own. An address that other
machines reach needs a token. What is sent is not encrypted: between networks, put a proxy with https in front.

Examples:
  glimpse worker                                                              for this machine, on 127.0.0.1:4748
  GLIMPSE_TOKEN=$(openssl rand -hex 16) glimpse worker --listen 0.0.0.0:4748
  glimpse index ~/Pictures --workers http://10.0.0.7:4748,http://10.0.0.8:4748,local";

#[derive(Debug, Args)]
#[command(after_help = WORKER_HELP)]
pub struct WorkerArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4748")]
    pub listen: SocketAddr,

    /// What every request must show
    #[arg(long, value_name = "TOKEN", env = "GLIMPSE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}
