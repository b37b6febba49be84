//! Arguments of the commands around models, and for other programs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    pub command: ModelCommand,
}

const PULL_HELP: &str = "\
Models go to the cache that Python's huggingface_hub uses, so that both share one copy. HF_HOME, HF_HUB_CACHE, HF_ENDPOINT,
HF_TOKEN and HF_HUB_OFFLINE are honoured. A download that broke off goes on where it was, and every file is checked.

Examples:
  glimpse model pull
  glimpse model pull google/siglip2-so400m-patch16-384";

const CHECK_HELP: &str = "\
Proves a checkpoint end to end on this machine: download, tokenizer, preprocessing, towers, scale and bias. It is computed in
f32, unless --device says otherwise; in bf16 and int8 larger differences are allowed. `model pull` does the same at its end.

Examples:
  glimpse model check google/siglip2-base-patch16-naflex
  glimpse model check ./checkpoint --as google/siglip2-base-patch16-224

Exit status: 0 as published, 1 no values are known of this model, 2 values differ (each is named).";

#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Download a model
    #[command(after_help = PULL_HELP)]
    Pull {
        /// Hub id [default: the model for real libraries]
        #[arg(value_name = "ID")]
        id: Option<String>,

        /// Branch, tag or commit
        #[arg(long, value_name = "REVISION")]
        revision: Option<String>,
    },
    /// Compare a published checkpoint with values that were printed of it
    #[command(after_help = CHECK_HELP)]
    Check {
        /// A hub id, or a checkpoint folder [default: the library's own]
        #[arg(value_name = "MODEL")]
        name: Option<String>,

        /// The published checkpoint that a folder holds, where its name does not tell
        #[arg(long = "as", value_name = "ID")]
        checkpoint: Option<String>,

        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// List models on this machine
    List {
        /// One JSON object for each model
        #[arg(long)]
        json: bool,
    },
    /// Describe a model
    Info {
        /// A checkpoint folder, a hub id, `demo` or `demo-naflex` [default: the library's own]
        #[arg(value_name = "MODEL")]
        name: Option<String>,

        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

const EMBED_HELP: &str = "\
Examples:
  glimpse embed --model google/siglip2-base-patch16-256 --text 'a red bicycle'
  glimpse embed --model ./checkpoint --text one --text two --image a.jpg --tokens

JSON lines, texts before images: input, embedding (unit length), dim, model; with --tokens also tokens (of texts); with
--dense also dense: {rows, cols, dim, aligned} (of images; rows x cols vectors comparable with texts, not normalised). An
input that cannot be embedded gives {input, model, error} in its place, and exit status 2.";

#[derive(Debug, Args)]
#[command(after_help = EMBED_HELP)]
pub struct EmbedArgs {
    /// A text (repeatable)
    #[arg(long, value_name = "STRING", required_unless_present = "image", allow_hyphen_values = true)]
    pub text: Vec<String>,

    /// An image file (repeatable)
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,

    /// Add the token ids of texts
    #[arg(long)]
    pub tokens: bool,

    /// Add the text-aligned vectors of all patches of images
    #[arg(long)]
    pub dense: bool,
}

const COMPLETIONS_HELP: &str = "\
Examples:
  glimpse completions bash > ~/.local/share/bash-completion/completions/glimpse
  glimpse completions zsh > ~/.zfunc/_glimpse
  glimpse completions fish > ~/.config/fish/completions/glimpse.fish";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_HELP)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
