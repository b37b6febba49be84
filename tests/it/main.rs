//! The whole program from outside: the real binary, a real server, real images.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod crash;
mod data;
mod demo;
mod detect;
mod http;
mod imports;
mod marks;
mod naflex;
mod nonempty;
mod orientation;
mod printed_logits;
mod published;
mod region_tags;
mod regions;
mod segment;
mod sidecars;
mod tidy;
mod util;
mod videos;
mod watch;
mod workers;
