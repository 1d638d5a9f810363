//! Draws a made-up graph, for `dev/page-in-chromium`: `page FORMAT CRATES [--around CRATE | --members | --duplicates |
//! --changed CRATE]`. `page FORMAT hostile` draws one with names that attack the page.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "an example is a program")]

#[path = "../tests/support/mod.rs"]
mod support;

use cratewright_graph::draw::{DEFAULT_DEPTH, View, dot, html, json, mermaid, svg};
use cratewright_graph::{DerivationGraph, find};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [format, crates, part @ ..] = arguments.as_slice() else { return Err("page FORMAT CRATES".into()) };
    let graphs = match *crates {
        "hostile" => vec![support::hostile()],
        crates => {
            let crates: usize = crates.parse()?;
            vec![
                support::plausible("x86_64-unknown-linux-gnu", crates),
                support::plausible("aarch64-apple-darwin", crates - crates / 20),
            ]
        }
    };
    let views = graphs.iter().map(|graph| view(graph, part)).collect::<Result<Vec<View>, _>>()?;
    match *format {
        "html" => print!("{}", html(&views)),
        "dot" => print!("{}", dot(&views[0])),
        "mermaid" => print!("{}", mermaid(&views[0])),
        "json" => print!("{}", json(&views[0])),
        "svg" => print!("{}", svg(&views[0])),
        other => return Err(format!("no format {other}").into()),
    }
    Ok(())
}

fn view<'a>(graph: &'a DerivationGraph, part: &[&str]) -> Result<View<'a>, Box<dyn std::error::Error>> {
    let view = View::everything(graph).titled("example workspace").with_seconds(&support::seconds(graph));
    Ok(match *part {
        [] => view,
        ["--members"] => view.members(),
        ["--duplicates"] => view.duplicates(),
        ["--around", wanted] => view.around(wanted, DEFAULT_DEPTH)?,
        ["--around", wanted, depth] => view.around(wanted, depth.parse()?)?,
        ["--changed", wanted] => view.changed(&graph.dependents(&find(graph, wanted)?)),
        ["--highlight", wanted] => view.highlight(&graph.dependents(&find(graph, wanted)?)),
        _ => return Err("unknown part".into()),
    })
}
