//! `nix-lib/comment.sh` with a server that implements GitHub's and GitLab's APIs, and the templates that run it.

mod forge;
mod templates;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use self::forge::{FORK, Forge, GitHub, GitLab, HEAD, ME, PERSON};
use crate::support::repository;

/// The hidden first line of comments.
const MARKER: &str = "<!-- cratewright-impact -->\n";
/// Output of `cratewright impact --format markdown`.
const MARKDOWN: &str = "\
**1 of 5 crates (20.0 %) and 0 of 2 test suites are built again on x86_64-unknown-linux-gnu**, since 1f0c2d3e4.

Because of

- leaf 0.1.0: changed files: src/\\[x\\](y) &lt;b&gt; @&#8203;team\\|\\`z\\`.rs (1 crate)

<details><summary>What is built on x86_64-unknown-linux-gnu</summary>

**Members** (1): leaf 0.1.0

</details>

> flake.lock differs: another version of nixpkgs may rebuild every crate
";

fn last_line() -> String {
    format!("\nFor commit {HEAD}.\n")
}

/// Runs the script as a workflow does, for a pull request from a fork on GitHub.
fn run(forge: &Forge, file: &Path, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(repository().join("nix-lib/comment.sh"));
    forge.environment(&mut command).arg(file).env("CRATEWRIGHT_PULL_REQUEST", "7").env("CRATEWRIGHT_HEAD", HEAD);
    if forge.kind == GitHub {
        command.env("CRATEWRIGHT_HEAD_REPOSITORY", FORK);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

fn comment_with(forge: &Forge, markdown: &str, variables: &[(&str, &str)]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("impact.md");
    fs::write(&file, markdown).unwrap();
    run(forge, &file, variables)
}

#[track_caller]
fn check(output: &Output, code: i32, says: &str) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(says), "{text}");
}

#[track_caller]
fn comment(forge: &Forge, markdown: &str, says: &str) {
    check(&comment_with(forge, markdown, &[]), 0, says);
}

/// Expects an error, without a comment.
#[track_caller]
fn refuse(forge: &Forge, markdown: &str, variables: &[(&str, &str)], says: &str) {
    let before = forge.state().comments.clone();
    check(&comment_with(forge, markdown, variables), 2, &format!("error: {says}"));
    assert_eq!(forge.state().comments, before);
}

#[test]
fn the_first_run_comments_and_later_runs_update_the_comment() {
    for forge in [GitHub, GitLab].map(Forge::new) {
        comment(&forge, MARKDOWN, "commented on pull request 7");
        assert_eq!(forge.body(), [MARKER, MARKDOWN, &last_line()].concat());
        for text in ["**nothing is built again: 0 of 5 crates on x**, since main.\n", MARKDOWN] {
            comment(&forge, text, "updated the comment on pull request 7");
            assert_eq!(forge.body(), [MARKER, text, &last_line()].concat());
        }
    }
}

#[test]
fn comments_of_others_are_not_changed() {
    for forge in [GitHub, GitLab].map(Forge::new) {
        let same = [MARKER, MARKDOWN].concat();
        forge.comment(PERSON, &same);
        // Other comments by the same user, one of which quotes the hidden line.
        forge.comment(ME, "the tests have passed");
        forge.comment(ME, &format!("> {same}"));
        let before = forge.state().comments.clone();
        comment(&forge, MARKDOWN, "commented");
        comment(&forge, MARKDOWN, "updated");
        let state = forge.state();
        assert_eq!(state.comments[..3], before);
        assert_eq!(state.comments.len(), 4);
    }
}

#[test]
fn all_pages_are_searched() {
    for forge in [GitHub, GitLab].map(Forge::new) {
        forge.state().page = 2;
        for _ in 0..5 {
            forge.comment(PERSON, "I think so too");
        }
        comment(&forge, MARKDOWN, "commented");
        let count = |forge: &Forge| forge.state().requests.iter().filter(|request| request.contains("page=")).count();
        assert_eq!(count(&forge), 3);
        forge.comment(PERSON, "the last word");
        comment(&forge, MARKDOWN, "updated");
        assert_eq!(count(&forge), 6);
        // The comment is found on the first page, so no other page is requested.
        forge.state().comments.swap(0, 5);
        comment(&forge, MARKDOWN, "updated");
        assert_eq!(count(&forge), 7);
    }
}

