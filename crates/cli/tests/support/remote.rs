//! Nix's distributed builds on one computer: each builder is a [`Machine`] with an ssh server on the loopback
//! interface.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::machine::Machine;
use super::{nix, run, stdout};

/// A machine that distributes builds, and builders that it reaches by ssh under their names.
pub struct Site {
    pub local: Machine,
    pub builders: Vec<Builder>,
    // Dropped last, as it holds the files of the servers.
    directory: tempfile::TempDir,
}

pub struct Builder {
    pub name: &'static str,
    // Dropped before the machine, as its processes must end first.
    server: Server,
    pub machine: Machine,
}

/// An ssh server, and the processes that it has started.
struct Server {
    process: Child,
    port: u16,
}

/// Information in a machine's store about a path.
#[derive(Debug, Clone)]
pub struct Stored {
    pub nar_hash: String,
    pub nar_size: u64,
    /// Whether this machine built the path, instead of copying it.
    pub is_built_here: bool,
}

impl Site {
    /// Starts builders with these names.
    pub fn of(builders: &[&'static str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path();
        for key in ["host-key", "user-key"] {
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(place.join(key)));
        }
        let host_key = fs::read_to_string(place.join("host-key.pub")).unwrap();
        fs::write(place.join("known_hosts"), format!("builder {host_key}")).unwrap();
        fs::write(place.join("nix.conf"), "build-users-group =\nsandbox = false\nsubstituters =\n").unwrap();
        let start = |&name: &&'static str| {
            let machine = Machine::new();
            let log = place.join(format!("{name}.log"));
            // Another process may take a free port before the server does.
            let server = (0..5).find_map(|_| Server::start(&machine, place, &log));
            let server = server.unwrap_or_else(|| panic!("no ssh server: {}", fs::read_to_string(&log).unwrap()));
            Builder { name, server, machine }
        };
        let builders: Vec<Builder> = builders.iter().map(start).collect();
        fs::write(place.join("ssh_config"), ssh_config(&builders, place)).unwrap();
        Site { local: Machine::new(), builders, directory }
    }

    /// `nix-build` on the local machine. `features` are the last two fields of a builder in the setting `builders`:
    /// supported and mandatory features.
    pub fn nix_build(&self, features: &[(&str, &str)]) -> Command {
        let daemon = stdout(Command::new("sh").args(["-c", "command -v nix-daemon"]));
        let system = nix::eval_json("builtins.currentSystem");
        let system = system.as_str().unwrap();
        let line = |builder: &Builder| {
            let name = builder.name;
            let features = features.iter().find(|(of, _)| *of == name).map_or("", |(_, features)| features);
            format!("ssh-ng://{name}?remote-program={} {system} - 1 1 {features}", daemon.trim())
        };
        let builders: Vec<String> = self.builders.iter().map(line).collect();
        let mut command = self.local.command("nix-build");
        command.args(["--no-out-link", "--max-jobs", "0", "--builders", &builders.join(" ; ")]);
        command.env("NIX_SSHOPTS", format!("-F {}", self.directory.path().join("ssh_config").display()));
        command
    }

    /// Stops a builder immediately, like a power failure.
    pub fn switch_off(&mut self, name: &str) {
        self.builders.iter_mut().find(|builder| builder.name == name).unwrap().server.stop();
    }
}

impl Server {
    /// Starts a server; none if it does not get the port.
    fn start(machine: &Machine, place: &Path, log: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = log.with_extension("sshd_config");
        fs::write(&config, server_config(port, place)).unwrap();
        let mut command = machine.command("sh");
        // In its own process namespace, the server ends with its parent, and its child processes end with it.
        let apart = "exec unshare --pid --fork --kill-child";
        if nix::is_root() {
            command.args(["-c", &format!("mount -t tmpfs none /run && mkdir /run/sshd && {apart} \"$@\"")]);
        } else {
            // As root of a user namespace, sshd would change users. In another nested namespace, it runs as the
            // original user.
            let ids = stdout(Command::new("sh").args(["-c", "echo --map-user=$(id -u) --map-group=$(id -g)"]));
            command.args(["-c", &format!("{apart} --user {} \"$@\"", ids.trim())]);
        }
        command.arg("server").arg(program()).args(["-D", "-e", "-f"]).arg(config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(log).unwrap());
        let mut server = Server { process: command.spawn().unwrap(), port };
        for _ in 0..200 {
            if server.process.try_wait().unwrap().is_some() {
                return None;
            }
            if server.answers() {
                return Some(server);
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
    }

    fn answers(&self) -> bool {
        let mut greeting = [0; 4];
        let connection = TcpStream::connect(("127.0.0.1", self.port));
        connection.and_then(|mut server| server.read_exact(&mut greeting)).is_ok() && greeting == *b"SSH-"
    }

    fn stop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        self.process.wait().unwrap();
        while self.answers() {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Path of sshd, which must be called by its absolute path. On Debian it is not in the `PATH` of users.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = places.find_map(|place| Some(place.join("sshd")).filter(|program| program.is_file()));
    found.expect("this test needs the program sshd: `apt-get install openssh-server`")
}

/// The configuration of a server, which neither reads nor changes that of the system, and runs shells without the
/// user's files.
fn server_config(port: u16, place: &Path) -> String {
    let place = place.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {place}/host-key\nAuthorizedKeysFile {place}/user-key.pub\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
         SetEnv NIX_CONF_DIR={place} HOME={place}\n"
    )
}

/// Nix opens a connection for each derivation. They share the first connection to a builder.
fn ssh_config(builders: &[Builder], place: &Path) -> String {
    let user = stdout(Command::new("id").arg("-un"));
    let place = place.display();
    let hosts = builders.iter().map(|builder| format!("Host {}\n  Port {}\n", builder.name, builder.server.port));
    hosts.collect::<String>()
        + &format!(
            "Host *\n  HostName 127.0.0.1\n  User {}\n  BatchMode yes\n  IdentityFile {place}/user-key\n  \
             IdentitiesOnly yes\n  HostKeyAlias builder\n  UserKnownHostsFile {place}/known_hosts\n  \
             GlobalKnownHostsFile none\n  ControlMaster auto\n  ControlPath {place}/to-%n\n  ControlPersist 60\n",
            user.trim()
        )
}

/// All paths of a machine's store.
pub fn stored(machine: &Machine) -> BTreeMap<PathBuf, Stored> {
    let json = stdout(machine.command("nix").args(["path-info", "--all", "--json"]));
    let paths = match serde_json::from_str(&json).unwrap() {
        Value::Array(paths) => paths.into_iter().map(|info| (info["path"].as_str().unwrap().into(), info)).collect(),
        // The format of newer versions of Nix.
        Value::Object(paths) => {
            paths.into_iter().map(|(path, info)| (path.into(), info)).collect::<Vec<(PathBuf, _)>>()
        }
        other => panic!("{other}"),
    };
    let stored = |info: &Value| Stored {
        nar_hash: info["narHash"].as_str().unwrap().to_owned(),
        nar_size: info["narSize"].as_u64().unwrap(),
        is_built_here: info["ultimate"].as_bool().unwrap_or(false),
    };
    paths.into_iter().map(|(path, info)| (path, stored(&info))).collect()
}
