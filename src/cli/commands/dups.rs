//! `glimpse dups`

use std::io::Write;

use console::Style;
use glimpse::DuplicateOptions;
use glimpse::web::wire::GroupView;

use crate::cli::args::DupsArgs;
use crate::cli::context::Context;
use crate::cli::interrupt::interruptible;
use crate::cli::outcome::{CliError, Outcome};
use crate::cli::output::{Table, count, size_of, write_json, write_path};

pub fn run(args: &DupsArgs, context: &Context) -> Result<Outcome, CliError> {
    let engine = context.engine()?;
    let mut options = DuplicateOptions::default();
    options.min_cosine = args.min_cosine.unwrap_or(options.min_cosine);
    let groups = interruptible(|| engine.duplicates(&options))?;

    let mut out = context.stdout();
    for group in &groups {
        let view = GroupView::read(&engine, group)?;
        if args.json {
            write_json(&mut out, &view)?;
        } else if args.paths || args.null {
            for copy in &view.images[1..] {
                write_path(&mut out, context.shown(&copy.file), if args.null { 0 } else { b'\n' })?;
            }
        } else {
            print_group(&mut out, &view, context)?;
        }
    }
    out.flush()?;
    match groups.len() {
        0 => context.note("no near-duplicates"),
        number => {
            let copies: usize = groups.iter().map(|group| group.images.len() - 1).sum();
            let copies = count(copies, "near-duplicate", "near-duplicates");
            context.note(format_args!("{copies} in {}", count(number, "group", "groups")));
        }
    }
    Ok(Outcome::found(!groups.is_empty()))
}

fn print_group(out: &mut impl Write, group: &GroupView, context: &Context) -> Result<(), CliError> {
    let dim = context.style(Style::new().dim());
    let mut table = Table::default();
    for (i, image) in group.images.iter().enumerate() {
        table.row([
            if i == 0 { "best".to_owned() } else { dim.apply_to("copy").to_string() },
            size_of(image),
            dim.apply_to(format!("#{}", image.id)).to_string(),
            context.name(&image.file),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(writeln!(out)?)
}