#[test]
fn two_workspaces_have_a_comment_each() {
    let forge = Forge::new(GitHub);
    for says in ["commented", "updated"] {
        comment(&forge, MARKDOWN, says);
        check(&comment_with(&forge, MARKDOWN, &[("CRATEWRIGHT_MARKER", "tools")]), 0, says);
    }
    assert!(forge.state().comments[1].body.starts_with("<!-- tools -->\n"));
    assert_eq!(forge.state().comments.len(), 2);
    refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_MARKER", "a -->")], "CRATEWRIGHT_MARKER");
}

#[test]
fn comments_of_an_app_are_found_by_its_bot() {
    let forge = Forge::new(GitHub);
    forge.state().login = "github-actions";
    comment(&forge, MARKDOWN, "commented");
    comment(&forge, MARKDOWN, "updated");
}

#[test]
fn errors_of_the_api_are_reported() {
    let tables = [
        (GitHub, "/comments", "/graphql", "POST", "PATCH", "help: the token needs `pull-requests: write`"),
        (GitLab, "/notes", "/user", "GET", "PUT", "help: the token needs the scope `api`, and the role Reporter"),
    ];
    for (kind, comments, user, asks, update, help) in tables {
        let forge = Forge::new(kind);
        let fails = |method, path, status, has_help| {
            forge.state().fails = Some((method, path, status));
            forge.state().requests.clear();
            let before = forge.state().comments.clone();
            let output = comment_with(&forge, MARKDOWN, &[]);
            check(&output, 2, &format!("error: {method} http://127.0.0.1:"));
            check(&output, 2, path);
            check(&output, 2, &format!(": {status} not today\n"));
            assert_eq!(String::from_utf8_lossy(&output.stderr).contains(help), has_help);
            assert_eq!(forge.state().comments, before);
            // Comments are sent only once, as one may have been posted even if its answer is lost.
            let mut sent = forge.state().requests.clone();
            sent.retain(|request| request.starts_with(method) && request.contains(path));
            assert_eq!(sent.len(), 1, "{sent:?}");
        };
        fails("GET", "/7", 404, true);
        fails(asks, user, 401, true);
        fails("GET", comments, 403, true);
        fails("POST", comments, 403, true);
        fails("POST", comments, 422, false);
        fails("POST", comments, 500, false);
        forge.state().fails = None;
        comment(&forge, MARKDOWN, "commented");
        fails(update, "/1", 403, true);
        fails(update, "/1", 502, false);

        forge.state().fails = None;
        refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_TOKEN", "another")], "GET http");
        refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_TOKEN", "")], "CRATEWRIGHT_TOKEN is not set\n");
        refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_FORGE", "forgejo")], "CRATEWRIGHT_FORGE is `forgejo`\n");
    }
    let forge = Forge::new(GitHub);
    let nowhere = [("CRATEWRIGHT_API", "http://127.0.0.1:9")];
    refuse(&forge, MARKDOWN, &nowhere, "GET http://127.0.0.1:9/repos/owner/project/pulls/7: no answer");
    refuse(&forge, MARKDOWN, &[("GITHUB_REPOSITORY", "")], "CRATEWRIGHT_REPOSITORY is not set");
}

