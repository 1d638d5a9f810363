//! A local server that implements the parts of GitHub's and GitLab's APIs that comments need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

/// The head commit of the pull request.
pub(crate) const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";
/// The repository of the pull request's branch.
pub(crate) const FORK: &str = "somebody/project";
/// The user of the token, and another user.
pub(crate) const ME: &str = "github-actions[bot]";
pub(crate) const PERSON: &str = "somebody";
const TOKEN: &str = "a token";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
}

pub(crate) use Kind::{GitHub, GitLab};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) author: String,
    pub(crate) body: String,
}

pub(crate) struct State {
    /// Comments on pull request 7, oldest first.
    pub(crate) comments: Vec<Comment>,
    pub(crate) head: String,
    /// Number of comments per page.
    pub(crate) page: usize,
    /// Method, end of the path, and the status with which such requests fail.
    pub(crate) fails: Option<(&'static str, &'static str, u16)>,
    /// Method and URL of each request.
    pub(crate) requests: Vec<String>,
    /// Login of the user in GraphQL.
    pub(crate) login: &'static str,
}

pub(crate) struct Forge {
    pub(crate) kind: Kind,
    address: String,
    state: Arc<Mutex<State>>,
}

impl Forge {
    pub(crate) fn new(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            comments: Vec::new(),
            head: HEAD.to_owned(),
            page: 100,
            fails: None,
            requests: Vec::new(),
            login: ME,
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(kind, &shared, &stream.unwrap());
            }
        });
        Forge { kind, address, state }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn comment(&self, author: &str, body: &str) {
        self.state().comments.push(Comment { author: author.to_owned(), body: body.to_owned() });
    }

    /// Body of the only comment.
    #[track_caller]
    pub(crate) fn body(&self) -> String {
        let state = self.state();
        assert_eq!(state.comments.len(), 1, "{:#?}", state.comments);
        assert_eq!(state.comments[0].author, ME);
        state.comments[0].body.clone()
    }

    /// Sets the variables of a run on the forge, and removes those of the run that executes this test.
    pub(crate) fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, _) in std::env::vars() {
            if ["GITHUB_", "GITLAB_", "CI_", "CRATEWRIGHT_TOKEN"].iter().any(|start| name.starts_with(start)) {
                command.env_remove(name);
            }
        }
        command.env("CRATEWRIGHT_TOKEN", TOKEN).env("NO_PROXY", "127.0.0.1");
        match self.kind {
            GitHub => command
                .env("GITHUB_API_URL", format!("{}/api/v3", self.address))
                .env("GITHUB_REPOSITORY", "owner/project"),
            GitLab => command
                .env("GITLAB_CI", "true")
                .env("CI_API_V4_URL", format!("{}/api/v4", self.address))
                .env("CI_MERGE_REQUEST_PROJECT_ID", "42")
                .env("CI_MERGE_REQUEST_IID", "7"),
        }
    }
}

