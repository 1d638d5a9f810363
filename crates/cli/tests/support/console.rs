//! Commands as pages show them, and a shell that they are typed in.

use std::process::Command;

/// Before what each command prints.
const NEXT: &str = "--- next command ---";

/// A command, with what it prints.
pub struct Shown {
    /// What is typed.
    pub command: String,
    /// What is printed. `...` stands for any lines, or for any part of one.
    pub prints: Vec<String>,
}

/// The commands of a block. They begin with `$ ` and go on with `> `, or after `\`. All other lines are printed.
pub fn commands(block: &str) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { command: command.to_owned(), prints: Vec::new() });
            continue;
        }
        let last = commands.last_mut().unwrap_or_else(|| panic!("a block begins with what is printed: {line}"));
        let more = line.strip_prefix("> ").or(Some(line).filter(|_| last.command.ends_with('\\')));
        match more {
            Some(more) if last.prints.is_empty() => last.command = format!("{}\n{more}", last.command),
            _ => last.prints.push(line.to_owned()),
        }
    }
    commands
}

/// Types commands in a shell, `bash` with nothing to do, and compares what each prints. At last `end` is run.
pub fn types(bash: &mut Command, commands: &[Shown], end: &str) -> Result<(), String> {
    // A program in the background would keep the test waiting where a command fails.
    let mut script = "exec 2>&1; set -e; trap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n".to_owned();
    for Shown { command, .. } in commands {
        script += &format!("printf '\\n%s\\n' '{NEXT}'\n{command}\n");
    }
    let output = bash.args(["--noprofile", "--norc", "-c", &(script + end)]).output().unwrap();
    let all = super::flake::text(&output);
    let next = format!("\n{NEXT}\n");
    let mut outputs = all.split(&next).skip(1);
    for Shown { command, prints } in commands {
        let printed = outputs.next().ok_or_else(|| format!("`{command}` was not run:\n{all}"))?;
        let lines: Vec<&str> = printed.trim_end().lines().collect();
        if !are_shown(prints, &lines) {
            return Err(format!("`{command}` prints\n{}\nand not\n{}", lines.join("\n"), prints.join("\n")));
        }
    }
    if output.status.success() { Ok(()) } else { Err(format!("{}:\n{all}", output.status)) }
}

/// Whether lines are those of a page.
fn are_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => (0..=printed.len()).any(|skipped| are_shown(rest, &printed[skipped..])),
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| is_shown(line, first) && are_shown(rest, others))
        }
    }
}

fn is_shown(shown: &str, printed: &str) -> bool {
    let Some((begin, rest)) = shown.split_once("...") else { return shown == printed };
    let Some(left) = printed.strip_prefix(begin) else { return false };
    let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    ends.any(|at| is_shown(rest, &left[at..]))
}