#[test]
fn pull_requests_at_other_commits_get_no_comment() {
    let other = "f".repeat(40);
    for forge in [GitHub, GitLab].map(Forge::new) {
        forge.state().head.clone_from(&other);
        let says = format!(
            "pull request 7 is at {other}, not at {HEAD}: nothing is posted, and the run for that commit takes over\n"
        );
        check(&comment_with(&forge, MARKDOWN, &[]), 0, &says);
        assert!(forge.state().comments.is_empty());
    }
    let forge = Forge::new(GitHub);
    let from = [("CRATEWRIGHT_HEAD_REPOSITORY", "owner/project")];
    refuse(&forge, MARKDOWN, &from, "pull request 7 is from somebody/project, not from owner/project");
    for number in ["", "8/../7", "7 ", "07", "-1", "12345678901"] {
        let says = "CRATEWRIGHT_PULL_REQUEST is not the number of a pull request";
        refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_PULL_REQUEST", number)], says);
    }
    refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_PULL_REQUEST", "8")], "GET http");
    refuse(&forge, MARKDOWN, &[("CRATEWRIGHT_HEAD", "main")], "CRATEWRIGHT_HEAD is not a commit");
    // The commit of a merged results pipeline is not the head of the merge request.
    let forge = Forge::new(GitLab);
    let merged = [("CRATEWRIGHT_HEAD", ""), ("CI_COMMIT_SHA", &other), ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", HEAD)];
    check(&comment_with(&forge, MARKDOWN, &merged), 0, "commented");
}

#[test]
fn markdown_that_cratewright_does_not_print_is_rejected() {
    let forge = Forge::new(GitHub);
    for line in [
        "ask @team",
        "\\@team",
        "&#64;team",
        "&commat;team",
        "[a link](https://example.invalid)",
        "\\\\[a link\\\\](https://example.invalid)",
        "![an image](https://example.invalid)",
        "`code`",
        "<img src=x>",
        "</details><img src=x>",
        "<details><summary><b>a</b></summary>",
        "<!-- cratewright-impact -->",
        "/approve",
        "  /approve",
        "a\rb",
    ] {
        let says = "1 lines of the Markdown are not from `cratewright impact --format markdown`";
        refuse(&forge, &format!("{MARKDOWN}\n{line}\n"), &[], says);
    }
    refuse(&forge, "", &[], "the Markdown is empty");
    refuse(&forge, &"a long line\n".repeat(400_000), &[], "the Markdown has more than 4,000,000 bytes");
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("impact.md");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    for file in [link.as_path(), directory.path(), &directory.path().join("none")] {
        check(&run(&forge, file, &[]), 2, "error: the Markdown is not a regular file");
    }
    assert!(forge.state().requests.is_empty(), "a request was sent before the text was rejected");
}

#[test]
fn long_comments_are_truncated() {
    for (kind, most) in [(GitHub, 65_536), (GitLab, 1_000_000)] {
        let forge = Forge::new(kind);
        let says = format!("as a comment has at most {most} characters");
        let (before, after) = MARKDOWN.split_once("leaf 0.1.0\n\n</details>").unwrap();
        let with = |length: usize| format!("{before}{}\n\n</details>{after}", "x".repeat(length));
        comment(&forge, &with(most - 1000), "commented");
        assert!(forge.body().contains("xxx") && !forge.body().contains(&says));
        comment(&forge, &with(most), "updated");
        let body = forge.body();
        let (start, _) = MARKDOWN.split_once("\n<details>").unwrap();
        assert!(body.starts_with(&[MARKER, start].concat()), "{body}");
        assert!(!body.contains("details>") && !body.contains("xxx"), "{body}");
        assert!(body.contains("\n> flake.lock differs") && body.contains(&says), "{body}");
        assert!(body.ends_with(&last_line()), "{body}");

        // The text is too long even without details. It is cut neither inside a multi-byte character nor inside a line.
        let line = format!("- \u{1f980}{} (1 crate)\n", "\u{fc}".repeat(50));
        let long = MARKDOWN.replace("- leaf", &format!("{}- leaf", line.repeat(most / 100)));
        comment(&forge, &long, "updated");
        let body = forge.body();
        assert!(body.contains(&says) && body.ends_with(&last_line()), "{body}");
        let lines: Vec<&str> = body.lines().filter(|text| text.starts_with("- ")).collect();
        assert!(lines.len() > 100 && lines.iter().all(|text| *text == line.trim_end()), "{body}");
    }
}