/// Answers one request.
fn serve(kind: Kind, state: &Mutex<State>, mut stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut next = || {
        line.clear();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let first = next();
    let mut words = first.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let (mut length, mut is_allowed) = (0, false);
    loop {
        let header = next();
        let Some((name, value)) = header.split_once(": ") else { break };
        match (kind, name.to_ascii_lowercase().as_str()) {
            (_, "content-length") => length = value.parse().unwrap(),
            (_, "expect") => stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap(),
            (GitHub, "authorization") => is_allowed = value == format!("Bearer {TOKEN}"),
            (GitLab, "private-token") => is_allowed = value == TOKEN,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);

    let mut state = state.lock().unwrap();
    state.requests.push(format!("{method} {target}"));
    let path = target.split('?').next().unwrap_or_default();
    let failure = state.fails.filter(|(failing, end, _)| *failing == method && path.ends_with(end));
    let (status, links, answer) = match failure {
        Some((_, _, status)) => (status, String::new(), json!({"message": "not today"})),
        None if !is_allowed => (401, String::new(), json!({"message": "Bad credentials"})),
        None => answer(kind, &mut state, method, target, &body),
    };
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\n{links}Connection: close\r\n");
    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{answer}", answer.len());
}

/// Status, additional headers and body of the answer.
fn answer(kind: Kind, state: &mut State, method: &str, target: &str, body: &Value) -> (u16, String, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (pull_request, comments, comment, update, most) = match kind {
        GitHub => (
            "/api/v3/repos/owner/project/pulls/7",
            "/api/v3/repos/owner/project/issues/7/comments",
            "/api/v3/repos/owner/project/issues/comments/",
            "PATCH",
            65_536,
        ),
        GitLab => (
            "/api/v4/projects/42/merge_requests/7",
            "/api/v4/projects/42/merge_requests/7/notes",
            "/api/v4/projects/42/merge_requests/7/notes/",
            "PUT",
            1_000_000,
        ),
    };
    let none = String::new;
    let posted = || body["body"].as_str().filter(|text| text.chars().count() <= most).map(str::to_owned);
    match (kind, method) {
        (GitHub, "GET") if path == pull_request => {
            let head = json!({"sha": state.head, "repo": {"full_name": FORK}});
            (200, none(), json!({"number": 7, "head": head}))
        }
        (GitLab, "GET") if path == pull_request => (200, none(), json!({"iid": 7, "sha": state.head})),
        (GitHub, "POST") if path == "/api/graphql" && body["query"] == "{ viewer { login } }" => {
            (200, none(), json!({"data": {"viewer": {"login": state.login}}}))
        }
        (GitLab, "GET") if path == "/api/v4/user" => (200, none(), json!({"id": user(ME)})),
        (_, "GET") if path == comments => page(kind, state, path, query),
        (_, "POST") if path == comments => match posted() {
            None => (422, none(), json!({"message": "body is too long"})),
            Some(body) => {
                state.comments.push(Comment { author: ME.to_owned(), body });
                (201, none(), json!({"id": state.comments.len()}))
            }
        },
        _ if method == update => {
            let id = path.strip_prefix(comment).and_then(|id| id.parse::<usize>().ok());
            let found = id.and_then(|id| state.comments.get_mut(id.checked_sub(1)?));
            match (found, posted()) {
                (Some(found), Some(body)) if found.author == ME => {
                    found.body = body;
                    (200, none(), json!({}))
                }
                _ => (403, none(), json!({"message": "not yours"})),
            }
        }
        _ => (404, none(), json!({"message": "Not Found"})),
    }
}

/// A page of comments. Its links to other pages have another host, as with a proxy.
fn page(kind: Kind, state: &State, path: &str, query: &str) -> (u16, String, Value) {
    let number = query.split('&').find_map(|pair| pair.strip_prefix("page=")).map_or(1, |text| text.parse().unwrap());
    let all: Vec<Value> = (1..).zip(&state.comments).map(|(id, comment)| shown(kind, id, comment)).collect();
    let pages = all.len().div_ceil(state.page).max(1);
    let link = |page: usize, what: &str| {
        format!("<https://api.example.invalid{path}?per_page=100&page={page}>; rel=\"{what}\"")
    };
    let mut links = vec![link(1, "first"), link(pages, "last")];
    if number > 1 {
        links.insert(0, link(number - 1, "prev"));
    }
    if number < pages {
        links.insert(links.len() - 1, link(number + 1, "next"));
    }
    let some: Vec<Value> = all.into_iter().skip((number - 1) * state.page).take(state.page).collect();
    (200, format!("Link: {}\r\n", links.join(", ")), some.into())
}

fn shown(kind: Kind, id: usize, comment: &Comment) -> Value {
    let Comment { author, body } = comment;
    match kind {
        GitHub => {
            json!({"id": id, "body": body, "user": {"login": author}})
        }
        GitLab => json!({"id": id, "body": body, "author": {"id": user(author), "username": author}}),
    }
}

fn user(author: &str) -> usize {
    author.len()
}
